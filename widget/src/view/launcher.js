import { fill } from "../strings/index.js";
import { book, el } from "./dom.js";

/** @typedef {import("../types.js").Chat} Chat */

/** The button in the page's corner. */
export class Launcher {
  #chat;
  #label;
  #badge = el("span", { class: "count", "aria-hidden": "true", hidden: true });
  node;

  /**
   * @param {Chat} chat
   * @param {string} label words beside the picture; "": none
   * @param {() => void} onopen
   */
  constructor(chat, label, onopen) {
    this.#chat = chat;
    this.#label = label;
    this.node = el(
      "button", { class: `launcher${label && " worded"}`, "aria-controls": "panel", onclick: onopen },
      el("slot", { name: "launcher-icon" }, book(46)), label && el("span", {}, label), this.#badge,
    );
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
    const words = fill(unread ? text.launcherUnread : text.launcher, { name, count: unread });
    // What is read on it must be in its name as well.
    this.node.setAttribute("aria-label", this.#label ? `${this.#label} – ${words}` : words);
  }
}
