// A small server of the inbox stream, as the edge answers GET /v1/inbox/stream, which can fail in
// all ways. It serves files too, for pages.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { setImmediate as turn } from "node:timers/promises";

interface Request {
  lastEventId: string | undefined;
  authorization: string | undefined;
  path: string;
}

/** How a request is answered in place of a stream. */
export interface Refusal {
  status: number;
  headers?: Record<string, string>;
  body?: string;
}

export class InboxServer {
  url = "";
  readonly requests: Request[] = [];
  /** The answers to the next requests. */
  readonly refusals: Refusal[] = [];
  /** The number of items that each stream repeats. */
  overlap = 0;
  /** Each write has so many bytes. */
  chunk = Number.POSITIVE_INFINITY;
  /** What the first bytes of a stream are. */
  preamble = "retry: 20\n\n";
  /** Streams send nothing. */
  mute = false;

  readonly #items: string[] = []; // the texts; ids begin with 1
  readonly #streams = new Set<ServerResponse>();
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #waiting = new Map<number, (() => void)[]>();

  private constructor(readonly files: (path: string) => Promise<{ type: string; body: Buffer | string } | undefined>) {
    this.#server = createServer((req, res) => void this.#answer(req, res));
    this.#server.on("connection", (socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
    });
  }

  /** Listens on a port, by default on any free one. */
  static async start(files: InboxServer["files"] = async () => undefined, port = 0): Promise<InboxServer> {
    const server = new InboxServer(files);
    await server.listen(port);
    return server;
  }

  /** Listens, again on the port of before. */
  async listen(port = Number(new URL(this.url).port)): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(port, "127.0.0.1", resolve));
    this.url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Cuts all connections and listens no more. */
  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.cut();
    await closed;
  }

  /** Cuts all connections, in the middle of whatever they send. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Ends all streams, as an edge does that stops. */
  end(): void {
    for (const stream of this.#streams) {
      this.#streams.delete(stream); // it gets nothing more
      stream.end();
    }
  }

  /** The number of open streams. */
  get streams(): number {
    return this.#streams.size;
  }

  /** Resolves when n requests have come in all. */
  requested(n: number): Promise<void> {
    if (this.requests.length >= n) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.set(n, [...(this.#waiting.get(n) ?? []), resolve]));
  }

  /** Stores an item and sends it to all streams. */
  async post(text: string): Promise<void> {
    this.#items.push(text);
    const id = this.#items.length;
    await Promise.all([...this.#streams].map((stream) => this.#write(stream, frame(id, text))));
  }

  /** Sends a change of an item to all streams. */
  async change(id: number, position: number, text: string): Promise<void> {
    await this.write(frame(id, text, position));
  }

  /** Writes something to all streams. */
  async write(text: string): Promise<void> {
    await Promise.all([...this.#streams].map((stream) => this.#write(stream, text)));
  }

  async #answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const { pathname } = new URL(req.url!, this.url);
    res.setHeader("Access-Control-Allow-Origin", "*");
    if (req.method === "OPTIONS") {
      res.writeHead(204, { "Access-Control-Allow-Headers": "Authorization, Last-Event-ID", "Access-Control-Max-Age": "600" }).end();
      return;
    }
    if (pathname !== "/v1/inbox/stream") {
      const file = await this.files(pathname);
      res.writeHead(file ? 200 : 404, { "Content-Type": file?.type ?? "text/plain" }).end(file?.body);
      return;
    }
    const header = req.headers["last-event-id"];
    const lastEventId = Array.isArray(header) ? header[0] : header;
    this.requests.push({ lastEventId, authorization: req.headers.authorization, path: req.url! });
    for (const resolve of this.#waiting.get(this.requests.length) ?? []) resolve();
    const refusal = this.refusals.shift();
    if (refusal) {
      res.writeHead(refusal.status, { "Content-Type": "application/json", ...refusal.headers }).end(refusal.body ?? `{"code":7,"message":"refused"}`);
      return;
    }
    res.writeHead(200, { "Content-Type": "text/event-stream" });
    res.flushHeaders();
    res.socket?.setNoDelay(true);
    if (this.mute) return;
    const last = this.#items.length;
    const after = Math.max(0, (lastEventId === undefined ? last : Number(lastEventId)) - this.overlap);
    // The stream gets what is posted from now on, and first what was.
    this.#streams.add(res);
    res.once("close", () => this.#streams.delete(res));
    let text = `${this.preamble}event: ready\ndata: {"unreadCount":${last},"lastId":"${last}"}\n\n`;
    for (let id = after + 1; id <= last; id++) text += frame(id, this.#items[id - 1]!);
    await this.#write(res, text);
  }

  // write writes in chunks, of which the client gets each alone. Concurrent writes to one
  // stream do not mix.
  readonly #writes = new Map<ServerResponse, Promise<void>>();
  #write(res: ServerResponse, text: string): Promise<void> {
    const before = this.#writes.get(res) ?? Promise.resolve();
    const written = before.then(async () => {
      const bytes = Buffer.from(text);
      for (let i = 0; i < bytes.length && !res.destroyed && !res.writableEnded; i += this.chunk) {
        res.write(bytes.subarray(i, i + this.chunk));
        if (this.chunk < bytes.length) await turn();
      }
    });
    this.#writes.set(res, written);
    return written;
  }
}

function frame(id: number, text: string, position?: number): string {
  const item = { id: String(id), alertId: `a${id}`, severity: "normal", title: "", text, link: "", createTime: "2026-01-02T03:04:05Z", storeTime: "2026-01-02T03:04:06Z", later: 1 };
  if (position === undefined) return `id: ${id}\ndata: ${JSON.stringify(item)}\n\n`;
  return `event: change\nid: ${position}\ndata: ${JSON.stringify({ ...item, position: String(position), acknowledged: true })}\n\n`;
}
