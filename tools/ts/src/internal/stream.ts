// One connection of a subscription: a response of Server-Sent Events.
import { fromJsonString } from "@bufbuild/protobuf";
import { createParser, type EventSourceMessage } from "eventsource-parser";

import { type Item, ItemSchema, WatchResponseSchema } from "../bongsu/inbox/v1/inbox_pb.js";

/** The inbox when a stream was set up. */
export interface InboxReady {
  /** The number of unread items. */
  unreadCount: number;
  /** The last position of the inbox. */
  lastId: string;
}

/** An error that the server returned. */
export class InboxError extends Error {
  override readonly name = "InboxError";

  constructor(
    message: string,
    /** The HTTP status of the response; undefined for an error that ended a stream. */
    readonly status?: number,
    /** The time after which the server may be called again, in milliseconds. */
    readonly retryAfter?: number,
  ) {
    super(message);
  }
}

/** What readStream reads, and whom it calls. */
export interface StreamOptions {
  url: string;
  headers: Record<string, string>;
  fetch: typeof fetch;
  abort: AbortController;
  maxSilence: number;
  onReady: (ready: InboxReady) => void;
  onItem: (item: Item, position: string) => void;
  onChange: (item: Item, position: string) => void;
  onRetry: (milliseconds: number) => void;
}

const lenient = { ignoreUnknownFields: true };

/**
 * Opens a stream and reads it to its end. It rejects with an InboxError if the server returns
 * an error, with the reason of abort after that, and with another error if the connection is
 * lost.
 */
export async function readStream(options: StreamOptions): Promise<void> {
  const { abort } = options;
  const watchdog = new Watchdog(abort, options.maxSilence);
  try {
    const response = await options.fetch(options.url, { headers: options.headers, signal: abort.signal, cache: "no-store" });
    if (!isEventStream(response)) throw await responseError(response);
    const parser = createParser({ onEvent: (event) => receive(event, options), onRetry: options.onRetry });
    const decoder = new TextDecoder();
    const reader = response.body!.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      watchdog.feed();
      parser.feed(decoder.decode(value, { stream: true }));
    }
  } catch (error) {
    // An abort during a read is reported as such by some browsers, and not by its reason.
    throw abort.signal.aborted && abort.signal.reason instanceof Error ? abort.signal.reason : error;
  } finally {
    watchdog.stop();
    abort.abort(); // closes the connection after an error in an event, too
  }
}

function isEventStream(response: Response): boolean {
  return response.status === 200 && response.body !== null && /^text\/event-stream(;|$)/i.test(response.headers.get("Content-Type") ?? "");
}

function receive(event: EventSourceMessage, options: StreamOptions): void {
  switch (event.event) {
    case undefined:
    case "":
    case "message":
      receiveItem(event, options.onItem);
      return;
    case "change": // of an item that came before
      receiveItem(event, options.onChange);
      return;
    case "ready": {
      const { unreadCount, lastId } = fromJsonString(WatchResponseSchema, event.data, lenient);
      options.onReady({ unreadCount, lastId: lastId || "0" });
      return;
    }
    case "status": // the error that ends the stream
      throw new InboxError(messageOf(event.data) ?? "the stream failed");
  }
}

// receiveItem passes an item on, with its position. A server that knows no positions has ids.
function receiveItem(event: EventSourceMessage, to: (item: Item, position: string) => void): void {
  const item = fromJsonString(ItemSchema, event.data, lenient);
  to(item, item.position || item.id);
}

// responseError returns the error of a response that is no stream.
async function responseError(response: Response): Promise<InboxError> {
  const text = await response.text().catch(() => "");
  const seconds = Number.parseInt(response.headers.get("Retry-After") ?? "", 10);
  // A page in place of a stream comes from a proxy: another try may reach the server.
  const status = response.ok ? 502 : response.status;
  return new InboxError(messageOf(text) ?? `unexpected response: HTTP status ${response.status}`, status, Number.isNaN(seconds) ? undefined : seconds * 1000);
}

// messageOf returns the message in the JSON of an error.
function messageOf(text: string): string | undefined {
  try {
    const message: unknown = JSON.parse(text).message;
    return typeof message === "string" && message !== "" ? message : undefined;
  } catch {
    return undefined;
  }
}

// A Watchdog aborts a connection on which nothing came for a while.
class Watchdog {
  #timer: ReturnType<typeof setTimeout>;

  constructor(
    readonly abort: AbortController,
    readonly maxSilence: number,
  ) {
    this.#timer = this.#start();
  }

  feed(): void {
    this.stop();
    this.#timer = this.#start();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #start(): ReturnType<typeof setTimeout> {
    return setTimeout(() => this.abort.abort(new Error("nothing came from the server")), this.maxSilence);
  }
}
