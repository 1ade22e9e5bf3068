/**
 * <manga-assist-frame>: the chat in an iframe, for pages that want a wall between its scripts and theirs.
 *
 *   <script type="module" src="https://shop.example/widget/v1/frame.js"></script>
 *   <manga-assist-frame lang="ja" accent="#0a7"></manga-assist-frame>
 *
 * Attributes, events and methods are those of <manga-assist>, but that nothing can be prevented (the frame does not wait
 * for the page), and that endpoint, token-url and mode do not exist. The page's policy must allow the assistant's origin
 * in script-src and frame-src; the page's origin must be one of WIDGET_ALLOWED_ORIGINS.
 */

import { post, read, SENT, SHOWN } from "./messages.js";

const HERE = new URL(import.meta.url);
const PANEL = { width: 440, height: 720, radius: 22 };
const NARROW = "(max-width: 560px)";

class MangaAssistFrame extends HTMLElement {
  static observedAttributes = [...SENT, ...SHOWN];

  #frame = document.createElement("iframe");
  // Until the frame knows better, the launcher's own: browsers do not lay out a frame of another site without a size.
  #size = { open: false, width: 108, height: 102 };
  #greeted = false;
  /** Calls from before the frame listened. @type {import("./messages.js").Message[]} */
  #early = [];
  /** @type {AbortController | null} */
  #life = null;

  connectedCallback() {
    if (this.#life) return;
    this.#life = new AbortController();
    const { signal } = this.#life;
    const address = new URL("frame", HERE);
    address.searchParams.set("mode", "launcher");
    for (const name of SHOWN) {
      const value = this.getAttribute(name);
      if (value !== null) address.searchParams.set(name, value);
    }
    this.#frame.title = this.title || "MangaAssist";
    this.#frame.src = address.href;
    this.#frame.allow = "autoplay";
    this.#frame.addEventListener("load", () => this.#greet(), { signal });
    addEventListener("message", (event) => this.#hear(event), { signal });
    addEventListener("resize", () => this.#fit(), { signal });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#sendTheme(), { signal });
    this.#fit();
    this.append(this.#frame);
  }

  disconnectedCallback() {
    this.#life?.abort();
    this.#life = null;
    this.#greeted = false;
    this.#frame.remove();
  }

  /**
   * @param {string} name
   * @param {string | null} _before
   * @param {string | null} value
   */
  attributeChangedCallback(name, _before, value) {
    if (name === "theme") this.#sendTheme();
    else if (this.#greeted) this.#post({ say: "set", name, value });
    if (name === "position") this.#fit();
  }

  open() {
    this.#call("open");
  }

  close() {
    this.#call("close");
  }

  /** @param {string} words */
  ask(words) {
    this.#call("ask", words);
  }

  restart() {
    this.#call("restart");
  }

  /**
   * @param {string} name
   * @param {string} words
   */
  #call(name, words = "") {
    /** @type {import("./messages.js").Message} */
    const message = { say: "call", name, words };
    if (this.#greeted) this.#post(message);
    else this.#early.push(message);
  }

  #greet() {
    this.#greeted = true;
    const attributes = Object.fromEntries(SENT.flatMap((name) => (this.hasAttribute(name) ? [[name, this.getAttribute(name)]] : [])));
    this.#post({ say: "hello", attributes: { ...attributes, theme: this.#theme } });
    for (const message of this.#early.splice(0)) this.#post(message);
  }

  /** The frame cannot see the page's own choice of light and dark. */
  get #theme() {
    const wished = this.getAttribute("theme");
    if (wished === "dark" || wished === "light") return wished;
    return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  }

  #sendTheme() {
    if (this.#greeted) this.#post({ say: "set", name: "theme", value: this.#theme });
  }

  /** @param {import("./messages.js").Message} message */
  #post(message) {
    post(this.#frame.contentWindow, HERE.origin, message);
  }

  /** @param {MessageEvent} event */
  #hear(event) {
    const message = read(event, this.#frame.contentWindow, [HERE.origin]);
    if (message?.say === "size") {
      this.#size = { open: message.open === true, width: Number(message.width) || 0, height: Number(message.height) || 0 };
      this.#fit();
    } else if (message?.say === "event") {
      const { name, detail } = message;
      this.dispatchEvent(new CustomEvent(`manga-assist:${name}`, { detail, bubbles: true, composed: true }));
    }
  }

  /** As large as what it shows: the launcher, the panel, or on a phone the screen. */
  #fit() {
    const { open, width, height } = this.#size;
    const screen = open && matchMedia(NARROW).matches;
    const rtl = getComputedStyle(this).direction === "rtl";
    const side = this.getAttribute("position") || (rtl ? "left" : "right");
    const gap = open && !screen ? "20px" : "0";
    Object.assign(this.#frame.style, {
      position: "fixed",
      zIndex: "2147483000",
      border: "0",
      colorScheme: "light", // so that what is transparent inside stays so outside
      insetBlockEnd: gap,
      left: side === "left" ? gap : "auto",
      right: side === "left" ? "auto" : gap,
      inlineSize: screen ? "100%" : open ? `min(${PANEL.width}px, 100vw - 40px)` : `${width}px`,
      blockSize: screen ? "100%" : open ? `min(${PANEL.height}px, 100dvh - 40px)` : `${height}px`,
      borderRadius: open && !screen ? `${PANEL.radius}px` : "0",
      boxShadow: open && !screen ? "0 18px 48px -12px rgb(40 25 20 / 0.4)" : "none",
    });
  }
}

if (!customElements.get("manga-assist-frame")) customElements.define("manga-assist-frame", MangaAssistFrame);
