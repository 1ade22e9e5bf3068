import { chime } from "./chime.js";
import { el, icon, iconButton, mark } from "./dom.js";
import { download } from "./transcript_file.js";

/** @typedef {import("../types.js").Chat} Chat */

/** The band at the head of the chat: whose it is, a way to a person, and the menu. */
export class Bar {
  #chat;
  #heading;
  #person;
  #more;
  #restart;
  #sound;
  #wide;
  menu;
  node;

  /** @param {Chat} chat */
  constructor(chat) {
    this.#chat = chat;
    const { text, name, inPage } = chat;
    this.#heading = el("h2", { id: "heading", tabindex: "-1" }, name);
    this.#person = el("button", { class: "person", onclick: () => this.#askForPerson() }, icon("person", 18), el("span", {}, text.person));
    this.#more = iconButton("more", text.menu, () => this.toggleMenu());
    this.#more.setAttribute("aria-controls", "menu");
    this.#restart = el("button", { onclick: () => this.#leave() }, text.restart);
    this.#wide = el("button", { class: "widen", onclick: () => this.#widen() });
    this.#sound = el("button", { onclick: () => this.#toggleSound() }, icon("check", 16), text.sound);
    const save = () => {
      download(chat);
      this.closeMenu();
    };
    const language = { lang: chat.locale.lang === "ja" ? "en" : "ja", onclick: () => chat.switchLanguage() };
    this.menu = el(
      "div", { id: "menu", class: "menu" },
      this.#restart,
      el("button", { onclick: save }, text.download),
      this.#sound,
      el("button", language, text.otherLanguage),
      !inPage && this.#wide,
    );
    this.#showSound();
    this.node = el(
      "header", { class: "bar" },
      el("span", { class: "seal" }, mark(30)),
      el("div", { class: "names" }, this.#heading, el("p", {}, text.tagline)),
      inPage && el("slot", { name: "nav" }),
      this.#person,
      this.#more,
      !inPage && iconButton("close", text.close, () => chat.close()),
    );
    this.showWidth();
    this.toggleMenu(false);
  }

  focusHeading() {
    this.#heading.focus();
  }

  focusMenu() {
    this.#more.focus();
  }

  showState() {
    this.#person.hidden = this.#chat.conversation.handoff.state !== "bot";
  }

  showWidth() {
    this.#wide.textContent = this.#chat.device.get("wide") ? this.#chat.text.narrower : this.#chat.text.wider;
  }

  toggleMenu(open = this.menu.hidden) {
    this.menu.hidden = !open;
    this.#more.setAttribute("aria-expanded", String(open));
    delete this.#restart.dataset.sure;
    this.#restart.textContent = this.#chat.text.restart;
    if (open) this.#restart.focus();
  }

  /** Escape: the menu first. false: it was closed. */
  closeMenu() {
    if (this.menu.hidden) return false;
    this.toggleMenu(false);
    this.#more.focus();
    return true;
  }

  /** A click beside the open menu closes it. @param {Node} target */
  clicked(target) {
    if (!this.menu.hidden && !this.menu.contains(target) && !this.#more.contains(target)) this.toggleMenu(false);
  }

  #askForPerson() {
    this.#person.disabled = true;
    this.#chat.askForPerson(() => (this.#person.disabled = false));
  }

  /** A new conversation asks first. */
  #leave() {
    if (this.#restart.dataset.sure) {
      this.toggleMenu(false);
      this.#chat.restart();
      this.#chat.focusField();
    } else {
      this.#restart.dataset.sure = "yes";
      this.#restart.textContent = this.#chat.text.restartSure;
    }
  }

  #toggleSound() {
    const { device } = this.#chat;
    device.set("sound", !device.get("sound"));
    this.#showSound();
    if (device.get("sound")) chime();
  }

  #showSound() {
    this.#sound.setAttribute("aria-pressed", String(Boolean(this.#chat.device.get("sound"))));
  }

  #widen() {
    const { device } = this.#chat;
    device.set("wide", !device.get("wide"));
    this.#chat.widthChanged();
    this.showWidth();
    this.closeMenu();
  }
}
