// Chromium, and the pages of the tests, which load the packages as a browser does: by an import
// map and without a bundler.
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";

import { type Browser, chromium } from "playwright-core";

const installed = [process.env["CHROMIUM"], "/usr/bin/chromium", "/usr/bin/chromium-headless-shell", "/usr/bin/google-chrome"].find((path) => path && existsSync(path));

/** Why there is no browser; undefined if there is one. CI must have one. */
export const missing = installed || process.env["CI"] ? undefined : "no Chromium: set CHROMIUM, or on Debian apt-get install chromium-headless-shell";

/** Starts the browser that CHROMIUM names, or the installed one. */
export async function launch(): Promise<Browser> {
  if (!installed) throw new Error("no Chromium is installed");
  return chromium.launch({
    executablePath: installed,
    args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"],
  });
}

const modules = {
  "@bongsu/client/inbox.js": "@bongsu/client/src/inbox.js",
  "@bufbuild/protobuf": "@bufbuild/protobuf/dist/esm/index.js",
  "@bufbuild/protobuf/codegenv2": "@bufbuild/protobuf/dist/esm/codegenv2/index.js",
  "@bufbuild/protobuf/wkt": "@bufbuild/protobuf/dist/esm/wkt/index.js",
  "eventsource-parser": "eventsource-parser/dist/index.js",
};

declare global {
  // What the page has.
  var texts: string[], states: string[], subscription: { state: string; close: () => void; closed: Promise<Error | undefined> };
  var begin: (options: Record<string, unknown>) => void;
}

// The page starts a subscription by its function begin, and records what it calls. Items go to
// its function received, too, where a test exposes one.
const page = `<!doctype html>
<title>inbox</title>
<script type="importmap">${JSON.stringify({ imports: Object.fromEntries(Object.entries(modules).map(([name, file]) => [name, `/modules/${file}`])) })}</script>
<script type="module">
import { subscribeInbox } from "@bongsu/client/inbox.js";

window.texts = [];
window.states = [];
window.begin = (options) => {
  window.subscription = subscribeInbox({
    afterId: sessionStorage.getItem("lastId") ?? undefined,
    ...options,
    onItem: (item) => {
      window.texts.push(item.text.replace(/^\\[normal\\] /, ""));
      sessionStorage.setItem("lastId", item.id);
      window.received?.(item.id, item.text);
    },
    onReady: ({ lastId }) => {
      if (sessionStorage.getItem("lastId") === null) sessionStorage.setItem("lastId", lastId);
    },
    onState: (state) => window.states.push(state),
  });
};
</script>`;

/** Returns the page at / and the files of the packages. */
export async function files(path: string): Promise<{ type: string; body: Buffer | string } | undefined> {
  if (path === "/") return { type: "text/html; charset=utf-8", body: page };
  if (!/^\/modules\/[\w@./-]+\.js$/.test(path) || path.includes("..")) return undefined;
  const file = new URL(`../node_modules/${path.slice("/modules/".length)}`, import.meta.url);
  return { type: "text/javascript", body: await readFile(file) };
}
