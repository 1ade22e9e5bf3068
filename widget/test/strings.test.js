import assert from "node:assert/strict";
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

test("slots are filled, and what has no value stays to be seen", () => {
  assert.equal(fill("{a} of {b}", { a: 1, c: 2 }), "1 of {b}");
});

test("a language tag finds its language, any other English", () => {
  assert.deepEqual(["ja", "ja-JP", "JA", "en-GB", "fr", ""].map(spoken), ["ja", "ja", "ja", "en", "en", "en"]);
});
