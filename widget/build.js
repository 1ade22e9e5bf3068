/**
 * Builds static/widget/v1 from these sources. The built files are committed, so that running and testing need no node.
 *
 *   node build.js           writes them
 *   node build.js --check   fails when they are not what the sources give, or when the module is too large
 */

import { readFile, writeFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const OUT = new URL("../static/widget/v1/", import.meta.url);
const MODULE_LIMIT = 20 * 1024; // bytes, gzip -9
const ENTRIES = { "widget.js": "src/index.js", "widget.css": "css/index.css" };

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
    format: "esm",
    target: ["chrome111", "firefox113", "safari16.4"],
    charset: "utf8",
    legalComments: "none",
    write: false,
    logLevel: "warning",
  });
  const banner = `/* MangaAssist ${name}: built from widget/ by "make widget". */\n`;
  return Buffer.from(banner + outputFiles[0].text);
}
