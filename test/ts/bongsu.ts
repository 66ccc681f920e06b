// The Bongsu under test: the one that BONGSU_URL names, else bin/bongsu, started
// here with the demonstration data on free ports and ended afterwards.
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";

/** A Bongsu whose edge answers at url until it is stopped. */
export interface Bongsu {
  url: string;
  stop: () => Promise<void>;
}

const program = new URL("../../../bin/bongsu", import.meta.url).pathname;

export async function bongsu(): Promise<Bongsu> {
  const url = process.env["BONGSU_URL"];
  if (url) return { url, stop: async () => {} };

  const data = await mkdtemp(join(tmpdir(), "bongsu-ts-"));
  const serve = await startServe(data, "--demo-data", "--edge-addr=127.0.0.1:0").catch(async (err: unknown) => {
    await rm(data, { recursive: true });
    throw err;
  });
  const stop = async () => {
    await serve.stop("SIGTERM");
    await rm(data, { recursive: true });
  };
  return { url: serve.url, stop };
}

/** A running bongsu serve. */
export interface Serve {
  url: string;
  /** Sends a signal and waits for the end of the process. */
  stop: (signal: NodeJS.Signals) => Promise<void>;
}

/** Starts bongsu serve on a data folder, and returns when its edge listens. */
export async function startServe(data: string, ...flags: string[]): Promise<Serve> {
  const child = spawn(program, ["serve", "--services=all,mockup", `--data=${data}`, "--address-limit=off", "--mockup-addr=127.0.0.1:0", ...flags], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const stop = async (signal: NodeJS.Signals) => {
    child.kill(signal);
    await ended;
  };
  try {
    return { url: `http://${await edgeAddress(child)}`, stop };
  } catch (err) {
    await stop("SIGTERM");
    throw err;
  }
}

// edgeAddress reads the log until it says where the edge listens.
function edgeAddress(child: ChildProcessByStdio<null, null, Readable>): Promise<string> {
  return new Promise((resolve, reject) => {
    const log: string[] = [];
    child.once("error", reject); // such as that there is no program: make build
    child.once("close", () => reject(new Error(`bongsu serve ended:\n${log.join("\n")}`)));
    createInterface(child.stderr).on("line", (line) => {
      log.push(line);
      const found = /service"?[=:]"?edge"?[ ,]"?addr"?[=:]"?([\d.:]+)/.exec(line);
      if (found?.[1]) resolve(found[1]);
    });
  });
}
