/** The hand-over package, whatever it holds, in a readable way. */

import { cardItem } from "./cards.js";
import { $, el, fill, LANG, W } from "./page.js";
import { customer, desk } from "./state.js";

const isEmpty = (value) => value == null || value === "" || (typeof value === "object" && !Object.keys(value).length);

export function showPackage() {
  const row = desk.currentRow;
  const pane = $("package");
  if (!desk.conversation || !row) {
    pane.replaceChildren();
    return;
  }
  const { summary, written, trigger, language, version, ...rest } = desk.conversation.package;
  const known = {
    written, summary, customer: customer(row), email: row.email, trigger: trigger ?? row.trigger, reason: row.reason,
    language: language ?? row.language, ...Object.fromEntries(Object.entries(rest).filter(([, value]) => !isEmpty(value))),
  };
  // What was tried quotes what was asked.
  const entries = Object.entries(known).filter(([key, value]) => !isEmpty(value) && !(key === "asked" && !isEmpty(known.tried)));
  pane.replaceChildren(
    entries.length
      ? el("dl", {}, entries.map(([key, value]) => el("div", { class: `fact fact-${key}` }, el("dt", {}, W.package[key] ?? labelOf(key)), el("dd", {}, shownValue(key, value)))))
      : el("p", { class: "soft" }, W.nothingKnown),
  );
}

const labelOf = (key) => key.replaceAll("_", " ").replace(/^./, (first) => first.toUpperCase());

/** A text in the reader's language, the others folded. */
function shownTexts(texts) {
  const mine = texts[LANG.slice(0, 2)] ? LANG.slice(0, 2) : Object.keys(texts)[0];
  const others = Object.entries(texts).filter(([language, text]) => language !== mine && text);
  return [
    el("p", { class: "summary", lang: mine }, texts[mine]),
    others.map(([language, text]) => el("details", {}, el("summary", {}, W.languages[language] ?? language), el("p", { lang: language }, text))),
  ];
}

/** Whatever the package holds, in a readable way. */
function shownValue(key, value) {
  if (key === "written") return [shownTexts(value.text), el("p", { class: "soft" }, fill(W.writtenBy, value))];
  if (key === "summary" && typeof value === "object") return [shownTexts(value), el("p", { class: "soft" }, W.writtenByRules)];
  if (key === "trigger") return W.triggers[value] ?? String(value);
  if (key === "sentiment") return W.moods[value] ?? String(value);
  if (key === "tried") return el("ul", {}, value.map((each) => el("li", {}, shownQuestion(each))));
  if (key === "language") return W.languages[value] ?? String(value);
  if (typeof value === "boolean") return value ? W.yes : W.no;
  if (Array.isArray(value)) return el("ul", {}, value.filter((each) => !isEmpty(each)).map((each) => el("li", {}, shownItem(each))));
  if (typeof value === "object") return shownItem(value);
  return String(value);
}

/** What the assistant was asked, taken for what, and what came of it. */
function shownQuestion({ text, intent, outcome }) {
  const made = [W.intents[intent] ?? intent, W.outcomes[outcome] ?? outcome].filter((each) => !isEmpty(each));
  return [el("p", {}, text), el("p", { class: "soft" }, made.join(" · "))];
}

function shownItem(item) {
  if (typeof item !== "object") return String(item);
  if (item.kind && item.data) return cardItem(item);
  if (item.asin) return item.title || item.asin;
  if (item.id && item.status) {
    const more = Object.entries(item).filter(([key, value]) => !["id", "status"].includes(key) && typeof value !== "object" && !isEmpty(value));
    return [`${fill(W.order, item)} · ${W.orderStatus[item.status] ?? item.status}`, more.map(([, value]) => ` · ${value}`)].flat().join("");
  }
  return el("dl", {}, Object.entries(item).filter(([, value]) => !isEmpty(value)).map(([key, value]) => el("div", {}, el("dt", {}, labelOf(key)), el("dd", {}, shownValue(key, value)))));
}
