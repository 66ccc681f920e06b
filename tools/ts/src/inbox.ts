// A subscription of an inbox: its items as they come and change, each once, whatever happens to
// the connection.
import type { Item } from "./bongsu/inbox/v1/inbox_pb.js";
import { Delay } from "./internal/delay.js";
import { InboxError, type InboxReady, readStream } from "./internal/stream.js";

export { InboxError, type InboxReady } from "./internal/stream.js";

/** What a subscription does. It may change at any time, until it is closed. */
export type InboxState =
  /** It connects. */
  | "connecting"
  /** It is connected: a new item comes at once. */
  | "open"
  /** It waits until it connects again. */
  | "waiting"
  /** The browser has no network. It connects when that is back. */
  | "offline"
  /** It has ended, by close or by an error that no retry mends. */
  | "closed";

/** Settings of subscribeInbox. */
export interface InboxOptions {
  /** The URL of the edge, such as https://bongsu.example.com; empty for the origin of the page. */
  baseUrl: string;
  /**
   * The API key or token, without "Bearer". A function is called for each connection, so
   * that it can return a fresh token. Without one, the caller is known by other means, such as
   * a cookie, or the edge needs none.
   */
  credential?: string | (() => string | Promise<string>) | undefined;
  /** The nickname of the user, where the edge needs no credential; the caller's otherwise. */
  nickName?: string | undefined;
  /**
   * The last position that the page has, such as the greatest of the items of
   * InboxService.List: the later ones come first. "0" is for all items, and undefined for new
   * ones, and changes, only.
   */
  afterId?: string | undefined;
  /** Called for each item, each once, in the order of positions. */
  onItem: (item: Item) => void;
  /**
   * Called for each change of an item that the page has, by onItem or up to afterId: its id is
   * the same. Items whose readTime is unset are unread, again where a person must notice the
   * change. Several changes while the connection is lost come as one.
   */
  onChange?: ((item: Item) => void) | undefined;
  /** Called each time the stream is set up, before its items. */
  onReady?: ((ready: InboxReady) => void) | undefined;
  /**
   * Called with each new state. reason is why the connection failed, or could not be set up;
   * it is undefined for a connection that the server ended as usual.
   */
  onState?: ((state: InboxState, reason?: Error) => void) | undefined;
  /** Closes the subscription when it is aborted. */
  signal?: AbortSignal | undefined;
  /** The longest time between two tries to connect, in milliseconds; by default 30,000. */
  maxDelay?: number | undefined;
  /**
   * The time without a byte after which the connection counts as lost, in milliseconds; by
   * default 45,000. The server sends something every 15 s.
   */
  maxSilence?: number | undefined;
  /** What is called in place of fetch. */
  fetch?: typeof fetch | undefined;
}

/** A subscription of an inbox. */
export interface InboxSubscription {
  /** What it does. */
  readonly state: InboxState;
  /**
   * The position of the last item that onItem or onChange has got, or where the stream began;
   * undefined until it is set up. A later subscription with it as afterId misses nothing and repeats nothing.
   */
  readonly lastId: string | undefined;
  /** Ends the subscription. No callback is called afterwards, but onState with "closed". */
  close(): void;
  /** Settled when the subscription is closed, with the error that closed it. Never rejected. */
  readonly closed: Promise<Error | undefined>;
}

/**
 * Subscribes to the items of an inbox until it is closed. When the connection is lost, or the
 * browser has no network for a while, it connects again with backoff and resumes after the
 * last position: none is missed, and none comes twice. An error that no retry mends, such as a
 * revoked key, closes it.
 *
 * Each subscription has a position of its own: those of several tabs get all items each. Over
 * HTTP/1.1, browsers allow six connections to an origin, streams of all tabs included; over TLS
 * the edge speaks HTTP/2, which has no such limit.
 */
export function subscribeInbox(options: InboxOptions): InboxSubscription {
  return new Subscription(options);
}

class Subscription implements InboxSubscription {
  state: InboxState = "connecting";
  lastId: string | undefined;
  readonly closed: Promise<Error | undefined>;

  readonly #options: InboxOptions;
  readonly #end = new AbortController();
  readonly #delay: Delay;
  #connection = new AbortController();
  #unauthenticated = 0; // responses 401 in a row

  constructor(options: InboxOptions) {
    this.#options = options;
    this.lastId = options.afterId || undefined;
    this.#delay = new Delay(options.maxDelay ?? 30_000);
    this.closed = this.#run();
  }

  close(): void {
    this.#end.abort();
  }

  async #run(): Promise<Error | undefined> {
    const forget = this.#follow();
    let fatal: Error | undefined;
    // The caller gets the subscription before the first callback.
    await Promise.resolve();
    while (!this.#end.signal.aborted) {
      let reason: Error | undefined;
      try {
        this.#setState("connecting");
        await this.#connect();
      } catch (error) {
        reason = error instanceof Error ? error : new Error(String(error));
      }
      if (this.#end.signal.aborted) break;
      if (reason && this.#isFatal(reason)) {
        fatal = reason;
        break;
      }
      const wait = this.#delay.next(reason instanceof InboxError ? reason.retryAfter : undefined);
      this.#setState(isOffline() ? "offline" : "waiting", reason);
      await wait;
    }
    forget();
    this.#end.abort();
    this.#setState("closed", fatal);
    return fatal;
  }

  // connect reads a stream to its end.
  async #connect(): Promise<void> {
    const { credential } = this.#options;
    this.#connection = new AbortController();
    const token = typeof credential === "function" ? await credential() : credential;
    if (this.#end.signal.aborted) return;
    await readStream({
      url: this.#url(),
      headers: {
        Accept: "text/event-stream",
        ...(token ? { Authorization: `Bearer ${token}` } : {}),
        ...(this.lastId !== undefined ? { "Last-Event-ID": this.lastId } : {}),
      },
      fetch: this.#options.fetch ?? globalThis.fetch.bind(globalThis),
      abort: this.#connection,
      maxSilence: this.#options.maxSilence ?? 45_000,
      onReady: (ready) => {
        this.#unauthenticated = 0;
        this.#delay.reset();
        this.lastId ??= ready.lastId;
        this.#setState("open");
        this.#call(() => this.#options.onReady?.(ready));
      },
      onItem: (item, position) => this.#receive(position, () => this.#options.onItem(item)),
      onChange: (item, position) => this.#receive(position, () => this.#options.onChange?.(item)),
      onRetry: (milliseconds) => this.#delay.setFirst(milliseconds),
    });
  }

  // receive calls a callback for what is at a position, unless that came before.
  #receive(position: string, callback: () => void): void {
    if (this.#end.signal.aborted) return;
    if (this.lastId !== undefined && BigInt(position) <= BigInt(this.lastId)) return;
    this.lastId = position;
    this.#call(callback);
  }

  #url(): string {
    const { baseUrl, nickName } = this.#options;
    const query = nickName ? `?nickName=${encodeURIComponent(nickName)}` : "";
    return `${baseUrl.replace(/\/+$/, "")}/v1/inbox/stream${query}`;
  }

  // isFatal reports whether no retry mends an error. A function is called for another credential
  // once. An edge whose inbox service is not known yet returns 404.
  #isFatal(reason: Error): boolean {
    if (!(reason instanceof InboxError) || reason.status === undefined) return false;
    if (reason.status === 401 && typeof this.#options.credential === "function") return ++this.#unauthenticated > 1;
    return reason.status >= 400 && reason.status < 500 && ![404, 408, 429].includes(reason.status);
  }

  // follow follows the network and the page, until it is told to forget them.
  #follow(): () => void {
    const { signal } = this.#options;
    const off = () => this.#connection.abort(new Error("the browser has no network"));
    const on = () => {
      this.#delay.reset();
      this.#delay.end();
    };
    const shown = () => {
      if (!globalThis.document?.hidden) this.#delay.end();
    };
    const end = () => {
      this.#connection.abort();
      this.#delay.end();
    };
    const abort = () => this.close();
    globalThis.addEventListener?.("offline", off);
    globalThis.addEventListener?.("online", on);
    globalThis.document?.addEventListener("visibilitychange", shown);
    this.#end.signal.addEventListener("abort", end);
    signal?.addEventListener("abort", abort);
    if (signal?.aborted) abort();
    return () => {
      globalThis.removeEventListener?.("offline", off);
      globalThis.removeEventListener?.("online", on);
      globalThis.document?.removeEventListener("visibilitychange", shown);
      signal?.removeEventListener("abort", abort);
    };
  }

  #setState(state: InboxState, reason?: Error): void {
    if (this.state === state && state !== "connecting") return;
    this.state = state;
    this.#call(() => this.#options.onState?.(state, reason), state === "closed");
  }

  // call calls a callback, whose error is an uncaught one and does not end the stream.
  #call(callback: () => void, always = false): void {
    if (this.#end.signal.aborted && !always) return;
    try {
      callback();
    } catch (error) {
      queueMicrotask(() => {
        throw error;
      });
    }
  }
}

function isOffline(): boolean {
  return globalThis.navigator?.onLine === false;
}
