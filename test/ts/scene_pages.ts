// Pages in Chromium for a test in another language, TestEventScene of test/e2e:
//
//	node build/scene_pages.js ORIGIN EDGE NICKNAME…
//
// serves pages at ORIGIN, opens one for each user, and subscribes it to all items of the user's
// inbox at EDGE. Each item that a page gets is a line of standard output, in the order of the
// page: {"nickName":"kim","id":"1","text":"…"}. It ends when standard input does: with status 0
// unless a page failed, by an uncaught error or a subscription that an error closed. Without
// arguments it ends at once, with status 1 if there is no Chromium.
import assert from "node:assert/strict";
import { once } from "node:events";

import type { Browser, Page } from "playwright-core";

import { files, launch, missing } from "./chromium.js";
import { InboxServer } from "./inbox_server.js";

/** Opens the page of a user in a profile of its own. fail is called with why the page failed. */
async function open(browser: Browser, origin: string, baseUrl: string, nickName: string, fail: (reason: Error) => void): Promise<Page> {
  const context = await browser.newContext();
  const page = await context.newPage();
  const failed = (reason: unknown) => fail(new Error(`the page of ${nickName}: ${reason}`));
  page.on("pageerror", failed);
  page.on("crash", () => failed("crashed"));
  await page.exposeFunction("received", (id: string, text: string) => {
    process.stdout.write(`${JSON.stringify({ nickName, id, text })}\n`);
  });
  await page.goto(origin);
  await page.waitForFunction(() => typeof begin === "function");
  await page.evaluate((options) => begin(options), { baseUrl, nickName, afterId: "0", maxDelay: 500 });
  await page.waitForFunction(() => subscription.state === "open");
  void page.evaluate(() => subscription.closed.then((error) => error && String(error))).then((reason) => {
    if (reason) failed(reason);
  }, failed); // such as that the page left
  return page;
}

async function run(origin: string, edge: string, nickNames: string[]): Promise<void> {
  let fail = (_reason: Error): void => {};
  const failure = new Promise<never>((_, reject) => (fail = reject));
  const pages = await InboxServer.start(files, Number(new URL(origin).port));
  const browser = await launch();
  try {
    const opened = Promise.all(nickNames.map((nickName) => open(browser, pages.url, edge, nickName, fail)));
    const tabs = await Promise.race([opened, failure]);
    console.error(`${tabs.length} pages are open in Chromium ${browser.version()}`);
    process.stdin.resume();
    await Promise.race([once(process.stdin, "end"), failure]);
    // What a page calls before this returns is printed before.
    await Promise.race([Promise.all(tabs.map((tab) => tab.evaluate(() => subscription.close()))), failure]);
  } finally {
    await browser.close();
    await pages.stop();
  }
}

const [origin, edge, ...nickNames] = process.argv.slice(2);
if (missing) {
  console.error(missing);
  process.exitCode = 1;
} else if (origin !== undefined) {
  assert.ok(edge && nickNames.length > 0, "usage: scene_pages.js ORIGIN EDGE NICKNAME…");
  await run(origin, edge, nickNames);
}
