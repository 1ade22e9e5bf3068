import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { fill, spoken, STRINGS } from "../src/strings/index.js";

/** Every string of a table, by its path. */
function flat(table, path = "") {
  return Object.entries(table).flatMap(([name, value]) =>
    typeof value === "string" ? [[`${path}${name}`, value]] : flat(value, `${path}${name}.`));
}

test("both languages say the same things with the same slots", () => {
  const slots = (text) => (text.match(/\{\w+\}/g) ?? []).sort().join();
  const [en, ja] = [flat(STRINGS.en), flat(STRINGS.ja)].map((all) => all.map(([path, text]) => `${path} ${slots(text)}`));
  assert.deepEqual(ja, en);
});

test("nothing is left in the other language", () => {
  const same = new Set(["name", "otherLanguage"]);
  const japanese = /[\u3040-\u30ff\u4e00-\u9fff]/;
  for (const [path, text] of flat(STRINGS.en)) if (!same.has(path)) assert.doesNotMatch(text, japanese, path);
  for (const [path, text] of flat(STRINGS.ja)) if (!same.has(path)) assert.doesNotMatch(text.replace(/\{\w+\}/g, ""), /[A-Za-z]/, path);
});

// What the widget never causes, or tells by the status of its connection; of these the general words are enough.
const UNSAID = new Set([
  "binary", "forbidden", "hello_twice", "malformed", "no_hello", "no_such_turn", "restarting", "busy", "token", "too_large",
  "unknown_type", "empty_text", "not_storable",
]);

test("every error of the server that a shopper may read has words in both languages", () => {
  const chat = new URL("../../chat/", import.meta.url);
  const sources = readdirSync(chat).filter((name) => name.endsWith(".py")).map((name) => readFileSync(new URL(name, chat), "utf8"));
  const raised = sources.join("\n").matchAll(/(?:FrameRefused|_tell_error)\(\s*f?"([a-z_]+)/g);
  const codes = new Set([...raised].map(([, code]) => code).filter((code) => !code.startsWith("bad_") && !UNSAID.has(code)));
  assert.deepEqual([...codes].sort(), Object.keys(STRINGS.en.problems).sort());
});

test("slots are filled, and what has no value stays to be seen", () => {
  assert.equal(fill("{a} of {b}", { a: 1, c: 2 }), "1 of {b}");
});

test("a language tag finds its language, any other English", () => {
  assert.deepEqual(["ja", "ja-JP", "JA", "en-GB", "fr", ""].map(spoken), ["ja", "ja", "ja", "en", "en", "en"]);
});
