/** The open conversation: where the page is (#, #<id>, #<id>/about, so that the browser's own "back" works), its head and its lines. */

import { showComposer } from "./composer.js";
import { Refusal } from "./connection.js";
import { showLists } from "./lists.js";
import { atEnd, lineItem, showTyping, toEnd, trouble } from "./log.js";
import { showPackage } from "./package.js";
import { $, announce, el, fill, W } from "./page.js";
import { customer, desk, isMine, markSeen, mayNote, rows, typingUntil } from "./state.js";
import { forgetSent, showUnsent } from "./unsent.js";

export function open(id, { write = false } = {}) {
  desk.wantsToWrite = write;
  if (desk.current === id && desk.conversation) {
    location.hash = id;
    focusTalk();
  } else if (location.hash === `#${id}`) arriveAt();
  else location.hash = id;
}

export function arriveAt() {
  const [id, pane] = location.hash.slice(1).split("/");
  const wide = matchMedia("(min-width: 64rem)").matches;
  $("panes").dataset.shown = !id ? "queue" : pane === "about" ? "about" : "talk";
  if (!id) {
    if (!wide && desk.current) document.querySelector(`.row[data-id="${desk.current}"]`)?.focus();
    return;
  }
  if (id !== desk.current) {
    desk.current = id;
    desk.currentRow = rows.get(id) ?? null;
    desk.conversation = null;
    trouble("");
    showTalk();
    showLists();
    look({ arriving: true });
  } else if (pane === "about") $("tab-package").focus();
  else focusTalk();
}

function focusTalk() {
  const phone = matchMedia("(pointer: coarse)").matches;
  if (!$("composer").hidden && (desk.wantsToWrite || !phone)) $("text").focus();
  else $("talk-title").focus();
}

export async function look({ arriving = false } = {}) {
  const id = desk.current;
  try {
    const { conversation: found } = await desk.connection.ask("look", { id });
    if (id !== desk.current) return;
    desk.conversation = found;
    desk.currentRow = rows.get(id) ?? desk.currentRow;
    forgetSent(found.lines);
    markSeen();
    showTalk();
    showLists();
    showPackage();
    toEnd();
    if (arriving) focusTalk();
  } catch (refusal) {
    if (!(refusal instanceof Refusal) || id !== desk.current || refusal.code === "lost") return;
    leave();
    trouble(refusal.message);
  }
}

/** Its summary was written meanwhile. The log stays, but for lines that have come with the answer. */
async function readAgain() {
  const id = desk.current;
  try {
    const { conversation: found } = await desk.connection.ask("look", { id });
    if (id !== desk.current || !desk.conversation) return;
    desk.conversation.package = found.package;
    addLines(found.lines);
    showPackage();
  } catch (refusal) {
    // Whoever opens it anew reads the summary.
    if (!(refusal instanceof Refusal)) throw refusal;
  }
}

/** Nothing is open. */
function leave() {
  desk.current = "";
  desk.currentRow = desk.conversation = null;
  location.hash = "";
  showTalk();
  showPackage();
  showLists();
}

/** All of the middle pane. */
export function showTalk() {
  $("log").replaceChildren(...(desk.conversation ? desk.conversation.lines.map(lineItem) : []));
  showUnsent();
  showHead();
}

/** Who it is, how it stands, what may be done. */
function showHead() {
  const row = rows.get(desk.current) ?? desk.currentRow;
  desk.currentRow = row;
  const shown = Boolean(desk.current && row);
  $("talk-title").textContent = shown ? customer(row) : $("talk-title").dataset.none;
  $("talk-state").replaceChildren(...(shown ? stateOf(row) : []));
  $("empty").hidden = Boolean(desk.current);
  const mine = isMine(row);
  const over = !row || !["queued", "agent"].includes(row.status) || !rows.has(desk.current);
  $("actions").hidden = over;
  $("to-about").hidden = !desk.current;
  show("take", row?.status === "queued");
  show("assign", row?.status === "queued");
  show("transfer", row?.status === "agent" && (mine || desk.me.lead));
  show("return", row?.status === "agent" && (mine || desk.me.lead));
  show("close", mine || row?.status === "queued" || desk.me.lead);
  $("composer").hidden = !desk.conversation || (over && !mayNote(row));
  showComposer();
  showTyping();
}

function show(id, visible) {
  const node = $(id);
  if (!node) return;
  if (!visible && node === document.activeElement) $("talk-title").focus();
  node.hidden = !visible;
}

/** @param {Row} row */
function stateOf(row) {
  const told = [W.triggers[row.trigger], W.languages[row.language] ?? row.language];
  if (row.status === "queued") return [told.join(" · "), " · ", el("span", { "data-since": row.opened_at, "data-words": W.waits })];
  if (row.status === "agent") return [fill(W.with, { name: row.agent_name }), " · ", el("span", { "data-since": row.taken_at, "data-words": W.talks })];
  const closed = fill(W.closedWith, { reason: W.closeReasons[row.close_reason] ?? "" });
  return [`${closed} · ${row.csat ? fill(W.rated, row) : row.taken_at ? W.notRated : ""}${row.csat_comment ? ` “${row.csat_comment}”` : ""}`];
}

export function addLines(lines) {
  const wasAtEnd = atEnd();
  const known = desk.conversation.lines.length;
  for (const line of lines) {
    if (desk.conversation.lines.some(({ id }) => id === line.id)) continue;
    const before = desk.conversation.lines.findIndex(({ id }) => id > line.id);
    const at = before < 0 ? desk.conversation.lines.length : before;
    const next = $("log").querySelector(`[data-line="${desk.conversation.lines[at]?.id}"]`) ?? $("log").querySelector(".unsent");
    desk.conversation.lines.splice(at, 0, line);
    $("log").insertBefore(lineItem(line), next);
    if (line.role === "shopper") {
      typingUntil.delete(desk.current);
      announce(fill(W.saysNow, { who: customer(desk.currentRow), text: line.text }));
    }
  }
  forgetSent(lines);
  showUnsent();
  showTyping();
  if (wasAtEnd) toEnd();
  else if (desk.conversation.lines.length > known) $("jump").hidden = false;
}

/** The open conversation's row is new: its head, its actions and what may be written follow; the log stays. */
export function changedHere() {
  const wasMine = isMine(desk.currentRow);
  const wasAtEnd = atEnd();
  showHead();
  if (wasAtEnd) toEnd();
  if (desk.currentRow?.written && desk.conversation && !desk.conversation.package.written) readAgain();
  if (!wasMine && isMine(desk.currentRow)) {
    desk.taking = "";
    showPackage();
    if (desk.wantsToWrite) focusTalk();
  }
}
