/**
 * The desk: agents talk with shoppers. Frames: docs/escalation.md, "The desk".
 *
 * What is shown comes from the server only: a click asks, `state`, `changed` and `lines` tell what became of it. Every
 * verb may be repeated, so that whatever was not answered is asked again after a lost connection. Everything is built
 * with createElement and textContent: the page forbids markup from text.
 */

/**
 * @typedef {{id: string, conversation_id: string, status: string, trigger: string, reason: string, priority: number,
 *   language: string, customer_id: string, email: string, opened_at: string, taken_at: string|null, closed_at: string|null,
 *   close_reason: string, agent_id: number|null, agent_name: string, csat: number|null, csat_comment: string,
 *   said_id: number, said: string}} Row
 * @typedef {{id: number, name: string, status: string, capacity: number, load: number}} Agent
 * @typedef {{kind: string, id: string, data: any}} Card
 * @typedef {{id: number, role: string, text: string, author: string, at: string, client_id: string|null, cards: Card[]}} Line
 * @typedef {{text: string, note: string, email: string, mode: "reply"|"note"|"email", cards: Card[]}} Draft
 */

const W = JSON.parse(document.getElementById("desk-words").textContent);
const LANG = document.documentElement.lang;
const $ = (id) => document.getElementById(id);

// --- Small things -----------------------------------------------------------------------------------------

/** @param {Record<string, any>} [props] attributes; `on…` are listeners; null and false are left out */
function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value != null) node.setAttribute(name, String(value));
  }
  node.append(...children.flat(Infinity).filter((child) => child != null && child !== false && child !== ""));
  return node;
}

const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ""));

function newId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** Kept in this browser; without storage (a private window) it lasts as long as the page. */
function kept(store, key, otherwise) {
  let value = otherwise;
  const read = () => {
    try {
      value = { ...otherwise, ...JSON.parse(store.getItem(key) ?? "{}") };
    } catch {
      value = otherwise;
    }
    return value;
  };
  return {
    read,
    write(next) {
      value = next;
      try {
        store.setItem(key, JSON.stringify(next));
      } catch {
        // Full or forbidden: the page still has it.
      }
    },
  };
}

const day = new Intl.DateTimeFormat(LANG, { dateStyle: "medium" });
const clock = new Intl.DateTimeFormat(LANG, { timeStyle: "short" });
const money = ({ amount, currency }) => new Intl.NumberFormat(LANG, { style: "currency", currency }).format(Number(amount));

/** 0:42, 12:05, 3:10:00. */
function age(since) {
  const s = Math.max(0, Math.floor((Date.now() - Date.parse(since)) / 1000));
  const two = (n) => String(n).padStart(2, "0");
  return s < 3600 ? `${Math.floor(s / 60)}:${two(s % 60)}` : `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
}

/** An address that is a page and no script. */
function safeUrl(address) {
  try {
    const url = new URL(address, location.href);
    return url.protocol === "http:" || url.protocol === "https:" ? url.href : null;
  } catch {
    return null;
  }
}

// --- The connection ---------------------------------------------------------------------------------------

class Refusal extends Error {
  constructor(code, message) {
    super(W.refused[code] ?? message);
    this.code = code;
  }
}

const ANSWER_WITHIN_MS = 15_000;
const PING_EVERY_MS = 20_000;

class Connection {
  #socket = null;
  #ready = false;
  #tries = 0;
  /** client_id → {frame, resolve, reject, at} */
  #asked = new Map();
  #timer = 0;

  constructor({ onframe, onstate }) {
    this.onframe = onframe;
    this.onstate = onstate;
    setInterval(() => this.#check(), 5000);
    setInterval(() => this.#ready && this.ask("ping").catch(() => {}), PING_EVERY_MS);
    addEventListener("online", () => this.#again());
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState !== "visible") return;
      if (this.#ready) this.ask("ping").catch(() => {});
      else this.#again();
    });
    this.#connect();
  }

  /** Resolves with the `done` frame; rejects with a Refusal. Asked again after a lost connection until answered. */
  ask(type, fields = {}, clientId = newId()) {
    const frame = { type, client_id: clientId, ...fields };
    return new Promise((resolve, reject) => {
      this.#asked.set(clientId, { frame, resolve, reject, at: Date.now() });
      if (this.#ready) this.#send(frame);
    });
  }

  /** Worth nothing later. */
  tell(type, fields) {
    if (this.#ready) this.#send({ type, client_id: newId(), ...fields });
  }

  #send(frame) {
    this.#socket.send(JSON.stringify(frame));
  }

  #connect() {
    this.onstate("connecting");
    const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws/desk/`);
    this.#socket = socket;
    socket.onmessage = ({ data }) => socket === this.#socket && this.#heard(JSON.parse(data));
    socket.onclose = ({ code }) => socket === this.#socket && this.#lost(code);
  }

  #heard(frame) {
    if (frame.type === "state") {
      this.#ready = true;
      this.#tries = 0;
      this.onstate("connected");
      // Before anything new is asked: what is looked at afterwards has what was written before in it.
      for (const asked of this.#asked.values()) {
        asked.at = Date.now();
        this.#send(asked.frame);
      }
      this.onframe(frame);
      return;
    }
    const asked = frame.client_id ? this.#asked.get(frame.client_id) : null;
    if (frame.type !== "done" && frame.type !== "refused") this.onframe(frame);
    else if (asked) {
      this.#asked.delete(frame.client_id);
      if (frame.type === "done") asked.resolve(frame);
      else asked.reject(new Refusal(frame.code, frame.message));
    } else if (frame.type === "refused" && !this.#ready) this.onframe(frame);
  }

  #lost(code) {
    this.#ready = false;
    if (code === 4401) {
      location.assign(`/admin/login/?next=${encodeURIComponent(location.pathname)}`);
      return;
    }
    if (code === 4403) {
      this.onstate("forbidden");
      return;
    }
    this.onstate("lost");
    // Of no use later: the page looks again by itself.
    for (const [id, asked] of this.#asked) {
      if (["ping", "look", "find"].includes(asked.frame.type)) {
        this.#asked.delete(id);
        asked.reject(new Refusal("lost", W.lost));
      }
    }
    const pause = Math.min(15_000, 400 * 2 ** this.#tries++) * (0.5 + Math.random() / 2);
    this.#timer = setTimeout(() => this.#again(), pause);
  }

  #again() {
    if (this.#socket.readyState !== WebSocket.CLOSED) return;
    clearTimeout(this.#timer);
    this.#connect();
  }

  /** A connection that answers no more is none, whatever the browser believes. */
  #check() {
    const since = Date.now() - ANSWER_WITHIN_MS;
    if (this.#ready && [...this.#asked.values()].some(({ at }) => at < since)) {
      const dead = this.#socket;
      dead.onclose = null;
      dead.close();
      this.#lost(1006);
      clearTimeout(this.#timer);
      this.#connect();
    }
  }
}

// --- What is known ----------------------------------------------------------------------------------------

const settings = kept(localStorage, "desk-settings", { keys: true, enter: true, sound: false });
/** handoff id → the newest of the shopper's lines that was read; shared by an agent's tabs */
const seen = kept(localStorage, "desk-seen", {});
/** What is written here and not with the server yet lives as long as this tab, and is its agent's alone. */
const drafts = kept(sessionStorage, "desk-drafts", {});
/** user: whose all of this is; words: client_id → as in `unsent` */
const outbox = kept(sessionStorage, "desk-unsent", { user: 0, words: {} });

let me = { id: 0, name: "", lead: false };
/** @type {Map<string, Row>} */
const rows = new Map();
/** @type {Agent[]} */
let agents = [];
/** What is open: its id, its row (also after it left the rows), the server's answer. */
let current = "";
/** @type {Row|null} */
let currentRow = null;
let conversation = null;
/** client_id → {handoff, type, text, cards, error} */
const unsent = new Map();
const typingUntil = new Map();
let typedAt = 0;

const customer = (row) => row.customer_id || W.guest;
const isMine = (row) => row?.status === "agent" && row.agent_id === me.id;
const isUnread = (row) => isMine(row) && row.said_id > (seen.read()[row.id] ?? 0);

/** @returns {Draft} */
const draftOf = (id) => drafts.read()[id] ?? { text: "", note: "", email: "", mode: "reply", cards: [] };

function keepDraft(id, changes) {
  drafts.write({ ...drafts.read(), [id]: { ...draftOf(id), ...changes } });
}

function keepUnsent() {
  const words = [...unsent].filter(([, word]) => !word.stored).map(([id, { handoff, type, text, cards }]) => [id, { handoff, type, text, cards }]);
  outbox.write({ user: me.id, words: Object.fromEntries(words) });
}

/** After a reload: words that nobody has confirmed go out again under their own ids, so that each is said once. */
function restoreWritten() {
  const { user, words } = outbox.read();
  if (user && user !== me.id) drafts.write({});
  else if (!unsent.size) for (const [id, word] of Object.entries(words)) unsent.set(id, word);
  keepUnsent();
  for (const id of unsent.keys()) sendUnsent(id);
}

/** Drafts of what is over are of no use; what is open on this page may still get a note. */
function forgetDrafts() {
  const [shown] = location.hash.slice(1).split("/");
  const of = Object.entries(drafts.read()).filter(([id]) => rows.has(id) || id === current || id === shown);
  drafts.write(Object.fromEntries(of));
}

function forgetWritten() {
  unsent.clear();
  drafts.write({});
  outbox.write({ user: 0, words: {} });
}

function markSeen() {
  const row = rows.get(current);
  if (!row || !isMine(row) || document.visibilityState !== "visible") return;
  const known = seen.read();
  if ((known[row.id] ?? 0) >= row.said_id) return;
  const open = Object.entries(known).filter(([id]) => rows.has(id));
  seen.write({ ...Object.fromEntries(open), [row.id]: row.said_id });
}

// --- Telling ----------------------------------------------------------------------------------------------

function announce(text) {
  const said = el("p", {}, text);
  $("announcer").append(said);
  setTimeout(() => said.remove(), 1500);
}

let audio = null;
function chime() {
  if (!settings.read().sound) return;
  audio ??= new AudioContext();
  // Born before the first click on the page, it sleeps until it is woken.
  if (audio.state === "suspended") audio.resume().catch(() => {});
  const tone = audio.createOscillator();
  const volume = audio.createGain();
  tone.frequency.value = 660;
  volume.gain.setValueAtTime(0.08, audio.currentTime);
  volume.gain.exponentialRampToValueAtTime(0.001, audio.currentTime + 0.35);
  tone.connect(volume).connect(audio.destination);
  tone.start();
  tone.stop(audio.currentTime + 0.35);
}

function trouble(text) {
  const wasAtEnd = atEnd();
  $("trouble").textContent = text;
  if (wasAtEnd) toEnd();
}

/** Does what a click asked for; a refusal is told in words. The button waits meanwhile: a second click does nothing. */
async function doing(button, work) {
  if (button?.getAttribute("aria-disabled") === "true") return;
  button?.setAttribute("aria-disabled", "true");
  try {
    trouble("");
    await work();
  } catch (refusal) {
    if (!(refusal instanceof Refusal)) throw refusal;
    trouble(refusal.message);
  } finally {
    button?.removeAttribute("aria-disabled");
  }
}

// --- The lists --------------------------------------------------------------------------------------------

function sorted() {
  const all = [...rows.values()];
  const by = (key) => (a, b) => (a[key] < b[key] ? -1 : a[key] > b[key] ? 1 : a.id < b.id ? -1 : 1);
  return {
    mine: all.filter(isMine).sort(by("taken_at")),
    queue: all.filter((row) => row.status === "queued").sort((a, b) => b.priority - a.priority || by("opened_at")(a, b)),
    others: all.filter((row) => row.status === "agent" && row.agent_id !== me.id).sort(by("taken_at")),
  };
}

function showLists() {
  const lists = sorted();
  const focused = document.activeElement?.closest?.(".row")?.dataset.id;
  for (const [name, of] of Object.entries(lists)) {
    const list = $(name);
    if (!list) continue;
    const items = of.map(keptItem);
    if (!of.length && name !== "others") items.push(el("li", { class: "soft none" }, name === "mine" ? W.noneMine : W.nobodyWaits));
    // A click under way must not lose its target: what stays as it is stays in place.
    if (items.length !== list.children.length || items.some((item, at) => item !== list.children[at])) list.replaceChildren(...items);
    $(`${name}-count`).textContent = of.length ? String(of.length) : "";
  }
  for (const id of listed.keys()) if (!rows.has(id)) listed.delete(id);
  if (focused && !document.activeElement?.closest?.(".row")) document.querySelector(`.row[data-id="${focused}"]`)?.focus({ preventScroll: true });
  const waiting = lists.queue.length + lists.mine.filter(isUnread).length;
  document.title = `${waiting ? `(${waiting}) ` : ""}${W.title} · MangaAssist`;
  tick();
}

/** id → {as, item}: the list item of a row, made anew only when it shows something else. */
const listed = new Map();

function keptItem(row) {
  const as = JSON.stringify([row, isUnread(row), row.id === current]);
  if (listed.get(row.id)?.as !== as) listed.set(row.id, { as, item: rowItem(row) });
  return listed.get(row.id).item;
}

/** @param {Row} row */
function rowItem(row) {
  const tags = [
    row.priority > 0 && el("span", { class: `tag priority-${row.priority}` }, W.priorities[row.priority]),
    el("span", { class: "tag" }, W.languages[row.language] ?? row.language),
  ];
  const held = row.status === "agent";
  const words = held ? row.said || row.reason : row.reason || row.said;
  return el(
    "li", {},
    el(
      "button",
      {
        type: "button", class: `row${isUnread(row) ? " unread" : ""}`, "data-id": row.id,
        "aria-current": row.id === current ? "true" : null, onclick: () => open(row.id),
      },
      el("span", { class: "row-who" }, customer(row), " ", isUnread(row) && el("span", { class: "dot", role: "img", "aria-label": W.unread })),
      el("span", { class: "row-age", "data-since": held ? row.taken_at : row.opened_at, "data-words": held ? W.talks : W.waits }),
      el("span", { class: "row-said" }, words),
      el("span", { class: "row-tags" }, tags, el("span", { class: "soft" }, held && row.agent_id !== me.id ? fill(W.with, { name: row.agent_name }) : W.triggers[row.trigger])),
    ),
  );
}

function tick() {
  for (const node of document.querySelectorAll("[data-since]")) {
    const text = fill(node.dataset.words, { age: age(node.dataset.since) });
    if (node.textContent !== text) node.textContent = text;
  }
}

function showAgents() {
  const mine = agents.find(({ id }) => id === me.id);
  if (mine && !$("presence").contains(document.activeElement)) {
    $("presence").elements.status.value = mine.status;
    $("presence").elements.capacity.value = String(mine.capacity);
  }
  const here = agents.filter(({ status }) => status !== "offline");
  $("agents").replaceChildren(...here.map((agent) => el(
    "li", { class: `colleague ${agent.status}` },
    el("span", {}, agent.name), el("span", { class: "soft" }, `${W.status[agent.status]} · ${fill(W.load, agent)}`),
  )));
}

/** Moves the focus `by` one up or down in what is listed. */
function walk(by) {
  const all = [...document.querySelectorAll(".lists .row")];
  if (!all.length) return;
  const at = all.indexOf(document.activeElement?.closest(".row"));
  const from = at >= 0 ? at : all.findIndex((each) => each.dataset.id === current);
  const next = from < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, from + by));
  go("queue");
  all[next].focus();
}

// --- Where the page is: #, #<id>, #<id>/about, so that the browser's own "back" works ------------------------

function go(pane) {
  if (matchMedia("(min-width: 64rem)").matches) return;
  location.hash = pane === "queue" || !current ? "" : pane === "about" ? `${current}/about` : current;
}

function open(id, { write = false } = {}) {
  wantsToWrite = write;
  if (current === id && conversation) {
    location.hash = id;
    focusTalk();
  } else if (location.hash === `#${id}`) arriveAt();
  else location.hash = id;
}

let wantsToWrite = false;

function arriveAt() {
  const [id, pane] = location.hash.slice(1).split("/");
  const wide = matchMedia("(min-width: 64rem)").matches;
  $("panes").dataset.shown = !id ? "queue" : pane === "about" ? "about" : "talk";
  if (!id) {
    if (!wide && current) document.querySelector(`.row[data-id="${current}"]`)?.focus();
    return;
  }
  if (id !== current) {
    current = id;
    currentRow = rows.get(id) ?? null;
    conversation = null;
    trouble("");
    showTalk();
    showLists();
    look({ arriving: true });
  } else if (pane === "about") $("tab-package").focus();
  else focusTalk();
}

function focusTalk() {
  const phone = matchMedia("(pointer: coarse)").matches;
  if (!$("composer").hidden && (wantsToWrite || !phone)) $("text").focus();
  else $("talk-title").focus();
}

async function look({ arriving = false } = {}) {
  const id = current;
  try {
    const { conversation: found } = await connection.ask("look", { id });
    if (id !== current) return;
    conversation = found;
    currentRow = rows.get(id) ?? currentRow;
    forgetSent(found.lines);
    markSeen();
    showTalk();
    showLists();
    showPackage();
    toEnd();
    if (arriving) focusTalk();
  } catch (refusal) {
    if (!(refusal instanceof Refusal) || id !== current || refusal.code === "lost") return;
    leave();
    trouble(refusal.message);
  }
}

/** Nothing is open. */
function leave() {
  current = "";
  currentRow = conversation = null;
  location.hash = "";
  showTalk();
  showPackage();
  showLists();
}

// --- The conversation -------------------------------------------------------------------------------------

/** All of the middle pane. */
function showTalk() {
  $("log").replaceChildren(...(conversation ? conversation.lines.map(lineItem) : []));
  showUnsent();
  showHead();
}

/** Who it is, how it stands, what may be done. */
function showHead() {
  const row = rows.get(current) ?? currentRow;
  currentRow = row;
  const shown = Boolean(current && row);
  $("talk-title").textContent = shown ? customer(row) : $("talk-title").dataset.none;
  $("talk-state").replaceChildren(...(shown ? stateOf(row) : []));
  $("empty").hidden = Boolean(current);
  const mine = isMine(row);
  const over = !row || !["queued", "agent"].includes(row.status) || !rows.has(current);
  $("actions").hidden = over;
  $("to-about").hidden = !current;
  show("take", row?.status === "queued");
  show("assign", row?.status === "queued");
  show("transfer", row?.status === "agent" && (mine || me.lead));
  show("return", row?.status === "agent" && (mine || me.lead));
  show("close", mine || row?.status === "queued" || me.lead);
  $("composer").hidden = !conversation || (over && !mayNote(row));
  showComposer();
  showTyping();
}

function show(id, visible) {
  const node = $(id);
  if (!node) return;
  if (!visible && node === document.activeElement) $("talk-title").focus();
  node.hidden = !visible;
}

/** Notes go on after the end, as long as one sees it at all. */
const mayNote = (row) => Boolean(row && rows.has(row.id));

/** @param {Row} row */
function stateOf(row) {
  const told = [W.triggers[row.trigger], W.languages[row.language] ?? row.language];
  if (row.status === "queued") return [told.join(" · "), " · ", el("span", { "data-since": row.opened_at, "data-words": W.waits })];
  if (row.status === "agent") return [fill(W.with, { name: row.agent_name }), " · ", el("span", { "data-since": row.taken_at, "data-words": W.talks })];
  const closed = fill(W.closedWith, { reason: W.closeReasons[row.close_reason] ?? "" });
  return [`${closed} · ${row.csat ? fill(W.rated, row) : row.taken_at ? W.notRated : ""}${row.csat_comment ? ` “${row.csat_comment}”` : ""}`];
}

/** @param {Line} line */
function lineItem(line) {
  const who = line.role === "agent" || line.role === "note" ? line.author || W.roles.agent : W.roles[line.role];
  const label = line.role === "note" ? `${who} · ${W.roles.note}` : who;
  return el(
    "div", { class: `line ${line.role}`, "data-line": line.id },
    el("p", { class: "line-who" }, label, " ", el("time", { datetime: line.at }, clock.format(new Date(line.at)))),
    line.text && el("p", { class: "line-text" }, line.text),
    line.cards.length > 0 && el("ul", { class: "cards" }, line.cards.map((card) => el("li", {}, cardItem(card)))),
  );
}

function addLines(lines) {
  const wasAtEnd = atEnd();
  for (const line of lines) {
    if (conversation.lines.some(({ id }) => id === line.id)) continue;
    const before = conversation.lines.findIndex(({ id }) => id > line.id);
    const at = before < 0 ? conversation.lines.length : before;
    const next = $("log").querySelector(`[data-line="${conversation.lines[at]?.id}"]`) ?? $("log").querySelector(".unsent");
    conversation.lines.splice(at, 0, line);
    $("log").insertBefore(lineItem(line), next);
    if (line.role === "shopper") {
      typingUntil.delete(current);
      announce(fill(W.saysNow, { who: customer(currentRow), text: line.text }));
    }
  }
  forgetSent(lines);
  showUnsent();
  showTyping();
  if (wasAtEnd) toEnd();
  else $("jump").hidden = false;
}

const atEnd = () => $("scroll").scrollHeight - $("scroll").scrollTop - $("scroll").clientHeight < 60;

function toEnd() {
  $("scroll").scrollTop = $("scroll").scrollHeight;
  $("jump").hidden = true;
}

function showTyping() {
  const active = (typingUntil.get(current) ?? 0) > Date.now();
  const text = active ? W.typing : "";
  if ($("typing").textContent !== text) $("typing").textContent = text;
}

/** @param {Card} card */
function cardItem({ kind, data }) {
  if (kind === "product") {
    const url = safeUrl(data.url);
    const title = url ? el("a", { href: url, target: "_blank", rel: "noopener" }, data.title) : data.title;
    const cover = safeUrl(data.cover_url);
    return el(
      "div", { class: "card" },
      cover && el("img", { src: cover, alt: "", width: 44, height: 66, loading: "lazy" }),
      el(
        "div", {},
        el("p", { class: "card-title" }, title),
        el("p", { class: "soft" }, data.price ? money(data.price) : W.noPrice, " · ", el("span", { class: `stock ${data.availability}` }, W.availability[data.availability])),
      ),
    );
  }
  if (kind === "order") {
    const dates = [data.placed_at && fill(W.placed, { date: day.format(new Date(data.placed_at)) }), data.eta && fill(W.eta, { date: day.format(new Date(data.eta)) })];
    return el(
      "div", { class: "card" },
      el(
        "div", {},
        el("p", { class: "card-title" }, `${fill(W.order, data)} · ${W.orderStatus[data.status] ?? data.status}`),
        el("p", { class: "soft" }, dates.filter(Boolean).join(" · "), data.tracking && ` · ${[data.carrier, data.tracking].filter(Boolean).join(" ")}`),
        el("p", { class: "soft" }, data.lines.map(({ title, quantity }) => `${title} ×${quantity}`).join(", ")),
      ),
    );
  }
  return el("div", { class: "card" }, el("p", { class: "card-title" }, data.title));
}

// --- What is written --------------------------------------------------------------------------------------

/** By what is written: its field in a draft, the frame that sends it, how long it may be. */
const MODES = {
  reply: { field: "text", type: "say", longest: 4000 },
  note: { field: "note", type: "note", longest: 4000 },
  email: { field: "email", type: "email", longest: 10_000 },
};

/** Without an address there is no mail to write. */
function modeOf(id) {
  const { mode } = draftOf(id);
  return mode === "email" && id === current && !currentRow?.email ? "reply" : mode;
}

function showComposer() {
  const box = $("text");
  const row = currentRow;
  const draft = draftOf(current);
  const mode = modeOf(current);
  const replying = mode === "reply";
  const address = row?.email ?? "";
  $("mode-email").hidden = !address;
  for (const each of Object.keys(MODES)) $(`mode-${each}`).setAttribute("aria-pressed", String(each === mode));
  box.setAttribute("aria-label", { reply: W.replyTo, note: W.noteFor, email: fill(W.mailTo, { email: address }) }[mode]);
  box.placeholder = { reply: W.replyHint, note: W.noteHint, email: fill(W.mailHint, { email: address }) }[mode];
  $("composer").classList.toggle("as-note", mode === "note");
  const written = draft[MODES[mode].field] ?? "";
  if (box.value !== written) box.value = written;
  const may = mode === "note" ? mayNote(row) : isMine(row);
  box.readOnly = !may;
  $("send").disabled = !may;
  $("send").textContent = { reply: W.send, note: W.saveNote, email: W.sendMail }[mode];
  $("attached").replaceChildren(...(replying ? draft.cards : []).map((card) => el(
    "li", {}, cardItem(card),
    el("button", { type: "button", class: "quiet", "aria-label": fill(W.remove, { title: card.data.title ?? card.data.id }), onclick: () => detach(card) }, "×"),
  )));
  hint();
  size();
}

function hint() {
  const row = currentRow;
  const mode = modeOf(current);
  const over = [...$("text").value].length - MODES[mode].longest;
  const replying = mode !== "note";
  let text = "";
  if (over > 0) text = fill(W.tooLong, { over });
  else if (replying && row?.status === "queued") text = W.takeFirst;
  else if (replying && row?.status === "agent" && !isMine(row)) text = fill(W.notYours, { name: row.agent_name });
  else if (mode === "email") text = fill(W.mailHint, { email: row.email });
  $("hint").textContent = text;
  $("text").toggleAttribute("aria-invalid", over > 0);
}

function size() {
  const box = $("text");
  box.rows = Math.min(8, Math.max(2, box.value.split("\n").length));
}

function setMode(mode) {
  if (!current) return;
  keepDraft(current, { mode });
  hideReady();
  showComposer();
  $("text").focus();
}

function typed() {
  const mode = modeOf(current);
  keepDraft(current, { [MODES[mode].field]: $("text").value });
  hint();
  size();
  showReady();
  if (mode === "reply" && isMine(currentRow) && Date.now() - typedAt > 3000) {
    typedAt = Date.now();
    connection.tell("types", { id: current, active: true });
  }
  clearTimeout(typed.pause);
  typed.pause = setTimeout(stopTyping, 4000);
}

function stopTyping() {
  if (!typedAt) return;
  typedAt = 0;
  if (current) connection.tell("types", { id: current, active: false });
}

function send() {
  const { cards } = draftOf(current);
  const mode = modeOf(current);
  const { field, type, longest } = MODES[mode];
  const text = $("text").value.trim();
  const replying = mode === "reply";
  if (!(text || (replying && cards.length)) || [...text].length > longest || $("send").disabled) return;
  typedAt = 0;
  unsent.set(newId(), { handoff: current, type, text, cards: replying ? cards : [] });
  keepDraft(current, replying ? { text: "", cards: [] } : { [field]: "" });
  showComposer();
  keepUnsent();
  sendUnsent([...unsent.keys()].pop());
  showUnsent();
  toEnd();
}

async function sendUnsent(clientId) {
  const word = unsent.get(clientId);
  word.error = "";
  const cards = word.cards.map(({ kind, id }) => ({ kind, id }));
  try {
    await connection.ask(word.type, { id: word.handoff, text: word.text, cards }, clientId);
    word.stored = true;
  } catch (refusal) {
    if (!(refusal instanceof Refusal)) throw refusal;
    word.error = refusal.message;
    if (word.handoff === current) announce(`${W.notSent} ${refusal.message}`);
    else trouble(`${W.notSent} ${refusal.message} “${word.text}”`);
  }
  keepUnsent();
  showUnsent();
}

/** @param {Line[]} lines */
function forgetSent(lines) {
  for (const { client_id } of lines) unsent.delete(client_id);
  keepUnsent();
}

function showUnsent() {
  for (const node of $("log").querySelectorAll(".unsent")) node.remove();
  for (const [clientId, word] of unsent) {
    if (word.handoff !== current) {
      if (word.stored) unsent.delete(clientId);
      continue;
    }
    $("log").append(el(
      "div", { class: `line unsent ${word.type === "note" ? "note" : "agent"}` },
      word.text && el("p", { class: "line-text" }, word.text),
      word.cards.length > 0 && el("ul", { class: "cards" }, word.cards.map((card) => el("li", {}, cardItem(card)))),
      word.error
        ? el("p", { class: "line-who" }, `${W.notSent} ${word.error} `, el("button", { type: "button", class: "plain", onclick: () => sendUnsent(clientId) }, W.retry))
        : el("p", { class: "line-who" }, W.sending),
    ));
  }
}

// --- Ready answers: a slash and the beginning of their name -------------------------------------------------

let ready = [];
let readyAt = 0;

function showReady() {
  const asked = modeOf(current) === "reply" ? /^\/([\w-]*)$/.exec($("text").value) : null;
  ready = asked ? (conversation?.canned ?? []).filter(({ shortcut }) => shortcut.startsWith(asked[1].toLowerCase())) : [];
  readyAt = 0;
  $("ready").hidden = !ready.length;
  $("ready").replaceChildren(...ready.map((reply, at) => el(
    "li", { role: "option", id: `ready-${at}`, "aria-selected": "false", onmousedown: (event) => event.preventDefault(), onclick: () => pick(at) },
    el("b", {}, `/${reply.shortcut}`), " ", el("span", { class: "soft" }, W.languages[reply.locale] ?? reply.locale), " ", el("span", {}, reply.text),
  )));
  if (ready.length) announce(fill(W.ready, { count: ready.length }));
  pointReady(0);
}

function pointReady(at) {
  readyAt = ready.length ? (at + ready.length) % ready.length : 0;
  for (const [index, option] of [...$("ready").children].entries()) {
    option.setAttribute("aria-selected", String(index === readyAt));
    if (index === readyAt) option.scrollIntoView({ block: "nearest" });
  }
  if (ready.length) $("text").setAttribute("aria-activedescendant", `ready-${readyAt}`);
  else $("text").removeAttribute("aria-activedescendant");
}

function hideReady() {
  ready = [];
  $("ready").hidden = true;
  $("ready").replaceChildren();
  $("text").removeAttribute("aria-activedescendant");
}

function pick(at) {
  const { text } = ready[at];
  hideReady();
  keepDraft(current, { text });
  showComposer();
  $("text").focus();
}

/** Keys in the field. Enter that settles a conversion (Japanese input) is none of ours. */
function fieldKey(event) {
  if (event.isComposing || event.keyCode === 229) return;
  if (ready.length) {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      pointReady(readyAt + (event.key === "ArrowDown" ? 1 : -1));
      return;
    }
    if (event.key === "Enter" || event.key === "Tab") {
      event.preventDefault();
      pick(readyAt);
      return;
    }
    if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      hideReady();
      return;
    }
  }
  const withControl = event.ctrlKey || event.metaKey;
  if (event.key === "Enter" && !event.shiftKey && (withControl || settings.read().enter)) {
    event.preventDefault();
    send();
  }
}

// --- Hand-over package -------------------------------------------------------------------------------------

const isEmpty = (value) => value == null || value === "" || (typeof value === "object" && !Object.keys(value).length);

function showPackage() {
  const row = currentRow;
  const pane = $("package");
  if (!conversation || !row) {
    pane.replaceChildren();
    return;
  }
  const { summary, trigger, language, version, ...rest } = conversation.package;
  const known = {
    summary, customer: customer(row), email: row.email, trigger: trigger ?? row.trigger, reason: row.reason,
    language: language ?? row.language, ...Object.fromEntries(Object.entries(rest).filter(([, value]) => !isEmpty(value))),
  };
  const entries = Object.entries(known).filter(([, value]) => !isEmpty(value));
  pane.replaceChildren(
    entries.length
      ? el("dl", {}, entries.map(([key, value]) => el("div", { class: `fact fact-${key}` }, el("dt", {}, W.package[key] ?? labelOf(key)), el("dd", {}, shownValue(key, value)))))
      : el("p", { class: "soft" }, W.nothingKnown),
  );
}

const labelOf = (key) => key.replaceAll("_", " ").replace(/^./, (first) => first.toUpperCase());

/** Whatever the package holds, in a readable way. */
function shownValue(key, value) {
  if (key === "summary" && typeof value === "object") {
    const mine = value[LANG.slice(0, 2)] ? LANG.slice(0, 2) : Object.keys(value)[0];
    const others = Object.entries(value).filter(([language, text]) => language !== mine && text);
    return [
      el("p", { class: "summary", lang: mine }, value[mine]),
      others.map(([language, text]) => el("details", {}, el("summary", {}, W.languages[language] ?? language), el("p", { lang: language }, text))),
    ];
  }
  if (key === "trigger") return W.triggers[value] ?? String(value);
  if (key === "language") return W.languages[value] ?? String(value);
  if (typeof value === "boolean") return value ? W.yes : W.no;
  if (Array.isArray(value)) return el("ul", {}, value.filter((each) => !isEmpty(each)).map((each) => el("li", {}, shownItem(each))));
  if (typeof value === "object") return shownItem(value);
  return String(value);
}

function shownItem(item) {
  if (typeof item !== "object") return String(item);
  if (item.kind && item.data) return cardItem(item);
  if (item.asin) return item.title || item.asin;
  if (item.id && item.status) {
    const more = Object.entries(item).filter(([key, value]) => !["id", "status"].includes(key) && typeof value !== "object" && !isEmpty(value));
    return [`${fill(W.order, item)} · ${W.orderStatus[item.status] ?? item.status}`, more.map(([, value]) => ` · ${value}`)].flat().join("");
  }
  return el("dl", {}, Object.entries(item).filter(([, value]) => !isEmpty(value)).map(([key, value]) => el("div", {}, el("dt", {}, labelOf(key)), el("dd", {}, shownValue(key, value)))));
}

// --- Finding products and orders ----------------------------------------------------------------------------

const TABS = ["package", "products", "orders"];
let tab = "package";
let finding = 0;

function showTab(name, { focus = true } = {}) {
  tab = name;
  for (const each of TABS) {
    $(`tab-${each}`).setAttribute("aria-selected", String(each === name));
    $(`tab-${each}`).tabIndex = each === name ? 0 : -1;
  }
  $("package").hidden = name !== "package";
  $("find").hidden = name === "package";
  $("find").setAttribute("aria-labelledby", `tab-${name}`);
  if (name !== "package") {
    $("query").placeholder = name === "products" ? W.findProducts : W.findOrders;
    $("query").value = "";
    showFound([]);
    find();
  }
  if (focus) $(`tab-${name}`).focus();
}

async function find() {
  const asked = ++finding;
  const query = $("query").value.trim();
  $("found-note").textContent = "";
  if (!current || (tab === "products" && query.length < 2)) return showFound([]);
  if (tab === "orders" && !currentRow?.customer_id) {
    showFound([]);
    $("found-note").textContent = W.guestOrders;
    return;
  }
  try {
    const { found } = await connection.ask("find", { id: current, what: tab, query });
    if (asked !== finding) return;
    showFound(found);
    const as_of = found.map(({ data }) => data.stock_as_of).find(Boolean);
    $("found-note").textContent = [fill(found.length ? W.foundCount : W.nothingFound, { count: found.length }), as_of && fill(W.readAt, { time: clock.format(new Date(as_of)) })].filter(Boolean).join(" · ");
  } catch (refusal) {
    if (!(refusal instanceof Refusal)) throw refusal;
    if (asked === finding) $("found-note").textContent = refusal.message;
  }
}

/** @param {Card[]} found */
function showFound(found) {
  $("found").replaceChildren(...found.map((card) => el(
    "li", {}, cardItem(card),
    el("button", { type: "button", class: "quiet", "aria-label": `${W.attach}: ${card.data.title ?? fill(W.order, card.data)}`, onclick: () => attach(card) }, W.add),
  )));
}

function attach(card) {
  if (!current) return;
  const { cards } = draftOf(current);
  if (!cards.some(({ kind, id }) => kind === card.kind && id === card.id) && cards.length < 10) keepDraft(current, { cards: [...cards, card] });
  keepDraft(current, { mode: "reply" });
  showComposer();
  announce(W.attached);
  go("talk");
  if (!matchMedia("(pointer: coarse)").matches) $("text").focus();
}

function detach(card) {
  keepDraft(current, { cards: draftOf(current).cards.filter(({ kind, id }) => kind !== card.kind || id !== card.id) });
  showComposer();
  $("text").focus();
}

// --- Dialogs -----------------------------------------------------------------------------------------------

/** Resolves with the dialog's form when it is confirmed, else with null. */
function askIn(dialog) {
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "ok" ? dialog.querySelector("form") : null), { once: true });
  });
}

const choice = (name, value, checked, ...label) => el("label", { class: "check" }, el("input", { type: "radio", name, value, checked, required: true }), el("span", {}, label));

async function closeIt() {
  const id = current;
  const box = $("close-reasons");
  box.replaceChildren(box.querySelector("legend"), ...W.closeChoices.map((reason, at) => choice("reason", reason, at === 0, W.closeReasons[reason])));
  const form = await askIn($("close-dialog"));
  if (!form) return;
  const { reason, detail } = Object.fromEntries(new FormData(form));
  form.elements.detail.value = "";
  await doing($("close"), () => connection.ask("close", { id, reason, detail }));
}

async function giveIt(type) {
  const id = current;
  const others = agents.filter((agent) => agent.status === "available" && agent.id !== currentRow.agent_id && (type === "assign" || agent.id !== me.id || me.lead));
  if (!others.length) return trouble(W.nobodyElse);
  const box = $("give-agents");
  box.replaceChildren(box.querySelector("legend"), ...others.map((agent, at) => choice("to", agent.id, at === 0, agent.name, " ", el("span", { class: "soft" }, fill(W.load, agent)))));
  $("give-detail").hidden = type === "assign";
  const form = await askIn($("give-dialog"));
  if (!form) return undefined;
  const { to, detail } = Object.fromEntries(new FormData(form));
  form.elements.detail.value = "";
  return doing($(type), () => connection.ask(type, { id, to: Number(to), ...(type === "transfer" ? { detail } : {}) }));
}

async function takeIt(id) {
  await doing($("take"), async () => {
    if (id !== current) open(id, { write: true });
    await connection.ask("take", { id });
    keepDraft(id, { mode: "reply" });
    wantsToWrite = true;
  });
}

async function showSettings() {
  const { elements } = $("settings").querySelector("form");
  const now = settings.read();
  for (const name of ["keys", "enter", "sound"]) elements[name].checked = now[name];
  const form = await askIn($("settings"));
  if (form) settings.write({ keys: elements.keys.checked, enter: elements.enter.checked, sound: elements.sound.checked });
}

// --- Frames ------------------------------------------------------------------------------------------------

const HANDLERS = {
  state(frame) {
    const isFirst = !me.id;
    me = frame.me;
    agents = frame.agents;
    rows.clear();
    for (const row of frame.handoffs) rows.set(row.id, row);
    if (isFirst) restoreWritten();
    forgetDrafts();
    showAgents();
    showLists();
    if (current) look();
    else arriveAt();
  },
  changed({ handoffs, gone }) {
    for (const row of handoffs) {
      const before = rows.get(row.id);
      rows.set(row.id, row);
      if (!before && row.status === "queued") {
        announce(fill(W.newInQueue, { who: customer(row) }));
        chime();
      } else if (isMine(row) && before && row.said_id > before.said_id && (row.id !== current || document.hidden)) {
        chime();
        if (row.id !== current) announce(fill(W.saysNow, { who: customer(row), text: row.said }));
      }
    }
    for (const { id, status, agent_name } of gone) {
      const row = rows.get(id);
      rows.delete(id);
      if (id !== current || !row) continue;
      currentRow = { ...row, status, agent_name, agent_id: null };
      trouble(status === "agent" ? fill(W.takenBy, { name: agent_name }) : status === "queued" ? W.waitsAgain : W.isOver);
    }
    if (rows.has(current) || gone.some(({ id }) => id === current)) changedHere();
    markSeen();
    showLists();
  },
  agents(frame) {
    agents = frame.agents;
    showAgents();
  },
  lines({ id, lines }) {
    if (id !== current || !conversation) return;
    addLines(lines);
    markSeen();
  },
  typing({ id, active }) {
    typingUntil.set(id, active ? Date.now() + 6000 : 0);
    showTyping();
  },
  refused({ message, code }) {
    trouble(W.refused[code] ?? message);
  },
};

/** The open conversation's row is new: its head, its actions and what may be written follow; the log stays. */
function changedHere() {
  const wasMine = isMine(currentRow);
  const wasAtEnd = atEnd();
  showHead();
  if (wasAtEnd) toEnd();
  if (!wasMine && isMine(currentRow)) {
    showPackage();
    if (wantsToWrite) focusTalk();
  }
}

function connectionState(state) {
  $("connection").dataset.state = state;
  $("connection").textContent = { connecting: W.connecting, connected: W.connected, lost: W.lost, forbidden: W.refused.forbidden }[state];
}

// --- Keys --------------------------------------------------------------------------------------------------

const KEYS = {
  j: () => walk(1),
  k: () => walk(-1),
  t: () => {
    const id = document.activeElement?.closest?.(".row")?.dataset.id ?? current;
    if (rows.get(id)?.status === "queued") takeIt(id);
  },
  r: () => current && setMode("reply"),
  n: () => current && setMode("note"),
  c: () => !$("actions").hidden && !$("close").hidden && closeIt(),
  "/": () => {
    if (!current) return;
    go("about");
    showTab("products", { focus: false });
    $("query").focus();
  },
  "?": showSettings,
};

function pageKey(event) {
  if (document.querySelector("dialog[open]") || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape") {
    goBack();
    return;
  }
  // A dialog that has just closed keeps the focus until the browser draws again.
  const typing = event.target.closest?.("input, textarea, select") && !event.target.closest("dialog:not([open])");
  const work = KEYS[event.key];
  if (typing || !work || !settings.read().keys) return;
  event.preventDefault();
  work();
}

function goBack() {
  const [, pane] = location.hash.slice(1).split("/");
  if (document.activeElement?.closest?.("input, textarea, select")) {
    $("talk-title").focus();
  } else if (pane) {
    go("talk");
  } else {
    go("queue");
    document.querySelector(`.row[data-id="${current}"]`)?.focus();
  }
}

// --- The page ----------------------------------------------------------------------------------------------

$("talk-title").dataset.none = $("talk-title").textContent;
for (const back of document.querySelectorAll("[data-back]")) back.addEventListener("click", () => go(back.dataset.back));
for (const cancel of document.querySelectorAll("[data-cancel]")) cancel.addEventListener("click", () => cancel.closest("dialog").close(""));
for (const name of TABS) {
  $(`tab-${name}`).addEventListener("click", () => showTab(name));
  $(`tab-${name}`).addEventListener("keydown", ({ key }) => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[key];
    if (by) showTab(TABS[(TABS.indexOf(name) + by + TABS.length) % TABS.length]);
  });
}
$("to-about").addEventListener("click", () => go("about"));
$("take").addEventListener("click", () => takeIt(current));
$("assign")?.addEventListener("click", () => giveIt("assign"));
$("transfer").addEventListener("click", () => giveIt("transfer"));
$("return").addEventListener("click", () => doing($("return"), () => connection.ask("return", { id: current })));
$("close").addEventListener("click", closeIt);
$("mode-reply").addEventListener("click", () => setMode("reply"));
$("mode-note").addEventListener("click", () => setMode("note"));
$("mode-email").addEventListener("click", () => setMode("email"));
$("show-settings").addEventListener("click", showSettings);
document.querySelector("form[action$='/logout/']").addEventListener("submit", forgetWritten);
$("text").addEventListener("input", typed);
$("text").addEventListener("keydown", fieldKey);
$("text").addEventListener("blur", () => {
  hideReady();
  stopTyping();
});
$("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  send();
});
$("search").addEventListener("submit", (event) => {
  event.preventDefault();
  find();
});
$("query").addEventListener("input", (event) => {
  clearTimeout(find.pause);
  if (!event.isComposing) find.pause = setTimeout(find, 300);
});
$("jump").addEventListener("click", toEnd);
$("scroll").addEventListener("scroll", () => {
  if (atEnd()) $("jump").hidden = true;
});
$("presence").addEventListener("submit", (event) => event.preventDefault());
$("presence").addEventListener("change", (event) => {
  const { status, capacity } = $("presence").elements;
  if (!$("presence").reportValidity()) return;
  doing(null, () => connection.ask("presence", event.target === status ? { status: status.value } : { capacity: Number(capacity.value) }));
});
document.addEventListener("keydown", pageKey);
document.addEventListener("visibilitychange", () => {
  markSeen();
  showLists();
});
addEventListener("storage", ({ key }) => key === "desk-seen" && showLists());
addEventListener("hashchange", arriveAt);
setInterval(() => {
  tick();
  showTyping();
}, 1000);

const connection = new Connection({ onframe: (frame) => HANDLERS[frame.type]?.(frame), onstate: connectionState });
showTalk();
