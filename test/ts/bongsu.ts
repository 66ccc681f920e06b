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
  const child = spawn(
    program,
    ["serve", "--services=all,mockup", `--data=${data}`, "--demo-data", "--address-limit=off", "--edge-addr=127.0.0.1:0", "--mockup-addr=127.0.0.1:0"],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const stop = async () => {
    child.kill("SIGTERM");
    await ended;
    await rm(data, { recursive: true });
  };
  try {
    return { url: `http://${await edgeAddress(child)}`, stop };
  } catch (err) {
    await stop();
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
