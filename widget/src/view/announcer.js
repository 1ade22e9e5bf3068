import { el } from "./dom.js";

const SAID_MS = 1500;

/** Reads finished words out to who cannot see them: a live region of its own, empty again once they are said. */
export class Announcer {
  node = el("div", { class: "unseen announcer", "aria-live": "polite" });

  /** @param {string} words */
  say(words) {
    const line = el("p", {}, words);
    this.node.append(line);
    setTimeout(() => line.remove(), SAID_MS);
  }
}
