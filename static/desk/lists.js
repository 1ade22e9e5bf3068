/** Who talks with me, who waits, who is at work. */

import { $, age, el, fill, W } from "./page.js";
import { customer, desk, go, isMine, isUnread, rows } from "./state.js";

function sorted() {
  const all = [...rows.values()];
  const by = (key) => (a, b) => (a[key] < b[key] ? -1 : a[key] > b[key] ? 1 : a.id < b.id ? -1 : 1);
  return {
    mine: all.filter(isMine).sort(by("taken_at")),
    queue: all.filter((row) => row.status === "queued").sort((a, b) => b.priority - a.priority || by("opened_at")(a, b)),
    others: all.filter((row) => row.status === "agent" && row.agent_id !== desk.me.id).sort(by("taken_at")),
  };
}

export function showLists() {
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
  const as = JSON.stringify([row, isUnread(row), row.id === desk.current]);
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
        "aria-current": row.id === desk.current ? "true" : null,
      },
      el("span", { class: "row-who" }, customer(row), " ", isUnread(row) && el("span", { class: "dot", role: "img", "aria-label": W.unread })),
      el("span", { class: "row-age", "data-since": held ? row.taken_at : row.opened_at, "data-words": held ? W.talks : W.waits }),
      el("span", { class: "row-said" }, words),
      el("span", { class: "row-tags" }, tags, el("span", { class: "soft" }, held && row.agent_id !== desk.me.id ? fill(W.with, { name: row.agent_name }) : W.triggers[row.trigger])),
    ),
  );
}

export function tick() {
  for (const node of document.querySelectorAll("[data-since]")) {
    const text = fill(node.dataset.words, { age: age(node.dataset.since) });
    if (node.textContent !== text) node.textContent = text;
  }
}

export function showAgents() {
  const mine = desk.agents.find(({ id }) => id === desk.me.id);
  if (mine && !$("presence").contains(document.activeElement)) {
    $("presence").elements.status.value = mine.status;
    $("presence").elements.capacity.value = String(mine.capacity);
  }
  const here = desk.agents.filter(({ status }) => status !== "offline");
  $("agents").replaceChildren(...here.map((agent) => el(
    "li", { class: `colleague ${agent.status}` },
    el("span", {}, agent.name), el("span", { class: "soft" }, `${W.status[agent.status]} · ${fill(W.load, agent)}`),
  )));
}

/** Moves the focus `by` one up or down in what is listed. */
export function walk(by) {
  const all = [...document.querySelectorAll(".lists .row")];
  if (!all.length) return;
  const at = all.indexOf(document.activeElement?.closest(".row"));
  const from = at >= 0 ? at : all.findIndex((each) => each.dataset.id === desk.current);
  const next = from < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, from + by));
  go("queue");
  all[next].focus();
}
