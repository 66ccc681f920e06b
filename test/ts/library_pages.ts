// The web page of examples/library in Chromium, for its TestPages:
//
//	node build/library_pages.js URL KEYS
//
// URL is that of the page of a library in which nobody has reserved yet, KEYS the file with the keys
// of mina, jun and the librarian. Steps are lines of standard output. It prints "stop delivery" and
// "start delivery" to have the service stopped and started, and goes on at a line of standard input.
// Without arguments it ends at once, with status 1 if there is no Chromium.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";

import type { Browser, Page } from "playwright-core";

import { launch, missing } from "./chromium.js";

const hostile = `<img src=x onerror="window.hacked = 1"><script>window.hacked = 1</script>"'&amp;${"long".repeat(20)}`;

declare global {
  var hacked: number | undefined;
  var loaded: number | undefined; // marks a document, to see that it is not loaded again
}

const failures: string[] = [];

/** Signs a person in, in a profile of the person's own, by the address of a page. */
async function signIn(browser: Browser, url: string, path: string, key: string): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 320, height: 600 } });
  const page = await context.newPage();
  page.on("pageerror", (error) => failures.push(String(error)));
  page.on("console", (message) => {
    if (/Content Security Policy|Refused/.test(message.text())) failures.push(message.text());
  });
  await page.goto(url + path);
  await page.getByLabel("API key").fill(key); // it has the focus
  await page.keyboard.press("Enter");
  await page.waitForURL(url + path);
  const cookies = await context.cookies();
  assert.deepEqual(cookies.map((c) => [c.name, c.httpOnly, c.sameSite]), [["library_session", true, "Strict"]]);
  assert.ok(!cookies[0]!.value.includes(key));
  return page;
}

/** Checks what holds for every page. */
async function check(page: Page): Promise<void> {
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(width <= 320, `${page.url()} is ${width} pixels wide on a screen of 320`);
  assert.equal(await page.evaluate(() => window.hacked), undefined, "a title runs as a script");
  assert.equal(await page.evaluate(() => localStorage.length + sessionStorage.length), 0);
}

/** Presses a button by the keyboard. */
async function press(page: Page, name: string): Promise<void> {
  await page.getByRole("button", { name, exact: true }).focus();
  await page.keyboard.press("Enter");
}

/** Returns the state of a book on MyPage, of the newest reservation of it. */
const stateOf = (page: Page, title: string) => page.locator("#entries > li", { has: page.getByRole("heading", { name: title, exact: true }) }).first().locator(".state");

/** Waits until MyPage, which is not loaded again, shows a state of a book. */
async function follows(page: Page, title: string, state: string): Promise<void> {
  await stateOf(page, title).filter({ hasText: state }).waitFor();
  assert.equal(await page.evaluate(() => window.loaded), 1, "MyPage was loaded again");
}

/** Reserves a book by a button, and returns on MyPage. */
async function reserve(page: Page, url: string, button: string): Promise<void> {
  await page.goto(`${url}/books`);
  await check(page);
  await press(page, button);
  await page.waitForURL(/\/mypage#r-/);
  await page.evaluate(() => (window.loaded = 1));
  await check(page);
}

/** Waits until the inbox has a text. */
async function receives(page: Page, url: string, text: string): Promise<void> {
  for (const end = Date.now() + 30_000; ; await page.waitForTimeout(100)) {
    await page.goto(`${url}/inbox`);
    if ((await page.getByText(text).count()) > 0) return;
    assert.ok(Date.now() < end, `the inbox does not have ${text}`);
  }
}

async function run(url: string, keyFile: string): Promise<void> {
  const keys: Record<string, string> = JSON.parse(await readFile(keyFile, "utf8"));
  const input = createInterface(process.stdin)[Symbol.asyncIterator]();
  const tell = async (line: string) => {
    console.log(line);
    await input.next();
  };
  const browser = await launch();
  try {
    const [mina, jun, librarian] = await Promise.all([
      signIn(browser, url, "/mypage", keys["mina"]!),
      signIn(browser, url, "/books?query=drac", keys["jun"]!),
      signIn(browser, url, "/deliveries", keys["librarian"]!),
    ]);
    await mina.getByText("You have no reservations.").waitFor();
    await librarian.getByText("No delivery is on its way.").waitFor();

    console.log("mina reserves the only Dracula");
    await reserve(mina, url, "Reserve Dracula");
    await follows(mina, "Dracula", "On its way");

    console.log("jun waits for it, until the librarian has another one");
    await reserve(jun, url, "Wait for Dracula");
    await follows(jun, "Dracula", "Waiting for a copy");
    await librarian.goto(`${url}/books`);
    await press(librarian, "Add copies of Dracula");
    await follows(jun, "Dracula", "On its way");

    console.log("the book of mina arrives");
    await librarian.goto(`${url}/deliveries`);
    await check(librarian);
    await press(librarian, "Dracula has arrived at mina");
    await follows(mina, "Dracula", "Delivered");
    assert.equal(await mina.getByRole("button", { name: "Cancel Dracula" }).count(), 0);

    console.log("jun cannot cancel while delivery is down");
    await tell("stop delivery");
    await press(jun, "Cancel Dracula");
    await jun.getByRole("alert").filter({ hasText: "delivery did not respond in time" }).waitFor();
    assert.equal(await stateOf(jun, "Dracula").textContent(), "On its way");
    await check(jun);
    await tell("start delivery");
    for (const end = Date.now() + 30_000; ; ) {
      await jun.goto(`${url}/mypage`);
      await press(jun, "Cancel Dracula");
      const canceled = stateOf(jun, "Dracula").filter({ hasText: "Canceled" });
      await jun.getByRole("alert").or(canceled).first().waitFor();
      if ((await canceled.count()) > 0) break;
      assert.ok(Date.now() < end, "jun cannot cancel");
    }

    console.log("the inboxes have what happened");
    await receives(jun, url, "Back in stock: Dracula");
    await receives(jun, url, "Your reservation is canceled.");
    await receives(mina, url, "Your reservation is confirmed: Dracula");
    await receives(mina, url, "Your delivery has started: Dracula");
    await check(mina);
    await press(mina, "Mark all as read");
    await mina.getByRole("button", { name: "Mark all as read" }).waitFor({ state: "detached" });
    await mina.getByRole("link", { name: "Show" }).first().click();
    await mina.waitForURL(/\/mypage#r-/);
    assert.equal(await mina.locator("li:target h2").textContent(), "Dracula");

    console.log("a title that is HTML is shown as text");
    await librarian.goto(`${url}/books`);
    await librarian.getByLabel("Title").last().fill(hostile);
    await press(librarian, "Put in stock");
    await librarian.getByRole("heading", { name: hostile, exact: true }).waitFor();
    await check(librarian);
    await reserve(jun, url, `Reserve ${hostile}`);
    await follows(jun, hostile, "On its way");
    await check(jun);

    console.log("light, dark, and signed out");
    const background = () => jun.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const light = await background();
    await jun.emulateMedia({ colorScheme: "dark" });
    assert.notEqual(await background(), light);
    await press(jun, "Sign out");
    await jun.waitForURL(`${url}/signin`);
    await jun.goto(`${url}/mypage`);
    await jun.getByLabel("API key").fill("wrong");
    await press(jun, "Sign in");
    await jun.getByRole("alert").filter({ hasText: "This key is not valid." }).waitFor();
    assert.deepEqual(failures, []);
  } finally {
    await browser.close();
    process.stdin.destroy();
  }
}

const [url, keyFile] = process.argv.slice(2);
if (missing) {
  console.error(missing);
  process.exitCode = 1;
} else if (url !== undefined) {
  assert.ok(keyFile, "usage: library_pages.js URL KEYS");
  await run(url, keyFile);
}
