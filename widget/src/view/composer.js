import { fill } from "../strings/index.js";
import { el, icon, iconButton } from "./dom.js";
import { link } from "./words.js";

/** @typedef {import("../types.js").Chat} Chat */

const PASSES_AFTER_MS = 6000;
const TALLEST = 168; // pixels

/** Characters as the server counts them: code points. @param {string} text */
export const length = (text) => [...text].length;

/** Where the shopper writes, and the line above it that says how the connection is. */
export class Composer {
  #chat;
  #ontyped;
  #notice = el("p", { class: "notice", role: "status" });
  #counter = el("p", { id: "counter", class: "counter", hidden: true });
  #plain = el("slot", { name: "plain", hidden: true });
  #noticed = { status: "", passing: "" };
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #passing;
  #answers = "bot";
  #field;
  #stop;
  #form;
  node;

  /**
   * @param {Chat} chat
   * @param {string} draft
   * @param {(draft: string) => void} ontyped
   */
  constructor(chat, draft, ontyped) {
    this.#chat = chat;
    this.#ontyped = ontyped;
    const { text } = chat;
    this.#field = el("textarea", {
      rows: "1", "aria-label": text.field, placeholder: text.placeholder, "aria-describedby": "counter",
      enterkeyhint: "send", autocomplete: "off",
      onkeydown: (/** @type {KeyboardEvent} */ event) => this.#key(event),
      oninput: () => this.#typed(),
    });
    this.#field.value = draft;
    const stop = () => chat.conversation.stop();
    this.#stop = iconButton("stop", text.stop, stop, "stop");
    const send = el("button", { type: "submit", class: "send", "aria-label": text.send, title: text.send }, icon("send", 22));
    this.#form = el(
      "form", {
        class: "composer",
        onsubmit: (/** @type {Event} */ event) => {
          event.preventDefault();
          this.#submit();
        },
      },
      el("div", { class: "field" }, this.#field, this.#stop, send),
      this.#counter,
    );
    this.node = el("footer", { class: "foot" }, this.#notice, this.#form, this.#plain);
  }

  get draft() {
    return this.#field.value;
  }

  focus() {
    this.#field.focus({ preventScroll: true });
  }

  /** The field grows with its text; near the limit it counts. */
  fit() {
    const { text, locale, conversation } = this.#chat;
    this.#field.style.height = "auto";
    this.#field.style.height = `${Math.min(this.#field.scrollHeight, TALLEST)}px`;
    const words = this.#field.value.trim();
    const left = conversation.maxText - length(words);
    this.#counter.hidden = left > 400;
    const counted = { left: locale.number(left), over: locale.number(-left) };
    this.#counter.textContent = fill(left < 0 ? text.tooLong : text.counter, counted);
    this.#field.setAttribute("aria-invalid", String(left < 0));
    this.#form.classList.toggle("over", left < 0);
    this.#form.classList.toggle("filled", Boolean(words) && left >= 0);
  }

  showState() {
    const { turns, stopping, handoff } = this.#chat.conversation;
    if (handoff.state !== this.#answers) this.showPassing("");
    this.#answers = handoff.state;
    const hadFocus = this.#stop.matches(":focus");
    this.#stop.hidden = !turns.size;
    this.#stop.disabled = turns.has(stopping);
    if (hadFocus && this.#stop.hidden) this.#field.focus();
  }

  /** What the connection is doing; "": nothing to tell. @param {string} words */
  showStatus(words) {
    this.#noticed.status = words;
    this.#showNotice();
  }

  /** Something that passes. @param {string} words */
  showPassing(words) {
    clearTimeout(this.#passing);
    this.#noticed.passing = words;
    this.#showNotice();
    if (words) this.#passing = setTimeout(() => this.showPassing(""), PASSES_AFTER_MS);
  }

  get says() {
    return this.#notice.textContent;
  }

  /** Where sockets do not get through, the page's plain form takes over. @param {boolean} cut */
  offerPlain(cut) {
    this.#plain.hidden = !cut;
    this.#form.hidden = cut && this.#plain.assignedElements().length > 0;
  }

  #showNotice() {
    const { text, base, inPage } = this.#chat;
    this.#notice.textContent = this.#noticed.status || this.#noticed.passing;
    if (this.#noticed.status && !this.#plain.hidden && !inPage) {
      this.#notice.append(" ", link("/chat/", base, {}, text.plainLink));
    }
  }

  /** Enter sends, but not the Enter that settles a Japanese conversion (Safari reports that one only as 229). */
  #key(/** @type {KeyboardEvent} */ event) {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    this.#submit();
  }

  #typed() {
    this.fit();
    this.#ontyped(this.#field.value);
  }

  #submit() {
    const words = this.#field.value.trim();
    if (!words || length(words) > this.#chat.conversation.maxText) return;
    this.#field.value = "";
    this.#typed();
    this.#chat.say(words);
  }
}
