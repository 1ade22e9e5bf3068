/**
 * The desk: agents talk with shoppers. Frames: docs/escalation.md, "The desk".
 *
 * What is shown comes from the server only: a click asks, `state`, `changed` and `lines` tell what became of it. Every
 * verb may be repeated, so that whatever was not answered is asked again after a lost connection. Everything is built
 * with createElement and textContent: the page forbids markup from text.
 */

import { closeIt, giveIt, showSettings, takeIt } from "./actions.js";
import { fieldKey, hideReady, send, setMode, stopTyping, typed } from "./composer.js";
import { Connection } from "./connection.js";
import { find, findLater, showTab, TABS } from "./find.js";
import { showAgents, showLists, tick, walk } from "./lists.js";
import { atEnd, chime, doing, showTyping, toEnd, trouble } from "./log.js";
import { $, announce, fill, W } from "./page.js";
import { customer, desk, forgetDrafts, go, isMine, markSeen, rows, settings, typingUntil } from "./state.js";
import { addLines, arriveAt, changedHere, look, open, showTalk } from "./talk.js";
import { forgetWritten, restoreWritten } from "./unsent.js";

const HANDLERS = {
  state(frame) {
    const isFirst = !desk.me.id;
    desk.me = frame.me;
    desk.agents = frame.agents;
    rows.clear();
    for (const row of frame.handoffs) rows.set(row.id, row);
    if (isFirst) restoreWritten();
    forgetDrafts();
    showAgents();
    showLists();
    if (desk.current) look();
    else arriveAt();
  },
  changed({ handoffs, gone }) {
    for (const row of handoffs) {
      const before = rows.get(row.id);
      rows.set(row.id, row);
      if (!before && row.status === "queued") {
        announce(fill(W.newInQueue, { who: customer(row) }));
        chime();
      } else if (isMine(row) && before && row.said_id > before.said_id && (row.id !== desk.current || document.hidden)) {
        chime();
        if (row.id !== desk.current) announce(fill(W.saysNow, { who: customer(row), text: row.said }));
      }
    }
    for (const { id, status, agent_name } of gone) {
      const row = rows.get(id);
      rows.delete(id);
      if (id !== desk.current || !row) continue;
      desk.currentRow = { ...row, status, agent_name, agent_id: null };
      trouble(status === "agent" ? fill(W.takenBy, { name: agent_name }) : status === "queued" ? W.waitsAgain : W.isOver);
    }
    if (rows.has(desk.current) || gone.some(({ id }) => id === desk.current)) changedHere();
    markSeen();
    showLists();
  },
  agents(frame) {
    desk.agents = frame.agents;
    showAgents();
  },
  lines({ id, lines }) {
    if (id !== desk.current || !desk.conversation) return;
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

function connectionState(state) {
  $("connection").dataset.state = state;
  $("connection").textContent = { connecting: W.connecting, connected: W.connected, lost: W.lost, forbidden: W.refused.forbidden }[state];
}

const KEYS = {
  j: () => walk(1),
  k: () => walk(-1),
  t: () => {
    const id = document.activeElement?.closest?.(".row")?.dataset.id ?? desk.current;
    if (rows.get(id)?.status === "queued") takeIt(id);
  },
  r: () => desk.current && setMode("reply"),
  n: () => desk.current && setMode("note"),
  c: () => !$("actions").hidden && !$("close").hidden && closeIt(),
  "/": () => {
    if (!desk.current) return;
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
    document.querySelector(`.row[data-id="${desk.current}"]`)?.focus();
  }
}

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

$("lists").addEventListener("click", ({ target }) => {
  const row = target.closest(".row");
  if (row) open(row.dataset.id);
});
$("to-about").addEventListener("click", () => go("about"));

$("take").addEventListener("click", () => takeIt(desk.current));

$("assign")?.addEventListener("click", () => giveIt("assign"));

$("transfer").addEventListener("click", () => giveIt("transfer"));

$("return").addEventListener("click", () => doing($("return"), () => desk.connection.ask("return", { id: desk.current })));

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
  if (!event.isComposing) findLater();
});

$("jump").addEventListener("click", toEnd);

$("scroll").addEventListener("scroll", () => {
  if (atEnd()) $("jump").hidden = true;
});

$("presence").addEventListener("submit", (event) => event.preventDefault());

$("presence").addEventListener("change", (event) => {
  const { status, capacity } = $("presence").elements;
  if (!$("presence").reportValidity()) return;
  doing(null, () => desk.connection.ask("presence", event.target === status ? { status: status.value } : { capacity: Number(capacity.value) }));
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

showTalk();

desk.connection = new Connection({ onframe: (frame) => HANDLERS[frame.type]?.(frame), onstate: connectionState });
showTalk();
