/** What is written: replies with cards and ready answers, notes, e-mails. */

import { cardItem } from "./cards.js";
import { toEnd } from "./log.js";
import { $, announce, el, fill, newId, W } from "./page.js";
import { desk, draftOf, go, isMine, keepDraft, mayNote, settings, unsent } from "./state.js";
import { keepUnsent, sendUnsent, showUnsent } from "./unsent.js";

/** By what is written: its field in a draft, the frame that sends it, how long it may be. */
const MODES = {
  reply: { field: "text", type: "say", longest: 4000 },
  note: { field: "note", type: "note", longest: 4000 },
  email: { field: "email", type: "email", longest: 10_000 },
};

/** Without an address there is no mail to write. */
function modeOf(id) {
  const { mode } = draftOf(id);
  return mode === "email" && id === desk.current && !desk.currentRow?.email ? "reply" : mode;
}

export function showComposer() {
  const box = $("text");
  const row = desk.currentRow;
  const draft = draftOf(desk.current);
  const mode = modeOf(desk.current);
  const replying = mode === "reply";
  const address = row?.email ?? "";
  $("mode-email").hidden = !address;
  for (const each of Object.keys(MODES)) $(`mode-${each}`).setAttribute("aria-pressed", String(each === mode));
  box.setAttribute("aria-label", { reply: W.replyTo, note: W.noteFor, email: fill(W.mailTo, { email: address }) }[mode]);
  box.placeholder = { reply: W.replyHint, note: W.noteHint, email: fill(W.mailHint, { email: address }) }[mode];
  $("composer").classList.toggle("as-note", mode === "note");
  const written = draft[MODES[mode].field] ?? "";
  if (box.value !== written) box.value = written;
  // What is said while the take is under way goes out behind it.
  const may = mode === "note" ? mayNote(row) : isMine(row) || desk.taking === desk.current;
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
  const row = desk.currentRow;
  const mode = modeOf(desk.current);
  const over = [...$("text").value].length - MODES[mode].longest;
  const replying = mode !== "note";
  let text = "";
  if (over > 0) text = fill(W.tooLong, { over });
  else if (replying && row?.status === "queued" && desk.taking !== row.id) text = W.takeFirst;
  else if (replying && row?.status === "agent" && !isMine(row)) text = fill(W.notYours, { name: row.agent_name });
  else if (mode === "email") text = fill(W.mailHint, { email: row.email });
  $("hint").textContent = text;
  $("text").toggleAttribute("aria-invalid", over > 0);
}

function size() {
  const box = $("text");
  box.rows = Math.min(8, Math.max(2, box.value.split("\n").length));
}

export function setMode(mode) {
  if (!desk.current) return;
  keepDraft(desk.current, { mode });
  hideReady();
  showComposer();
  $("text").focus();
}

let typedAt = 0;

export function typed() {
  const mode = modeOf(desk.current);
  keepDraft(desk.current, { [MODES[mode].field]: $("text").value });
  hint();
  size();
  showReady();
  if (mode === "reply" && isMine(desk.currentRow) && Date.now() - typedAt > 3000) {
    typedAt = Date.now();
    desk.connection.tell("types", { id: desk.current, active: true });
  }
  clearTimeout(typed.pause);
  typed.pause = setTimeout(stopTyping, 4000);
}

export function stopTyping() {
  if (!typedAt) return;
  typedAt = 0;
  if (desk.current) desk.connection.tell("types", { id: desk.current, active: false });
}

export function send() {
  const { cards } = draftOf(desk.current);
  const mode = modeOf(desk.current);
  const { field, type, longest } = MODES[mode];
  const text = $("text").value.trim();
  const replying = mode === "reply";
  if (!(text || (replying && cards.length)) || [...text].length > longest || $("send").disabled) return;
  typedAt = 0;
  unsent.set(newId(), { handoff: desk.current, type, text, cards: replying ? cards : [] });
  keepDraft(desk.current, replying ? { text: "", cards: [] } : { [field]: "" });
  showComposer();
  keepUnsent();
  sendUnsent([...unsent.keys()].pop());
  showUnsent();
  toEnd();
}

let ready = [];

let readyAt = 0;

function showReady() {
  const asked = modeOf(desk.current) === "reply" ? /^\/([\w-]*)$/.exec($("text").value) : null;
  ready = asked ? (desk.conversation?.canned ?? []).filter(({ shortcut }) => shortcut.startsWith(asked[1].toLowerCase())) : [];
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

export function hideReady() {
  ready = [];
  $("ready").hidden = true;
  $("ready").replaceChildren();
  $("text").removeAttribute("aria-activedescendant");
}

function pick(at) {
  const { text } = ready[at];
  hideReady();
  keepDraft(desk.current, { text });
  showComposer();
  $("text").focus();
}

/** Keys in the field. Enter that settles a conversion (Japanese input) is none of ours. */
export function fieldKey(event) {
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

export function attach(card) {
  if (!desk.current) return;
  const { cards } = draftOf(desk.current);
  if (!cards.some(({ kind, id }) => kind === card.kind && id === card.id) && cards.length < 10) keepDraft(desk.current, { cards: [...cards, card] });
  keepDraft(desk.current, { mode: "reply" });
  showComposer();
  announce(W.attached);
  go("talk");
  if (!matchMedia("(pointer: coarse)").matches) $("text").focus();
}

function detach(card) {
  keepDraft(desk.current, { cards: draftOf(desk.current).cards.filter(({ kind, id }) => kind !== card.kind || id !== card.id) });
  showComposer();
  $("text").focus();
}
