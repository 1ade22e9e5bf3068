/** What the page knows: who reads it, who waits, what is open, what is being written. */

/**
 * @typedef {{id: string, conversation_id: string, status: string, trigger: string, reason: string, priority: number,
 *   language: string, customer_id: string, email: string, opened_at: string, taken_at: string|null, closed_at: string|null,
 *   close_reason: string, agent_id: number|null, agent_name: string, csat: number|null, csat_comment: string,
 *   written: boolean, said_id: number, said: string}} Row
 * @typedef {{id: number, name: string, status: string, capacity: number, load: number}} Agent
 * @typedef {{kind: string, id: string, data: any}} Card
 * @typedef {{id: number, role: string, text: string, author: string, at: string, client_id: string|null, cards: Card[]}} Line
 * @typedef {{text: string, note: string, email: string, mode: "reply"|"note"|"email", cards: Card[]}} Draft
 */

import { kept, W } from "./page.js";

export const settings = kept(localStorage, "desk-settings", { keys: true, enter: true, sound: false });

/** handoff id → the newest of the shopper's lines that was read; shared by an agent's tabs */
const seen = kept(localStorage, "desk-seen", {});

/** What is written here and not with the server yet lives as long as this tab, and is its agent's alone. */
export const drafts = kept(sessionStorage, "desk-drafts", {});

/** user: whose all of this is; words: client_id → as in `unsent` */
export const outbox = kept(sessionStorage, "desk-unsent", { user: 0, words: {} });

export const desk = {
  me: { id: 0, name: "", lead: false },
  /** @type {Agent[]} */
  agents: [],
  /** What is open: its id, its row (also after it left the rows), the server's answer. */
  current: "",
  /** @type {Row|null} */
  currentRow: null,
  /** @type {any} */
  conversation: null,
  /** Whether what is opened is to be answered at once. */
  wantsToWrite: false,
  /** The id of what is being taken: one may write already. */
  taking: "",
  /** @type {any} The one Connection (connection.js). */
  connection: null,
};

/** @type {Map<string, Row>} */
export const rows = new Map();

/** client_id → {handoff, type, text, cards, error} */
export const unsent = new Map();

export const typingUntil = new Map();

export const customer = (row) => row.customer_id || W.guest;

export const isMine = (row) => row?.status === "agent" && row.agent_id === desk.me.id;

export const isUnread = (row) => isMine(row) && row.said_id > (seen.read()[row.id] ?? 0);

/** Notes go on after the end, as long as one sees it at all. */
export const mayNote = (row) => Boolean(row && rows.has(row.id));

/** @returns {Draft} */
export const draftOf = (id) => drafts.read()[id] ?? { text: "", note: "", email: "", mode: "reply", cards: [] };

export function keepDraft(id, changes) {
  drafts.write({ ...drafts.read(), [id]: { ...draftOf(id), ...changes } });
}

/** Drafts of what is over are of no use; what is open on this page may still get a note. */
export function forgetDrafts() {
  const [shown] = location.hash.slice(1).split("/");
  const of = Object.entries(drafts.read()).filter(([id]) => rows.has(id) || id === desk.current || id === shown);
  drafts.write(Object.fromEntries(of));
}

export function markSeen() {
  const row = rows.get(desk.current);
  if (!row || !isMine(row) || document.visibilityState !== "visible") return;
  const known = seen.read();
  if ((known[row.id] ?? 0) >= row.said_id) return;
  const stillOpen = Object.entries(known).filter(([id]) => rows.has(id));
  seen.write({ ...Object.fromEntries(stillOpen), [row.id]: row.said_id });
}

export function go(pane) {
  if (matchMedia("(min-width: 64rem)").matches) return;
  location.hash = pane === "queue" || !desk.current ? "" : pane === "about" ? `${desk.current}/about` : desk.current;
}
