import { fill } from "../strings/index.js";
import { drawShelf } from "./shelf.js";
import { el, icon } from "./dom.js";
import { drawFeedback, drawRating } from "./opinions.js";
import { formatted, link } from "./words.js";

/**
 * @typedef {import("../types.js").Chat} Chat
 * @typedef {import("../types.js").Entry} Entry
 */

/**
 * One message, as it is now.
 * @param {Entry} entry
 * @param {Chat} chat
 * @param {(words: string) => void} onrated a handoff was rated ("": it was skipped)
 */
export function drawEntry(entry, chat, onrated) {
  const { role } = entry;
  if (role === "user") return drawMine(entry, chat);
  if (role !== "system") return drawTheirs(entry, chat);
  return entry.rate ? drawRating(entry, chat, onrated) : el("p", { class: "entry system" }, entry.content);
}

/**
 * @param {Entry} entry
 * @param {Chat} chat
 */
export function speakerOf(entry, { name, text, conversation }) {
  return entry.role === "agent" ? entry.name || conversation.handoff.agent_name || text.agent : name;
}

/**
 * What an error means for the shopper, in their language; one that has no words of its own: not sent.
 * @param {string} code
 * @param {Chat["text"]} text
 */
export function problemWords(code, { problems, notSent }) {
  return problems[code] ?? notSent;
}

/**
 * What an answer says; one that failed without a word gets ours.
 * @param {Entry} entry
 * @param {Chat} chat
 */
export function wordsOf(entry, { text }) {
  return entry.content || (entry.status === "failed" ? text.problems[entry.problem ?? ""] ?? text.noAnswer : "");
}

/**
 * What is read out of it.
 * @param {Entry} entry
 * @param {Chat} chat
 */
export function spokenWords(entry, chat) {
  const { announce, announceCards } = chat.text;
  const [words, count] = [wordsOf(entry, chat), entry.cards?.length];
  const said = entry.role === "system" ? words : fill(announce, { name: speakerOf(entry, chat), text: words });
  return [said, count && fill(announceCards, { count })].filter(Boolean).join(" ");
}

/**
 * @param {Entry} entry
 * @param {Chat} chat
 */
function drawTheirs(entry, chat) {
  const words = wordsOf(entry, chat);
  const cards = (entry.cards ?? []).map((card) => ({ ...card, message_id: entry.streaming ? "" : entry.message_id }));
  const look = ["entry", entry.role, entry.streaming && "streaming", entry.status === "failed" && "failed"];
  return el(
    "div", { class: look.filter(Boolean).join(" "), "data-message-id": entry.message_id },
    el("p", { class: "who" }, speakerOf(entry, chat)),
    words && el("div", { class: "balloon" }, drawWords(words, chat), drawSources(entry, chat)),
    drawShelf(cards, chat),
    !entry.streaming && drawFoot(entry, chat),
  );
}

/**
 * @param {string} words
 * @param {Chat} chat
 */
function drawWords(words, { base }) {
  const box = el("div", { class: "words", dir: "auto" });
  box.append(formatted(words, base));
  return box;
}

/**
 * The words of a streaming answer anew. false: it has no place for them yet.
 * @param {HTMLElement | undefined} node what drawEntry gave
 * @param {string} words
 * @param {Chat} chat
 */
export function repaintWords(node, words, { base }) {
  const box = node?.isConnected && node.querySelector(".words");
  if (!box) return false;
  box.replaceChildren(formatted(words, base));
  return true;
}

/**
 * @param {Entry} entry
 * @param {Chat} chat
 */
function drawMine(entry, chat) {
  const { text, conversation } = chat;
  const node = el(
    "div", { class: `entry user ${entry.state}` },
    el("p", { class: "unseen" }, `${text.you}:`),
    el("p", { class: "balloon", dir: "auto" }, entry.content),
  );
  if (entry.state === "sending") node.append(el("p", { class: "fate late" }, text.sending));
  if (entry.state === "failed") {
    const again = () => {
      conversation.remove(entry);
      chat.say(entry.content, entry.client_msg_id);
    };
    const button = entry.retryable !== false && retryButton(text.retry, again, entry.wait);
    node.append(el("p", { class: "fate" }, problemWords(entry.problem ?? "", text), button));
  }
  return node;
}

/**
 * @param {string} words
 * @param {() => void} onclick
 * @param {number} wait milliseconds before it may be pressed
 */
function retryButton(words, onclick, wait = 0) {
  const button = el("button", { class: "retry", disabled: wait > 0, onclick }, icon("retry", 16), words);
  if (wait > 0) setTimeout(() => (button.disabled = false), wait);
  return button;
}

/**
 * @param {Entry} entry
 * @param {Chat} chat
 */
function drawSources({ citations }, { text, base }) {
  const sources = (citations ?? []).filter((source) => source.title || source.url);
  if (!sources.length) return null;
  return el(
    "p", { class: "sources" }, el("span", {}, text.sources),
    sources.map((source) => link(source.url, base, { class: "source" }, source.title || source.url)),
  );
}

/**
 * @param {Entry} entry
 * @param {Chat} chat
 */
function drawFoot(entry, chat) {
  const { text, locale, conversation } = chat;
  const failed = entry.status === "failed";
  const question = failed && entry.retryable !== false && conversation.questionOf(entry);
  return el(
    "div", { class: "entry-foot" },
    el("time", { datetime: entry.at }, locale.moment(entry.at)),
    entry.status === "stopped" && el("span", {}, text.stopped),
    question && retryButton(text.retry, () => chat.say(question.content)),
    ...(entry.role === "assistant" && entry.message_id && !failed ? drawFeedback(entry, chat) : []),
  );
}
