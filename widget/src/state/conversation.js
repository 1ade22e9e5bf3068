import { newId } from "../protocol/ids.js";
import { isSame, mine, theirs } from "./entries.js";

/**
 * @typedef {import("../types.js").Entry} Entry
 * @typedef {import("../types.js").Frame} Frame
 * @typedef {import("../types.js").Handoff} Handoff
 * @typedef {import("../types.js").Message} Message
 *
 * What the conversation tells whoever shows it.
 * @typedef {object} Watcher
 * @property {(entry: Entry) => void} entryChanged it is new, or another than before
 * @property {(entry: Entry) => void} entryRemoved
 * @property {(entry: Entry) => void} textGrew of a streaming entry
 * @property {() => void} everythingChanged
 * @property {() => void} stateChanged a turn began or ended, somebody types, another answers, a stop was asked for
 * @property {(entry: Entry) => void} heard somebody else has spoken
 * @property {(code: string) => void} noticed an error that belongs to nothing on the page
 * @property {(name: string, detail: object) => void} told something that the page may want to know
 */

export const MAX_TEXT = 4000;
// Longer than any turn may take: after it, waiting would be pretending.
const SILENT_TURN_MS = 45000;
// After a reconnect the server knows no running turn: its answer is about to come, or never will.
const ORPHANED_TURN_MS = 10000;
// An agent's typing whose end got lost ends by itself.
const AGENT_TYPING_MS = 8000;
// Errors of the connection itself: it says so by its status, or tries again without a word.
const QUIET_ERRORS = new Set(["token", "forbidden", "no_hello", "no_such_turn"]);

/** What was said in the conversation, and what is going on in it; no part of any page. */
export class Conversation {
  #watcher;
  #connection;
  #clock;
  /** Oldest first. @type {Entry[]} */
  entries = [];
  /** Running turns. @type {Map<string, {entry: Entry | null, watchdog?: number}>} */
  turns = new Map();
  /** @type {Handoff} */
  handoff = { state: "bot" };
  /** Who is at work: a turn, in its own words, or an agent, by name. @type {{by: "" | "turn" | "agent", words: string}} */
  typing = { by: "", words: "" };
  maxText = MAX_TEXT;
  /** What the shop has decided. @type {import("../types.js").Assistant} */
  assistant = {};
  /** The turn that the shopper has stopped. */
  stopping = "";
  #met = false; // the server has greeted this page: what comes with a later ready was missed
  /** What waits for its `saved`. @type {Map<string, {saved(): void, failed(): void}>} */
  #awaited = new Map();
  /** @type {number | undefined} */
  #agentTimer;

  /**
   * @param {Watcher} watcher
   * @param {Pick<import("../protocol/connection.js").Connection, "send" | "signal" | "unacknowledged">} connection
   * @param {Pick<import("../types.js").Surroundings, "after" | "cancel">} clock
   */
  constructor(watcher, connection, clock) {
    this.#watcher = watcher;
    this.#connection = connection;
    this.#clock = clock;
  }

  // What the shopper does

  /** Shows what another page of this tab could not deliver yet. */
  recall() {
    for (const { text, client_msg_id: id } of this.#connection.unacknowledged) this.entries.push(mine(text, id));
  }

  /**
   * @param {string} text
   * @param {string} lang
   * @param {string} id the same again for what was said before: then the server takes it once
   */
  post(text, lang, id = newId()) {
    const entry = mine(text, id);
    this.entries.push(entry);
    this.#watcher.entryChanged(entry);
    this.#connection.send({ type: "user_message", client_msg_id: id, text, lang });
  }

  /** Takes back what was not sent, so that it can be said again. @param {Entry} entry */
  remove(entry) {
    this.entries = this.entries.filter((each) => each !== entry);
    this.#watcher.entryRemoved(entry);
  }

  stop() {
    [this.stopping] = this.turns.keys();
    this.#watcher.stateChanged();
    this.repeatStop();
  }

  /** Again after each reconnect, until the turn has ended. */
  repeatStop() {
    if (this.turns.has(this.stopping)) this.#connection.signal({ type: "stop", turn_id: this.stopping });
  }

  /**
   * Sends what the server answers with `saved`.
   * @param {{type: string, [field: string]: unknown}} frame
   * @param {{saved?: () => void, failed?: () => void}} [then]
   */
  ask(frame, { saved = () => {}, failed = () => {} } = {}) {
    const id = newId();
    this.#awaited.set(id, { saved, failed });
    this.#connection.send({ ...frame, client_msg_id: id });
  }

  /** The question that a failed answer belongs to. @param {Entry} answer */
  questionOf(answer) {
    return this.entries.find(({ role, turn_id: turnId }) => role === "user" && turnId && turnId === answer.turn_id);
  }

  /** What may be asked next with one click. */
  get quickReplies() {
    const last = this.entries.findLast((entry) => entry.role !== "system" || entry.handoff || entry.quick_replies);
    return this.turns.size === 0 && last?.role !== "user" ? (last?.quick_replies ?? []) : [];
  }

  // What the server says

  /** @param {Frame} frame */
  receive(frame) {
    /** @type {Record<string, ((frame: any) => void) | undefined>} */
    const readers = {
      ready: this.#ready,
      forgotten: this.#forgotten,
      accepted: this.#accepted,
      typing_indicator: this.#thinking,
      delta: this.#delta,
      card: this.#card,
      response: this.#response,
      message: this.#message,
      typing: this.#agentTypes,
      handoff_state: this.#handedOff,
      saved: this.#saved,
      feedback: this.#rated,
      error: this.#error,
    };
    readers[frame.type]?.call(this, frame);
  }

  /** @param {Frame} frame */
  #ready(frame) {
    this.maxText = frame.max_text || MAX_TEXT;
    this.assistant = frame.assistant || {};
    if (frame.reset) this.#keepUnsent();
    const caughtUp = this.#met && !frame.reset;
    this.#met = true;
    const known = new Set(this.entries.map((entry) => entry.message_id));
    const unsent = this.entries.filter((entry) => entry.state === "sending");
    this.entries = this.entries.filter((entry) => entry.state !== "sending");
    for (const message of frame.messages) this.#take(message, unsent);
    this.entries.push(...unsent.filter((entry) => entry.state === "sending"));
    this.handoff = { ...(frame.state === this.handoff.state && this.handoff), state: frame.state };
    if (frame.active_turn) this.#begin(frame.active_turn.turn_id);
    else for (const turnId of this.turns.keys()) this.#watch(turnId, ORPHANED_TURN_MS);
    this.#watcher.everythingChanged();
    for (const entry of this.entries) {
      if (caughtUp && entry.message_id && entry.role !== "user" && !known.has(entry.message_id)) this.#watcher.heard(entry);
    }
    this.#watcher.told("ready", { conversation_id: frame.conversation_id });
  }

  #keepUnsent() {
    this.entries = this.entries.filter((entry) => entry.state === "sending");
    for (const turnId of [...this.turns.keys()]) this.#end(turnId);
  }

  #forgotten() {
    this.#keepUnsent();
    if (!this.#connection.unacknowledged.length) this.entries = [];
    this.handoff = { state: "bot" };
    this.#met = false;
    this.#watcher.everythingChanged();
  }

  /**
   * A stored message, in the place of its local echo or of its stream if there is one.
   * @param {Message & Partial<Frame>} message
   * @param {Entry[]} alsoIn
   * @returns {Entry}
   */
  #take(message, alsoIn = []) {
    const { type: _type, seq: _seq, ...fields } = message;
    const entry = [...this.entries, ...alsoIn].find((each) => isSame(each, message)) ?? /** @type {Entry} */ ({});
    Object.assign(entry, fields, { state: "sent", streaming: false });
    entry.at ??= new Date().toISOString();
    if (!this.entries.includes(entry)) this.entries.push(entry);
    if (message.role === "assistant" && message.turn_id) this.#end(message.turn_id);
    return entry;
  }

  /** @param {Frame} frame */
  #accepted({ client_msg_id: id, message_id: messageId, turn_id: turnId, duplicate }) {
    const entry = this.entries.find((each) => each.client_msg_id === id);
    if (entry) {
      Object.assign(entry, { state: "sent", message_id: messageId, turn_id: turnId });
      this.#watcher.entryChanged(entry);
    }
    if (turnId && !duplicate) this.#begin(turnId);
  }

  /** @param {Frame & {turn_id: string}} frame */
  #thinking(frame) {
    this.#begin(frame.turn_id);
    this.#showTyping("turn", frame.message);
  }

  /** @param {Frame & {turn_id: string}} frame */
  #delta(frame) {
    const entry = this.#streamed(frame.turn_id);
    entry.content += frame.text;
    this.#showTyping("");
    this.#watcher.textGrew(entry);
  }

  /** @param {any} frame */
  #card({ turn_id: turnId, card_id: id, kind, data }) {
    const entry = this.#streamed(turnId);
    const cards = (entry.cards ??= []);
    if (cards.some((card) => card.card_id === id)) return;
    cards.push({ card_id: id, kind, data });
    this.#watcher.entryChanged(entry);
  }

  /** @param {any} frame */
  #response(frame) {
    const entry = this.#take({ ...frame, role: "assistant" });
    this.#watcher.entryChanged(entry);
    this.#watcher.heard(entry);
  }

  /** @param {any} frame */
  #message(frame) {
    const entry = this.#take(frame);
    if (frame.role === "agent") this.#showTyping("");
    this.#watcher.entryChanged(entry);
    if (frame.role !== "user") this.#watcher.heard(entry);
    if (frame.action) this.#watcher.told(frame.action, frame);
  }

  /** @param {Frame} frame */
  #saved({ client_msg_id: id = "" }) {
    this.#awaited.get(id)?.saved();
    this.#awaited.delete(id);
  }

  /** An opinion given in another tab. @param {any} frame */
  #rated({ message_id: id, rating, reason }) {
    const entry = this.entries.find(({ message_id: known }) => known === id);
    if (!entry) return;
    Object.assign(entry, { rating, reason });
    this.#watcher.entryChanged(entry);
  }

  /** @param {Frame} frame */
  #error({ client_msg_id: id = "", turn_id: turnId = "", code, retryable, retry_after_ms: wait = 0 }) {
    const entry = this.entries.find((each) => id && each.client_msg_id === id);
    const awaited = this.#awaited.get(id);
    if (entry) {
      Object.assign(entry, { state: "failed", problem: code, retryable, wait });
      this.#watcher.entryChanged(entry);
    } else if (this.turns.has(turnId) && code !== "no_such_turn") {
      this.#failTurn(turnId, code, retryable);
    } else if (!QUIET_ERRORS.has(code)) {
      this.#watcher.noticed(code);
    }
    if (awaited) {
      awaited.failed();
      this.#awaited.delete(id);
    } else if (!id && !turnId) {
      // It does not say whose fault it was: whatever waits may be tried again.
      for (const each of this.#awaited.values()) each.failed();
      this.#awaited.clear();
    }
  }

  // Turns

  /** @param {string} turnId */
  #begin(turnId) {
    if (!this.turns.has(turnId)) this.turns.set(turnId, { entry: null });
    this.#watch(turnId, SILENT_TURN_MS);
    this.#watcher.stateChanged();
  }

  /**
   * No turn is waited for without end, whatever happens to the server.
   * @param {string} turnId
   * @param {number} limit milliseconds
   */
  #watch(turnId, limit) {
    const turn = this.turns.get(turnId);
    if (!turn) return;
    this.#clock.cancel(turn.watchdog);
    turn.watchdog = this.#clock.after(limit, () => this.#failTurn(turnId, "", true));
  }

  /**
   * @param {string} turnId
   * @returns {Entry}
   */
  #streamed(turnId) {
    this.#begin(turnId);
    const turn = this.turns.get(turnId);
    if (turn?.entry) return turn.entry;
    const entry = theirs(turnId);
    if (turn) turn.entry = entry;
    this.entries.push(entry);
    this.#watcher.entryChanged(entry);
    return entry;
  }

  /**
   * @param {string} turnId
   * @param {string} problem the error's code; "": no answer came
   * @param {boolean} retryable
   */
  #failTurn(turnId, problem, retryable) {
    const entry = this.turns.get(turnId)?.entry ?? theirs(turnId);
    Object.assign(entry, { content: "", problem, status: "failed", retryable, streaming: false, cards: [] });
    if (!this.entries.includes(entry)) this.entries.push(entry);
    this.#end(turnId);
    this.#watcher.entryChanged(entry);
    this.#watcher.heard(entry);
  }

  /** @param {string} turnId */
  #end(turnId) {
    const turn = this.turns.get(turnId);
    if (!turn) return;
    this.#clock.cancel(turn.watchdog);
    this.turns.delete(turnId);
    if (!this.turns.size) this.#showTyping("");
    this.#watcher.stateChanged();
  }

  /**
   * @param {"" | "turn" | "agent"} by
   * @param {string} words
   */
  #showTyping(by, words = "") {
    if (this.typing.by === by && this.typing.words === words) return;
    this.typing = { by, words };
    this.#watcher.stateChanged();
  }

  // People

  /** @param {Frame} frame */
  #agentTypes({ active, name }) {
    this.#clock.cancel(this.#agentTimer);
    this.#showTyping(active ? "agent" : "", active ? name || this.handoff.agent_name : "");
    if (active) this.#agentTimer = this.#clock.after(AGENT_TYPING_MS, () => this.#showTyping(""));
  }

  /** @param {any} frame */
  #handedOff({ type: _type, ...handoff }) {
    const before = this.handoff.state;
    const { state, message, notice } = handoff;
    this.handoff = handoff;
    this.#watcher.stateChanged();
    // A turn that asked for a person says so itself, before this frame or after it.
    const last = this.entries.at(-1);
    const isSaid = message && last?.role === "assistant" && last.content.startsWith(message);
    const toldByTurn = state === "queued" && (this.turns.size > 0 || isSaid);
    const rate = handoff.rate ? handoff.handoff_id : "";
    const isAsked = rate && !this.entries.some((entry) => entry.rate === rate);
    const stored = isAsked && this.entries.findLast(
      (entry) => entry.role === "system" && entry.message_id && entry.content === message,
    );
    if (stored) {
      Object.assign(stored, { handoff: true, rate });
      this.#watcher.entryChanged(stored);
    } else if ((state !== before || notice || isAsked) && message && !toldByTurn) {
      /** @type {Entry} */
      const entry = { role: "system", content: message, state: "sent", at: new Date().toISOString(), handoff: true, rate };
      this.entries.push(entry);
      this.#watcher.entryChanged(entry);
      this.#watcher.heard(entry);
    }
    const { agent_name = null, position = null, estimated_wait = null } = handoff;
    this.#watcher.told("handoff", { state, agent_name, position, estimated_wait });
  }
}
