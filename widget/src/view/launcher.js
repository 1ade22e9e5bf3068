import { fill } from "../strings/index.js";
import { book, el } from "./dom.js";

/** @typedef {import("../types.js").Chat} Chat */

/** The button in the page's corner. */
export class Launcher {
  #chat;
  #badge = el("span", { class: "count", "aria-hidden": "true", hidden: true });
  node;

  /**
   * @param {Chat} chat
   * @param {() => void} onopen
   */
  constructor(chat, onopen) {
    this.#chat = chat;
    this.node = el("button", { type: "button", class: "launcher", "aria-controls": "panel", onclick: onopen }, book(46), this.#badge);
  }

  /**
   * @param {boolean} open
   * @param {number} unread
   */
  show(open, unread) {
    const { text, name } = this.#chat;
    this.node.hidden = open;
    this.node.setAttribute("aria-expanded", String(open));
    this.#badge.hidden = !unread;
    this.#badge.textContent = unread > 9 ? "9+" : String(unread || "");
    this.node.setAttribute("aria-label", fill(unread ? text.launcherUnread : text.launcher, { name, count: unread }));
  }
}
