/** Words under way: each is said once, also after a lost connection or a reload. */

import { cardItem } from "./cards.js";
import { Refusal } from "./connection.js";
import { trouble } from "./log.js";
import { $, announce, el, W } from "./page.js";
import { desk, drafts, outbox, unsent } from "./state.js";

export function keepUnsent() {
  const words = [...unsent].filter(([, word]) => !word.stored).map(([id, { handoff, type, text, cards }]) => [id, { handoff, type, text, cards }]);
  outbox.write({ user: desk.me.id, words: Object.fromEntries(words) });
}

/** After a reload: words that nobody has confirmed go out again under their own ids, so that each is said once. */
export function restoreWritten() {
  const { user, words } = outbox.read();
  if (user && user !== desk.me.id) drafts.write({});
  else if (!unsent.size) for (const [id, word] of Object.entries(words)) unsent.set(id, word);
  keepUnsent();
  for (const id of unsent.keys()) sendUnsent(id);
}

export function forgetWritten() {
  unsent.clear();
  drafts.write({});
  outbox.write({ user: 0, words: {} });
}

export async function sendUnsent(clientId) {
  const word = unsent.get(clientId);
  word.error = "";
  const cards = word.cards.map(({ kind, id }) => ({ kind, id }));
  try {
    await desk.connection.ask(word.type, { id: word.handoff, text: word.text, cards }, clientId);
    word.stored = true;
  } catch (refusal) {
    if (!(refusal instanceof Refusal)) throw refusal;
    word.error = refusal.message;
    if (word.handoff === desk.current) announce(`${W.notSent} ${refusal.message}`);
    else trouble(`${W.notSent} ${refusal.message} “${word.text}”`);
  }
  keepUnsent();
  showUnsent();
}

/** @param {Line[]} lines */
export function forgetSent(lines) {
  for (const { client_id } of lines) unsent.delete(client_id);
  keepUnsent();
}

export function showUnsent() {
  for (const node of $("log").querySelectorAll(".unsent")) node.remove();
  for (const [clientId, word] of unsent) {
    if (word.handoff !== desk.current) {
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
