import { el } from "./dom.js";
import { speakerOf, wordsOf } from "./entries.js";

/** @typedef {import("../types.js").Chat} Chat */

/**
 * The conversation as plain text: who, when, what, and the cards with the price of that moment.
 * @param {Chat} chat
 */
export function asText(chat) {
  const { text, locale, conversation } = chat;
  const lines = conversation.entries.map((entry) => {
    const speaker = { user: text.you, system: "—" }[/** @type {string} */ (entry.role)] ?? speakerOf(entry, chat);
    const cards = (entry.cards ?? []).map(({ data }) =>
      ["  *", data?.title ?? data?.id, data?.price && locale.money(data.price), data?.url].filter(Boolean).join(" "));
    return [`[${new Date(entry.at).toLocaleString(locale.lang)}] ${speaker}: ${wordsOf(entry, chat)}`, ...cards].join("\n");
  });
  return `${[chat.name, ...lines].join("\n\n")}\n`;
}

/** Saves it as a file, made in the browser. @param {Chat} chat */
export function download(chat) {
  const href = URL.createObjectURL(new Blob([asText(chat)], { type: "text/plain;charset=utf-8" }));
  el("a", { href, download: `${chat.name}-${new Date().toISOString().slice(0, 10)}.txt` }).click();
  setTimeout(() => URL.revokeObjectURL(href), 1000);
}
