// subscribeInbox in Chromium: several tabs, a network that goes and comes back, a server that is
// killed. No item is missed, and none comes twice.
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";

import type { Browser, BrowserContext, Page } from "playwright-core";

import { startServe } from "./bongsu.js";
import { files, launch, missing } from "./chromium.js";
import { InboxServer } from "./inbox_server.js";

// An Inbox is a server whose stream the pages read.
interface Inbox {
  /** The URL of the stream's server. */
  url: string;
  /** What the pages pass to subscribeInbox beside the URL. */
  options: Record<string, string>;
  post: (text: string) => Promise<void>;
  /** Ends all connections, and begins to accept them again. */
  restart: () => Promise<void>;
  stop: () => Promise<void>;
}

// small returns the server of the unit tests.
async function small(_origin: string): Promise<Inbox> {
  const server = await InboxServer.start();
  const restart = async () => {
    await server.stop();
    await server.listen();
  };
  return { url: server.url, options: { credential: "bgs_key" }, post: (text) => server.post(text), restart, stop: () => server.stop() };
}

// real returns a bongsu serve that requires a key, with a user who has an inbox. A restart kills
// it. The pages have a key of the role user.
async function real(origin: string): Promise<Inbox> {
  const data = await mkdtemp(join(tmpdir(), "bongsu-ts-"));
  const serve = (address: string) => startServe(data, "--auth=required", `--edge-addr=${address}`, `--cors-origins=${origin}`);
  let running = await serve("127.0.0.1:0");
  const { url } = running;
  const admin = (await readFile(join(data, "admin.key"), "utf8")).trim();
  const call = async (method: string, path: string, body?: unknown): Promise<any> => {
    const init = body === undefined ? {} : { body: JSON.stringify(body) };
    const res = await fetch(url + path, { method, headers: { Authorization: `Bearer ${admin}`, "Content-Type": "application/json" }, ...init });
    assert.ok(res.ok, `${method} ${path}: ${res.status} ${await res.clone().text()}`);
    return res.json();
  };
  await call("POST", "/v1/users", { nickName: "reader", addresses: [{ messenger: "inbox" }] });
  const { key } = await call("POST", "/v1/keys", { name: "page", role: "user", nickName: "reader" });
  return {
    url,
    options: { credential: key },
    // The next text is sent when this one is stored: two alerts have no order.
    post: async (message) => {
      const { id } = await call("POST", "/v1/alerts", { target: ["@reader"], message });
      for (const end = Date.now() + 30_000; ; await wait(20)) {
        const { deliveries } = await call("GET", `/v1/alerts/${id}`);
        if (deliveries.length === 1 && /SENT$/.test(deliveries[0].state)) return;
        assert.ok(Date.now() < end, `not delivered after 30 s: ${JSON.stringify(deliveries)}`);
      }
    },
    restart: async () => {
      await running.stop("SIGKILL");
      running = await serve(new URL(url).host);
    },
    stop: async () => {
      await running.stop("SIGTERM");
      await rm(data, { recursive: true });
    },
  };
}

describe("in Chromium", { skip: missing ?? false }, () => {
  for (const { name, start } of [
    { name: "a small server", start: small },
    { name: "bongsu serve", start: real },
  ]) {
    describe(name, { timeout: 120_000 }, () => stories(start));
  }
});

function stories(start: (origin: string) => Promise<Inbox>): void {
  let inbox: Inbox, pages: InboxServer, browser: Browser, context: BrowserContext;
  before(async () => {
    pages = await InboxServer.start(files);
    [inbox, browser] = await Promise.all([start(pages.url), launch()]);
    console.log(`Chromium ${browser.version()}`);
  });
  after(async () => {
    await browser?.close();
    await Promise.all([inbox?.stop(), pages?.stop()]);
  });

  // inTabs runs a test in tabs of a new profile. The origin of the pages is not that of the stream.
  async function inTabs(n: number, run: (...tabs: Page[]) => Promise<void>): Promise<void> {
    context = await browser.newContext();
    try {
      const tabs = await Promise.all(Array.from({ length: n }, () => context.newPage()));
      await Promise.all(tabs.map(open));
      await run(...tabs);
    } finally {
      await context.close();
    }
  }

  // open loads the page and subscribes.
  async function open(tab: Page): Promise<void> {
    const errors: string[] = [];
    tab.on("pageerror", (error) => errors.push(String(error)));
    await tab.goto(pages.url);
    await tab.waitForFunction(() => typeof begin === "function").catch((error: unknown) => assert.fail(`${error}\n${errors.join("\n")}`));
    await tab.evaluate((options) => begin(options), { baseUrl: inbox.url, maxDelay: 500, ...inbox.options });
    await until(tab, "open");
  }

  async function until(tab: Page, state: string): Promise<void> {
    await tab.waitForFunction((state) => subscription.state === state, state);
  }

  // has fails unless the tab gets these texts and no others.
  async function has(tab: Page, ...want: string[]): Promise<void> {
    await tab.waitForFunction((n) => texts.length >= n, want.length);
    assert.deepEqual(await tab.evaluate(() => texts), want);
  }

  async function post(...texts: string[]): Promise<void> {
    for (const text of texts) await inbox.post(text);
  }

  test("two tabs get each item, in order", () =>
    inTabs(2, async (one, two) => {
      await post("a", "봉수", "c");
      await has(one!, "a", "봉수", "c");
      await has(two!, "a", "봉수", "c");
    }));

  test("a tab that is closed does not end the other", () =>
    inTabs(2, async (one, two) => {
      await post("a");
      await has(one!, "a");
      await one!.close();
      await post("b");
      await has(two!, "a", "b");
    }));

  test("what came while the browser was offline comes when it is back, once", () =>
    inTabs(2, async (one, two) => {
      await post("before");
      await has(one!, "before");
      await has(two!, "before");
      for (const round of ["1", "2"]) {
        await context.setOffline(true);
        await Promise.all([one!, two!].map((tab) => until(tab, "offline")));
        await post(`while offline ${round}`, `and another ${round}`);
        await context.setOffline(false);
        await Promise.all([one!, two!].map((tab) => until(tab, "open")));
        await post(`after ${round}`);
      }
      const want = ["before", ...["1", "2"].flatMap((round) => [`while offline ${round}`, `and another ${round}`, `after ${round}`])];
      await has(one!, ...want);
      await has(two!, ...want);
    }));

  test("what came while the server was away comes when it is back, once", () =>
    inTabs(2, async (one, two) => {
      await post("before");
      await has(one!, "before");
      await inbox.restart();
      await post("after the restart");
      await has(one!, "before", "after the restart");
      await has(two!, "before", "after the restart");
    }));

  test("a page that is loaded again goes on where it was", () =>
    inTabs(1, async (tab) => {
      await post("a", "b");
      await has(tab!, "a", "b");
      await tab!.goto("about:blank");
      await post("while away");
      await open(tab!);
      await has(tab!, "while away");
    }));

  test("a closed subscription gets nothing", () =>
    inTabs(2, async (one, two) => {
      await one!.evaluate(() => subscription.close());
      await until(one!, "closed");
      await post("late");
      await has(two!, "late");
      await has(one!);
    }));
}
