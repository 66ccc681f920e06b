// subscribeInbox of the package in gen/ts, in Node, against a server that fails in all ways.
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";

import { type InboxOptions, type InboxState, InboxError, type InboxSubscription, subscribeInbox } from "@bongsu/client/inbox.js";

import type * as delays from "./node_modules/@bongsu/client/src/internal/delay.js";
import { InboxServer } from "./inbox_server.js";

// The package does not export it.
const internal = new URL("../node_modules/@bongsu/client/src/internal/delay.js", import.meta.url).href;
const { Delay }: typeof delays = await import(internal);

let server: InboxServer;
let open: Reader[];
beforeEach(async () => {
  server = await InboxServer.start();
  open = [];
});
afterEach(async () => {
  for (const reader of open) reader.subscription.close();
  await Promise.all(open.map((reader) => reader.subscription.closed));
  await server.stop();
});

// A Reader records what a subscription calls.
class Reader {
  readonly texts: string[] = [];
  readonly states: InboxState[] = [];
  readonly reasons: string[] = [];
  readonly ready: string[] = [];
  readonly subscription: InboxSubscription;
  #changed: (() => void)[] = [];

  constructor(options: Partial<InboxOptions> = {}) {
    const change = () => {
      for (const resolve of this.#changed.splice(0)) resolve();
    };
    this.subscription = subscribeInbox({
      baseUrl: server.url,
      maxDelay: 50,
      ...options,
      onItem: (item) => {
        this.texts.push(`${item.id} ${item.text}`);
        change();
        options.onItem?.(item);
      },
      onChange: (item) => {
        options.onChange?.(item);
        change();
      },
      onReady: (ready) => {
        this.ready.push(`${ready.unreadCount} ${ready.lastId}`);
        change();
      },
      onState: (state, reason) => {
        this.states.push(state);
        if (reason) this.reasons.push(reason.message);
        change();
      },
    });
    open.push(this);
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#changed.push(resolve));
  }

  async has(...texts: string[]): Promise<void> {
    await this.until(() => this.texts.length >= texts.length);
    assert.deepEqual(this.texts, texts);
  }

  opened(times = 1): Promise<void> {
    return this.until(() => this.ready.length >= times);
  }
}

describe("items", () => {
  test("those after the one that the page has come first, then new ones, in order", async () => {
    await server.post("one");
    await server.post("two");
    await server.post("three");
    const reader = new Reader({ afterId: "1", credential: "bgs_key" });
    await reader.has("2 two", "3 three");
    await server.post("four");
    await reader.has("2 two", "3 three", "4 four");
    assert.equal(reader.subscription.lastId, "4");
    assert.deepEqual(reader.ready, ["3 3"]);
    assert.deepEqual(reader.states, ["connecting", "open"]);
    assert.deepEqual(server.requests, [{ lastEventId: "1", authorization: "Bearer bgs_key", path: "/v1/inbox/stream" }]);
  });

  test("without a position only new ones come, and the position is where the stream began", async () => {
    await server.post("one");
    const reader = new Reader({ nickName: "김 철수" });
    await reader.opened();
    assert.equal(reader.subscription.lastId, "1");
    server.cut();
    await server.post("while away");
    await reader.has("2 while away");
    assert.deepEqual(server.requests[0], { lastEventId: undefined, authorization: undefined, path: "/v1/inbox/stream?nickName=%EA%B9%80%20%EC%B2%A0%EC%88%98" });
    assert.equal(server.requests[1]?.lastEventId, "1");
  });

  test("a change of an item is no new item, and the stream resumes after it", async () => {
    const changes: string[] = [];
    const reader = new Reader({ afterId: "0", onChange: (item) => changes.push(`${item.id} ${item.text} ${item.acknowledged}`) });
    await reader.opened();
    await server.post("one");
    await server.post("two");
    await server.change(1, 3, "one again");
    await server.change(1, 3, "repeated");
    await server.post("three"); // an id of this server that is not above the position
    await server.change(2, 4, "two again");
    await reader.until(() => reader.subscription.lastId === "4");
    await reader.has("1 one", "2 two");
    assert.deepEqual(changes, ["1 one again true", "2 two again true"]);
    server.cut();
    await reader.opened(2);
    assert.equal(server.requests[1]?.lastEventId, "4");
  });

  test("fields that this version does not know are ignored, and times are typed", async () => {
    let seen: unknown;
    const reader = new Reader({ afterId: "0", onItem: (item) => (seen = item.storeTime?.seconds) });
    await server.post("one");
    await reader.has("1 one");
    assert.equal(seen, 1767323046n);
  });

  for (const chunk of [1, 2, 7]) {
    test(`bytes that come ${chunk} at a time, also within a character`, async () => {
      server.chunk = chunk;
      server.preamble = "\uFEFF: welcome\r\nretry: 20\r\n\r\n";
      await server.post("봉수 🔥 lit");
      const reader = new Reader({ afterId: "0" });
      await server.requested(1);
      await server.post("é");
      await reader.has("1 봉수 🔥 lit", "2 é");
    });
  }

  test("an error of a callback does not end the stream", async () => {
    const errors: unknown[] = [];
    const record = (error: unknown) => errors.push(error);
    const others = process.listeners("uncaughtException");
    process.removeAllListeners("uncaughtException").on("uncaughtException", record);
    try {
      const reader = new Reader({
        afterId: "0",
        onItem: (item) => {
          if (item.id === "1") throw new Error("broken page");
        },
      });
      await server.post("one");
      await server.post("two");
      await reader.has("1 one", "2 two");
      assert.deepEqual(errors.map(String), ["Error: broken page"]);
    } finally {
      process.removeAllListeners("uncaughtException");
      for (const other of others) process.on("uncaughtException", other);
    }
  });
});

describe("a lost connection", () => {
  test("is resumed after the last item, without gap or repeat", async () => {
    server.overlap = 2; // a server that repeats
    const reader = new Reader({ afterId: "0" });
    await reader.opened();
    const want: string[] = [];
    for (let i = 1; i <= 40; i++) {
      await server.post(`text ${i}`);
      want.push(`${i} text ${i}`);
      if (i % 3 === 0) server.cut(); // what was sent may or may not have come
      if (i % 7 === 0) server.end();
      if (i % 4 === 0) await reader.has(...want);
    }
    await reader.has(...want);
    assert.ok(server.requests.length > 8);
  });

  test("in the middle of an item", async () => {
    const reader = new Reader({ afterId: "0" });
    await reader.opened();
    await server.write('id: 1\ndata: {"id":"1","te');
    server.cut();
    await server.post("whole");
    await reader.has("1 whole");
  });

  test("while the server is away for a while", async () => {
    const reader = new Reader({ afterId: "0" });
    await server.post("one");
    await reader.has("1 one");
    await server.stop();
    await server.post("two");
    await reader.until(() => reader.states.filter((state) => state === "connecting").length >= 4); // three failures
    await server.listen();
    await reader.has("1 one", "2 two");
    assert.equal(reader.subscription.state, "open");
  });

  test("on which nothing comes counts as lost", async () => {
    server.mute = true;
    const reader = new Reader({ afterId: "0", maxSilence: 60 });
    await server.requested(2);
    server.mute = false;
    await server.post("one");
    await reader.has("1 one");
    assert.match(reader.reasons[0]!, /nothing came/);
  });

  test("comments keep it alive", async () => {
    const reader = new Reader({ afterId: "0", maxSilence: 500 });
    await reader.opened();
    const end = Date.now() + 800; // more than the silence
    while (Date.now() < end) await server.write(":\n\n").then(() => new Promise((resolve) => setTimeout(resolve, 20)));
    await server.post("one");
    await reader.has("1 one");
    assert.equal(server.requests.length, 1);
  });

  test("with an error of the server in the stream", async () => {
    const reader = new Reader({ afterId: "0" });
    await reader.opened();
    await server.write('event: status\ndata: {"code":14,"message":"the inbox is unavailable; try again"}\n\n');
    await reader.opened(2);
    assert.deepEqual(reader.reasons, ["the inbox is unavailable; try again"]);
    assert.equal(server.streams, 1); // the one before is closed
  });

  test("does not make the next delay longer once the stream was set up", { timeout: 30_000 }, async () => {
    const reader = new Reader({ afterId: "0", maxDelay: 3_600_000 });
    for (let times = 1; times <= 14; times++) {
      await reader.opened(times); // with doubled delays the last one would come after minutes
      server.cut();
    }
  });

  test("is no loss when the server stops as usual", async () => {
    const reader = new Reader({ afterId: "0" });
    await reader.opened();
    server.end();
    await reader.opened(2);
    assert.deepEqual(reader.states, ["connecting", "open", "waiting", "connecting", "open"]);
    assert.deepEqual(reader.reasons, []);
  });
});

describe("a refused connection", () => {
  for (const status of [404, 408, 429, 500, 503]) {
    test(`with ${status} is tried again`, async () => {
      server.refusals.push({ status }, { status });
      const reader = new Reader({ afterId: "0" });
      await reader.opened();
      assert.equal(server.requests.length, 3);
      assert.deepEqual(reader.reasons, ["refused", "refused"]);
    });
  }

  test("waits for Retry-After", async () => {
    server.refusals.push({ status: 429, headers: { "Retry-After": "1" } });
    const start = performance.now();
    await new Reader({ afterId: "0" }).opened();
    assert.ok(performance.now() - start >= 990);
  });

  test("by a proxy with a page is tried again", async () => {
    server.refusals.push({ status: 200, headers: { "Content-Type": "text/html" }, body: "<h1>sign in" });
    const reader = new Reader({ afterId: "0" });
    await reader.opened();
    assert.match(reader.reasons[0]!, /unexpected response/);
  });

  for (const status of [400, 401, 403]) {
    test(`with ${status} closes the subscription`, async () => {
      server.refusals.push({ status, body: `{"code":16,"message":"no such key"}` });
      const reader = new Reader({ afterId: "0", credential: "old" });
      const error = await reader.subscription.closed;
      assert.ok(error instanceof InboxError);
      assert.deepEqual([error.message, error.status], ["no such key", status]);
      assert.deepEqual(reader.states, ["connecting", "closed"]);
      assert.deepEqual(reader.reasons, ["no such key"]);
    });
  }

  test("with 401 calls the function for another credential, once", async () => {
    server.refusals.push({ status: 401 });
    const tokens = ["expired", "fresh", "later"];
    const reader = new Reader({ afterId: "0", credential: async () => tokens.shift()! });
    await reader.opened();
    assert.deepEqual(server.requests.map((request) => request.authorization), ["Bearer expired", "Bearer fresh"]);
    server.refusals.push({ status: 401 }, { status: 401 });
    server.cut();
    const error = await reader.subscription.closed;
    assert.ok(error instanceof InboxError);
    assert.equal(server.requests.length, 4);
  });

  test("because the credential cannot be had is tried again", async () => {
    let calls = 0;
    const reader = new Reader({
      afterId: "0",
      credential: () => {
        if (++calls === 1) throw new Error("no session");
        return "key";
      },
    });
    await reader.opened();
    assert.deepEqual(reader.reasons, ["no session"]);
  });
});

describe("close", () => {
  test("ends the connection, and no item comes afterwards", async () => {
    await server.post("one");
    await server.post("two");
    const reader: Reader = new Reader({ afterId: "0", onItem: () => reader.subscription.close() });
    assert.equal(await reader.subscription.closed, undefined);
    assert.deepEqual(reader.texts, ["1 one"]); // two is in the same chunk
    assert.equal(reader.subscription.lastId, "1");
    assert.deepEqual(reader.states, ["connecting", "open", "closed"]);
  });

  test("while it waits", async () => {
    server.refusals.push({ status: 503, headers: { "Retry-After": "3600" } });
    const reader = new Reader({ afterId: "0" });
    await reader.until(() => reader.states.includes("waiting"));
    reader.subscription.close();
    assert.equal(await reader.subscription.closed, undefined);
  });

  test("by a signal", async () => {
    const controller = new AbortController();
    const reader = new Reader({ afterId: "0", signal: controller.signal });
    await reader.opened();
    controller.abort();
    assert.equal(await reader.subscription.closed, undefined);
    assert.equal(await new Reader({ signal: controller.signal }).subscription.closed, undefined);
    assert.equal(server.requests.length, 1);
  });
});

test("the delay is doubled up to its bound, and half of it is random", () => {
  const delays = (random: number) => {
    const delay = new Delay(30_000, () => random);
    delay.setFirst(2_000);
    return Array.from({ length: 6 }, () => delay.milliseconds());
  };
  assert.deepEqual(delays(0), [1_000, 2_000, 4_000, 8_000, 15_000, 15_000]);
  assert.deepEqual(delays(1), [2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
  const delay = new Delay(30_000, () => 1);
  delay.milliseconds();
  delay.reset();
  assert.equal(delay.milliseconds(), 1_000);
});
