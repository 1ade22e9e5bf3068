/** Runs in /widget/v1/frame: the chat obeys the page around it, and tells that page what happens. */

import { EVENTS } from "../events.js";
import { post, read, SENT, SHOWN } from "./messages.js";

const CALLS = ["open", "close", "ask", "restart"];
const MARGIN = 40; // pixels around the launcher, for its shadow

const chat = /** @type {import("../element.js").MangaAssist} */ (document.querySelector("manga-assist"));
/** @type {string[]} */
const origins = JSON.parse(chat.dataset.origins ?? "[]");
let page = ""; // the origin of the page that said hello

addEventListener("message", (event) => {
  const message = read(event, window.parent, origins);
  if (!message) return;
  const { say, name, value, words, attributes } = message;
  if (say === "hello") {
    page = event.origin;
    for (const [key, each] of Object.entries(attributes ?? {})) set(key, each);
    tellSize();
  } else if (say === "set") {
    set(name, value);
  } else if (say === "call" && CALLS.includes(name)) {
    /** @type {any} */ (chat)[name](name === "ask" ? String(words) : undefined);
  }
});

for (const name of EVENTS) {
  chat.addEventListener(`manga-assist:${name}`, (event) => {
    if (name === "open" || name === "close") tellSize();
    tell({ say: "event", name, detail: /** @type {CustomEvent} */ (event).detail });
  });
}
customElements.whenDefined("manga-assist").then(() => {
  const root = chat.shadowRoot?.querySelector(".root");
  if (root) new ResizeObserver(tellSize).observe(root);
  if (root) new MutationObserver(tellSize).observe(root, { childList: true, attributes: true });
});

/**
 * @param {string} name
 * @param {unknown} value
 */
function set(name, value) {
  if (![...SENT, ...SHOWN].includes(name)) return;
  if (typeof value === "string") chat.setAttribute(name, value);
  else chat.removeAttribute(name);
}

function tellSize() {
  if (chat.shadowRoot?.querySelector(".root[hidden]")) return; // its style sheet is on its way
  const launcher = chat.shadowRoot?.querySelector(".launcher");
  const { width = 0, height = 0 } = launcher?.getBoundingClientRect() ?? {};
  const open = launcher?.getAttribute("aria-expanded") === "true";
  tell({ say: "size", open, width: width && Math.ceil(width) + MARGIN, height: height && Math.ceil(height) + MARGIN });
}

/** @param {import("./messages.js").Message} message */
function tell(message) {
  if (page) post(window.parent, page, message);
}
