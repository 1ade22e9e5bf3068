import { guessDevice, readContext } from "./context.js";
import { CANCELABLE } from "./events.js";
import { Locale } from "./locale.js";
import { browser, Drawer, followPage } from "./protocol/browser.js";
import { Connection } from "./protocol/connection.js";
import { TypingSignal } from "./protocol/typing.js";
import { Conversation } from "./state/conversation.js";
import { spoken, STRINGS } from "./strings/index.js";
import { Announcer } from "./view/announcer.js";
import { Banner } from "./view/banner.js";
import { Bar } from "./view/bar.js";
import { CartButtons } from "./view/cart.js";
import { chime } from "./view/chime.js";
import { Composer, length } from "./view/composer.js";
import { el, onTouchScreen } from "./view/dom.js";
import { problemWords, spokenWords, wordsOf } from "./view/entries.js";
import { Launcher } from "./view/launcher.js";
import { fitViewport, paint } from "./view/looks.js";
import { StatusLine } from "./view/status.js";
import { Transcript } from "./view/transcript.js";

/**
 * @typedef {import("./types.js").Chat} Chat
 * @typedef {import("./types.js").Entry} Entry
 */

const HERE = new URL(import.meta.url);

/**
 * The chat.
 *
 * Attributes: endpoint (default /ws/chat/ of this file's origin), token-url (/widget/v1/token), mode (launcher | page),
 * lang (en | ja), theme (auto | light | dark), title, greeting, accent (a CSS colour), position (left | right),
 * launcher (hidden), launcher-label, identity (a JWT that the shop signed), context (JSON: asin, series, category, query,
 * locale, device). Slots: launcher-icon, nav, plain. Custom properties: css/base.css. /widget/v1/docs shows them all.
 * Script: open(), close(), ask(text), restart(), the `context` property. Events: events.js.
 */
export class MangaAssist extends HTMLElement {
  static observedAttributes = [
    "lang", "theme", "mode", "title", "accent", "position", "launcher", "launcher-label", "greeting", "identity", "context", "style",
  ];

  #shadow = this.attachShadow({ mode: "open" });
  #root = el("div", { class: "root", hidden: true });
  #announcer = new Announcer();
  /** @type {{chat: Chat, bar: Bar, banner: Banner, transcript: Transcript, composer: Composer, status: StatusLine,
   *   panel: HTMLElement, launcher: Launcher | null} | null} */
  #ui = null;
  /** @type {{connection: Connection, conversation: Conversation, typing: TypingSignal, cart: CartButtons, tab: Drawer,
   *   device: Drawer} | null} */
  #line = null;
  /** @type {Record<string, unknown> | null} */
  #context = null;
  #title = "";
  #unread = 0;
  #open = false;
  /** @type {AbortController | null} */
  #life = null;

  constructor() {
    super();
    const show = () => (this.#root.hidden = false);
    const href = new URL("widget.css", HERE).href;
    this.#shadow.append(el("link", { rel: "stylesheet", href, onload: show, onerror: show }), this.#root);
  }

  // Life

  connectedCallback() {
    if (this.#life) return;
    this.#life = new AbortController();
    const { signal } = this.#life;
    this.#line ??= this.#connect();
    const before = this.#line.tab.get("session") ?? {};
    this.#build();
    followPage(this.#line.connection, signal);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#paint(), { signal });
    visualViewport?.addEventListener("resize", () => fitViewport(this.#root), { signal });
    visualViewport?.addEventListener("scroll", () => fitViewport(this.#root), { signal });
    this.#resume(before);
  }

  disconnectedCallback() {
    queueMicrotask(() => {
      if (this.isConnected) return;
      this.#line?.connection.stop();
      this.#life?.abort();
      this.#life = null;
    });
  }

  /**
   * @param {string} name
   * @param {string | null} before
   * @param {string | null} now
   */
  attributeChangedCallback(name, before, now) {
    if (name === "title" && now !== null) {
      // Left on the element, every spot of the chat would show it as a tooltip.
      this.#title = now;
      this.removeAttribute("title");
      if (this.#life) this.#build();
      return;
    }
    if (!this.#life || before === now || name === "title") return;
    if (["theme", "accent", "position", "style"].includes(name)) this.#paint();
    else if (name === "identity") this.#line?.connection.renew();
    else if (name === "context") this.context = null;
    else {
      if (name === "lang") this.#line?.device.set("lang", null); // the page's newer word
      this.#build();
    }
  }

  #connect() {
    const endpoint = new URL(this.getAttribute("endpoint") || "/ws/chat/", HERE);
    endpoint.protocol = { "http:": "ws:", "https:": "wss:" }[endpoint.protocol] ?? endpoint.protocol;
    const tokenUrl = new URL(this.getAttribute("token-url") || "/widget/v1/token", HERE).href;
    const tab = new Drawer("sessionStorage", endpoint.href);
    const connection = new Connection(
      {
        endpoint: endpoint.href,
        tokenUrl,
        identity: () => this.getAttribute("identity") || "",
        context: () => this.context ?? {},
        onframe: (frame) => conversation.receive(frame),
        onstatus: () => this.#showStatus(),
      },
      { device: new Drawer("localStorage", tokenUrl), tab },
      browser,
    );
    const conversation = new Conversation(this.#watch(), connection, browser);
    const cart = new CartButtons(conversation, () => this.#text);
    const typing = new TypingSignal(connection, browser);
    return { connection, conversation, typing, cart, tab, device: new Drawer("localStorage", endpoint.href) };
  }

  /** What this tab was doing on the page before: an open panel stays open, a person who answers is not missed. */
  #resume({ open = false, engaged = false }) {
    if (!this.#line) return;
    const { connection, conversation } = this.#line;
    conversation.recall();
    this.#ui?.transcript.redraw();
    if (this.mode === "page") connection.start();
    else if (open) this.open({ focus: false });
    else if (engaged || conversation.entries.length) connection.start();
  }

  /** @returns {import("./state/conversation.js").Watcher} */
  #watch() {
    return {
      entryChanged: (entry) => {
        this.#ui?.transcript.show(entry);
        // What the shopper has just said is shown wherever they were reading.
        this.#ui?.transcript.follow({ force: entry.state === "sending" });
      },
      entryRemoved: (entry) => this.#ui?.transcript.remove(entry),
      textGrew: (entry) => this.#ui?.transcript.grow(entry),
      everythingChanged: () => {
        this.#ui?.transcript.redraw();
        this.#showState();
      },
      stateChanged: () => this.#showState(),
      heard: (entry) => this.#heard(entry),
      noticed: (code) => this.#ui?.composer.showPassing(problemWords(code, this.#text)),
      told: (name, detail) => this.#told(name, detail),
    };
  }

  // For the page's own scripts

  get mode() {
    return this.getAttribute("mode") === "page" ? "page" : "launcher";
  }

  /** What the shopper is looking at. @type {Record<string, unknown> | null} */
  get context() {
    return { locale: this.#lang, device: guessDevice(), ...(this.#context ?? readContext(this.getAttribute("context"))) };
  }

  /** The page has changed under the chat: the next answers know it. null: what the attribute says. */
  set context(value) {
    this.#context = value;
    this.#ui?.transcript.contextChanged();
    this.#line?.connection.renew();
  }

  /** Opens the panel; a full page is always open. */
  open({ focus = true } = {}) {
    if (this.mode === "page" || !this.#ui) return;
    const was = this.#open;
    this.#open = true;
    this.#countUnread(0);
    fitViewport(this.#root);
    this.#line?.connection.start();
    this.#showState();
    this.#ui.transcript.follow({ force: true });
    if (focus && onTouchScreen()) this.#ui.bar.focusHeading();
    else if (focus) this.#ui.composer.focus();
    if (!was) this.#tell("open");
  }

  close() {
    if (this.mode === "page" || !this.#open || !this.#ui) return;
    const { panel, bar, launcher } = this.#ui;
    const hadFocus = panel.contains(this.#shadow.activeElement);
    this.#open = false;
    bar.toggleMenu(false);
    this.#showPanel();
    this.#showState();
    if (hadFocus) launcher?.node.focus();
    this.#tell("close");
  }

  /** Opens the chat and asks. @param {string} text 1 to 4,000 characters; anything else is left alone */
  ask(text) {
    this.open();
    this.#say(text);
  }

  /**
   * @param {string} text
   * @param {string} [id]
   */
  #say(text, id) {
    const words = String(text).trim();
    if (!words || !this.#line || !this.#ui || length(words) > this.#line.conversation.maxText) return;
    this.#line.typing.end();
    this.#line.connection.start();
    this.#line.conversation.post(words, this.#lang, id);
  }

  /** Begins a new conversation. */
  restart() {
    this.#line?.connection.restart();
    this.#tell("restart");
  }

  /**
   * Tells the page. false: it has prevented the usual consequence.
   * @param {string} name of EVENTS
   * @param {object} detail
   */
  #tell(name, detail = {}) {
    const how = { detail, bubbles: true, composed: true, cancelable: CANCELABLE.includes(name) };
    return this.dispatchEvent(new CustomEvent(`manga-assist:${name}`, how));
  }

  // Building

  get #lang() {
    return spoken(this.#line?.device.get("lang") || this.getAttribute("lang") || document.documentElement.lang || navigator.language || "en");
  }

  get #text() {
    return STRINGS[this.#lang];
  }

  #build() {
    if (!this.#line) return;
    const { conversation, connection, cart, tab, device } = this.#line;
    const lang = this.#lang;
    const inPage = this.mode === "page";
    /** @type {Chat} */
    const chat = {
      text: STRINGS[lang],
      locale: new Locale(lang),
      base: new URL(this.getAttribute("token-url") || "/", HERE).href,
      name: this.#title || STRINGS[lang].name,
      greeting: this.getAttribute("greeting") ?? "",
      inPage,
      conversation,
      device,
      context: () => this.context ?? {},
      say: (text, id) => this.#say(text, id),
      addToCart: (card, button) => {
        const { asin, price } = card.data;
        const detail = { asin, price, card_id: card.card_id, message_id: card.message_id };
        if (this.#tell("add-to-cart", detail)) cart.add(card, button);
      },
      askForPerson: (done) => {
        this.#ui?.composer.showPassing(chat.text.personAsked);
        connection.start();
        conversation.ask({ type: "handoff" }, { saved: done, failed: done });
      },
      announce: (words) => this.#announcer.say(words),
      focusField: () => this.#ui?.composer.focus(),
      tell: (name, detail) => this.#tell(name, detail),
      restart: () => this.restart(),
      close: () => this.close(),
      widthChanged: () => this.#showWidth(),
      switchLanguage: () => this.#switchLanguage(lang === "ja" ? "en" : "ja"),
    };
    const draft = this.#ui?.composer.draft ?? tab.get("draft") ?? "";
    const [bar, banner, transcript] = [new Bar(chat), new Banner(chat), new Transcript(chat)];
    const composer = new Composer(chat, draft, (words) => {
      tab.set("draft", words || null);
      if (conversation.handoff.state !== "bot" && words) this.#line?.typing.typed();
    });
    const launcher = inPage ? null : new Launcher(chat, this.getAttribute("launcher-label") ?? "", () => this.open());
    const panel = el(
      "section", {
        id: "panel", class: "panel", role: inPage ? "region" : "dialog", "aria-labelledby": "heading",
        onkeydown: (/** @type {KeyboardEvent} */ event) => this.#key(event),
        onclick: (/** @type {MouseEvent} */ event) => bar.clicked(/** @type {Node} */ (event.target)),
      },
      bar.node, bar.menu, banner.node, transcript.node, composer.node, this.#announcer.node,
    );
    const status = new StatusLine(composer, chat.text, tab);
    this.#ui = { chat, bar, banner, transcript, composer, status, panel, launcher };
    this.#root.lang = lang;
    this.#root.dataset.mode = this.mode;
    this.#root.replaceChildren(...(launcher ? [launcher.node] : []), panel);
    this.#paint();
    this.#showWidth();
    composer.fit();
    this.#showPanel();
    this.#showStatus();
    transcript.redraw();
    this.#showState();
    transcript.follow({ force: true });
  }

  /** @param {"en" | "ja"} lang */
  #switchLanguage(lang) {
    this.#line?.device.set("lang", lang);
    this.#build();
    this.#line?.connection.renew(); // the server's own words follow
    this.#ui?.bar.focusMenu();
    this.#tell("language", { lang });
  }

  #paint() {
    const [theme, accent, position] = ["theme", "accent", "position"].map((name) => this.getAttribute(name));
    paint(this.#root, { theme, accent, position });
  }

  #showWidth() {
    this.#root.classList.toggle("wide", Boolean(this.#line?.device.get("wide")));
  }

  #showPanel() {
    const { launcher, panel } = this.#ui ?? {};
    if (!launcher || !panel) return;
    panel.hidden = !this.#open;
    launcher.show(this.#open || this.getAttribute("launcher") === "hidden", this.#unread);
  }

  #showState() {
    if (!this.#ui || !this.#line) return;
    const { bar, banner, composer, transcript } = this.#ui;
    const { assistant, handoff, turns } = this.#line.conversation;
    this.dataset.off = assistant.off ?? "";
    for (const part of [bar, banner, composer, transcript]) part.showState();
    this.#line.tab.set("session", { open: this.#open, engaged: handoff.state !== "bot" || turns.size > 0 });
  }

  #showStatus() {
    if (!this.#ui || !this.#line) return;
    this.#ui.status.show(this.#line.connection);
    if (this.#line.connection.status === "open") this.#line.conversation.repeatStop();
  }

  // What happens

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.key !== "Escape" || event.isComposing) return;
    event.stopPropagation();
    if (!this.#ui?.bar.closeMenu()) this.close();
  }

  /** Somebody else has spoken: read it out, count it when the panel is closed, tell the page. @param {Entry} entry */
  #heard(entry) {
    const { chat } = this.#ui ?? {};
    if (!chat) return;
    const { role, message_id } = entry;
    this.#announcer.say(spokenWords(entry, chat));
    if (!chat.inPage && !this.#open) this.#countUnread(this.#unread + 1);
    this.#tell("message", { role, content: wordsOf(entry, chat), message_id });
    if (chat.device.get("sound")) chime(); // last: a browser may refuse it
  }

  /** @param {number} count */
  #countUnread(count) {
    const before = this.#unread;
    this.#unread = count;
    this.#showPanel();
    if (count !== before) this.#tell("unread", { count });
  }

  /**
   * @param {string} name
   * @param {any} detail
   */
  #told(name, detail) {
    if (name !== "add_to_cart") return void this.#tell(name, detail);
    const { asin, content, cart_count: count = null } = detail;
    this.#line?.cart.answered(asin, count !== null);
    this.#tell("cart", { asin, message: content, cart_count: count });
  }
}
