/**
 * Builds static/widget/v1 from these sources. The built files are committed, so that running and testing need no node.
 *
 *   node build.js           writes them
 *   node build.js --check   fails when they are not what the sources give, or when the module is too large
 */

import { readdir, readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const OUT = new URL("../static/widget/v1/", import.meta.url);
const MODULE_LIMIT = 20 * 1024; // bytes, gzip -9
const ENTRIES = {
  "widget.js": "src/index.js",
  "widget.css": "css/index.css",
  "frame.js": "src/frame/outside.js",
  "frame-inside.js": "src/frame/inside.js",
  "docs.js": "src/docs/page.js",
};

// Names in camelCase that no browser and no standard knows are our own, and shortened: the protocol writes snake_case,
// and what pages use of the element is one word each. So are these words, which are no field of any frame or message.
const WORDS = [
  "acknowledge", "announcer?", "composer", "connection", "conversation", "handoff", "heard", "launcher", "narrower", "onframe",
  "onstatus", "passing", "problems?", "ratings", "recall", "receive", "reconnecting", "redraw", "renew", "sends", "someone",
  "stopping", "streaming", "suggest", "suggestions", "tagline", "transcript", "turns", "unacknowledged", "wake", "watchdog",
  "wider",
].join("|");
const OURS = new RegExp(`^([a-z]+[A-Z]\\w*|${WORDS})$`);
const THEIRS = new RegExp(`^(${[...(await standardNames()), "observedAttributes", "\\w+Callback"].join("|")})$`);

const checking = process.argv.includes("--check");
let failed = false;

for (const [name, entry] of Object.entries(ENTRIES)) {
  const built = await bundle(name, entry);
  const size = gzipSync(built, { level: 9 }).length;
  console.log(`${name}: ${built.length} bytes, ${size} gzip`);
  if (name === "widget.js" && size > MODULE_LIMIT) {
    console.error(`${name} may have ${MODULE_LIMIT} bytes after gzip.`);
    failed = true;
  }
  const file = new URL(name, OUT);
  if (!checking) await writeFile(file, built);
  else if (!built.equals(await readFile(file).catch(() => Buffer.alloc(0)))) {
    console.error(`static/widget/v1/${name} is not what the sources give: run make widget.`);
    failed = true;
  }
}
process.exitCode = failed ? 1 : 0;

async function bundle(name, entry) {
  const { outputFiles } = await build({
    absWorkingDir: new URL(".", import.meta.url).pathname,
    entryPoints: [entry],
    bundle: true,
    minify: true,
    mangleProps: OURS,
    reserveProps: THEIRS,
    format: "esm",
    target: ["chrome111", "firefox113", "safari16.4"],
    charset: "utf8",
    legalComments: "none",
    write: false,
    logLevel: "warning",
  });
  const banner = `/* Built from widget/ by "make widget". */\n`;
  return Buffer.from(banner + outputFiles[0].text);
}

/** Every camelCase word of TypeScript's declarations of the language and the browser. */
async function standardNames() {
  const folder = dirname(createRequire(import.meta.url).resolve("typescript"));
  const files = (await readdir(folder)).filter((name) => /^lib\.(dom|es).*\.d\.ts$/.test(name)).sort();
  const texts = await Promise.all(files.map((name) => readFile(join(folder, name), "utf8")));
  return new Set(texts.join("\n").match(/\b[a-z]+[A-Z]\w*\b/g));
}
