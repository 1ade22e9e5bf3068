import assert from "node:assert/strict";
import { test } from "node:test";
import { Locale } from "../src/locale.js";
import { STRINGS } from "../src/strings/index.js";
import { asText } from "../src/view/transcript_file.js";

const at = "2026-03-04T05:32:00Z";

function written(lang, entries) {
  const chat = { text: STRINGS[lang], locale: new Locale(lang), name: "MangaAssist", conversation: { entries, handoff: {} } };
  return asText(chat).replace(/\[.*?\] /g, "");
}

test("who said what, with the cards and their prices of then", () => {
  const price = { amount: "9.74", currency: "USD" };
  const cards = [{ kind: "product", data: { title: "Witch Hat Atelier 3", price, url: "/p/3" } }, { kind: "order", data: { id: "1007" } }];
  const entries = [
    { role: "user", content: "hello", at },
    { role: "assistant", content: "Here.", at, cards },
    { role: "system", content: "Aiko is here.", at },
    { role: "agent", name: "Aiko", content: "Hi!", at },
    { role: "assistant", content: "", status: "failed", at },
  ];
  assert.equal(written("en", entries), [
    "MangaAssist", "You: hello", "MangaAssist: Here.\n  * Witch Hat Atelier 3 $9.74 /p/3\n  * 1007", "—: Aiko is here.", "Aiko: Hi!",
    "MangaAssist: No answer came. Please try again.",
  ].join("\n\n") + "\n");
});

test("in Japanese as well", () => {
  assert.equal(written("ja", [{ role: "user", content: "こんにちは", at }]), "MangaAssist\n\nあなた: こんにちは\n");
});
