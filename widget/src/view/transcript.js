import { fill } from "../strings/index.js";
import { el, iconButton, mark, onTouchScreen } from "./dom.js";
import { drawEntry, repaintWords } from "./entries.js";

/**
 * @typedef {import("../types.js").Chat} Chat
 * @typedef {import("../types.js").Entry} Entry
 */

/** The conversation as it is read: messages, who is at work, what may be asked next. */
export class Transcript {
  #chat;
  /** @type {Map<Entry, HTMLElement>} */
  #nodes = new Map();
  /** Streaming answers, and how many of their characters are painted. @type {Map<Entry, number>} */
  #grown = new Map();
  #painting = 0;
  #offered = "";
  #empty = el("div", { class: "empty" });
  #log;
  #typing = el("p", { class: "typing", role: "status" });
  #replies;
  #scroll;
  #jump;
  node;
  atEnd = true;

  /** @param {Chat} chat */
  constructor(chat) {
    this.#chat = chat;
    const { transcript, suggestions, jump } = chat.text;
    // Not live: what is streamed would be read out piece by piece. The announcer reads each finished message once.
    this.#log = el("div", { class: "log", role: "log", "aria-live": "off", "aria-label": transcript });
    this.#replies = el("div", { class: "chips replies", role: "group", "aria-label": suggestions, hidden: true });
    this.#scroll = el(
      "div", { class: "scroll", tabindex: "0", role: "group", "aria-label": transcript, onscroll: () => this.#scrolled() },
      el("div", { class: "column" }, this.#empty, this.#log, this.#typing, this.#replies),
    );
    const toEnd = () => this.follow({ force: true, toEnd: true });
    this.#jump = iconButton("send", jump, toEnd, "jump turned");
    this.#jump.hidden = true;
    this.node = el("div", { class: "stage" }, this.#scroll, this.#jump);
  }

  focus() {
    this.#scroll.focus({ preventScroll: true });
  }

  /** Everything anew; who is reading back stays where they are. */
  redraw() {
    const { scrollTop } = this.#scroll;
    this.#nodes.clear();
    this.#log.replaceChildren();
    for (const entry of this.#chat.conversation.entries) this.#place(entry);
    this.#showEmpty();
    this.showState();
    if (!this.atEnd) this.#scroll.scrollTop = scrollTop;
  }

  /** @param {Entry} entry */
  show(entry) {
    this.#place(entry);
    this.#showEmpty();
    this.#showReplies();
  }

  /** @param {Entry} entry */
  remove(entry) {
    this.#nodes.get(entry)?.remove();
    this.#nodes.delete(entry);
  }

  /** A streaming answer has more words: they flow in over the next pictures, not in the lumps that they came in. */
  grow(/** @type {Entry} */ entry) {
    this.#grown.set(entry, this.#grown.get(entry) ?? 0);
    this.#painting ||= requestAnimationFrame(() => this.#flow());
  }

  #flow() {
    this.#painting = 0;
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    for (const [entry, painted] of this.#grown) {
      const characters = [...entry.content];
      const count = still ? characters.length : painted + Math.ceil((characters.length - painted) / 6);
      if (entry.streaming && painted < count) {
        const words = characters.slice(0, count).join("");
        if (!repaintWords(this.#nodes.get(entry), words, this.#chat)) this.#place(entry);
        this.#grown.set(entry, count);
        this.#painting ||= requestAnimationFrame(() => this.#flow());
      }
      if (!entry.streaming) this.#grown.delete(entry);
    }
    this.follow();
  }

  showState() {
    this.#showReplies();
    this.#showTyping();
    this.follow();
  }

  #showTyping() {
    const { text, conversation } = this.#chat;
    const { by, words } = conversation.typing;
    const line = by === "agent" ? fill(text.agentTyping, { name: words || text.agent }) : words;
    if (this.#typing.dataset.words === line) return;
    this.#typing.dataset.words = line;
    const dots = el("span", { class: "dots", "aria-hidden": "true" }, el("i"), el("i"), el("i"));
    this.#typing.replaceChildren(...(line ? [dots, el("span", {}, line)] : []));
  }

  #showReplies() {
    const offered = this.#chat.conversation.quickReplies;
    if (String(offered) === this.#offered) return;
    this.#offered = String(offered);
    this.#replies.hidden = !offered.length;
    this.#replies.replaceChildren(...offered.map((words) => this.#chip(String(words))));
  }

  /** What may be asked depends on the page. */
  contextChanged() {
    this.#showEmpty();
  }

  /**
   * Keeps the newest words in view, but does not scroll the last question off: a long answer is read from its top. Who
   * has read on to the end, or talks with a person, stays at the end.
   * @param {{force?: boolean, toEnd?: boolean}} how
   */
  follow({ force = false, toEnd = false } = {}) {
    if (force || this.atEnd) {
      const { scrollHeight, clientHeight, scrollTop } = this.#scroll;
      const end = scrollHeight - clientHeight;
      const question = /** @type {HTMLElement | undefined} */ ([...this.#log.querySelectorAll(":scope > .user")].pop());
      const top = question ? question.offsetTop - 12 : this.#empty.hidden ? end : 0;
      const talks = this.#log.lastElementChild?.matches(".agent, .system, .rating");
      this.#scroll.scrollTop = toEnd || talks || (!force && scrollTop > top) ? end : Math.min(end, top);
    }
    this.#scrolled();
  }

  #scrolled() {
    const below = this.#scroll.scrollHeight - this.#scroll.clientHeight - this.#scroll.scrollTop;
    this.atEnd = below < 60;
    this.#jump.hidden = below < 120;
  }

  /** @param {Entry} entry */
  #place(entry) {
    const node = drawEntry(entry, this.#chat, (words) => this.#rated(entry, words));
    const before = this.#nodes.get(entry);
    if (before?.isConnected) before.replaceWith(node);
    else this.#log.append(node);
    this.#nodes.set(entry, node);
  }

  /**
   * @param {Entry} entry
   * @param {string} words
   */
  #rated(entry, words) {
    Object.assign(entry, { rate: "", content: words || entry.content });
    this.#place(entry);
    if (words) this.#chat.announce(words);
    this.#chat.focusField();
  }

  #showEmpty() {
    const { text, conversation } = this.#chat;
    this.#empty.hidden = conversation.entries.length > 0;
    if (this.#empty.hidden) return void this.#empty.replaceChildren();
    const { asin, series, query } = this.#chat.context();
    const { lang } = this.#chat.locale;
    const { greeting, replies } = conversation.assistant;
    const shop = replies?.[lang] || text.suggest.shop;
    const about = query ? text.suggest.query.map((ask) => fill(ask, { query })) : [];
    const asks = asin || series ? text.suggest.page : [...about, ...shop];
    this.#empty.replaceChildren(
      el("div", { class: "frame" }, mark(76), el("p", { class: "greeting" }, this.#chat.greeting || greeting?.[lang] || text.greeting), el("p", {}, text.greetingMore)),
      el("div", { class: "chips", role: "group", "aria-label": text.suggestions }, asks.slice(0, 4).map((ask) => this.#chip(ask))),
    );
  }

  /** @param {string} words */
  #chip(words) {
    const onclick = () => {
      // The chip goes away; on a touch screen the field would bring up the keyboard over the answer.
      if (onTouchScreen()) this.focus();
      else this.#chat.focusField();
      this.#chat.say(words);
    };
    return el("button", { class: "chip", onclick }, words);
  }
}
