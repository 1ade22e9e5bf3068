/** Finding products and orders to send. */

import { cardItem } from "./cards.js";
import { attach } from "./composer.js";
import { Refusal } from "./connection.js";
import { $, clock, el, fill, W } from "./page.js";
import { desk } from "./state.js";

export const TABS = ["package", "products", "orders"];

export let tab = "package";

let finding = 0;
let pause = 0;

/** Once nothing is typed for a moment. */
export function findLater() {
  clearTimeout(pause);
  $("found").setAttribute("aria-busy", "true");
  pause = setTimeout(find, 300);
}

export function showTab(name, { focus = true } = {}) {
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

export async function find() {
  clearTimeout(pause);
  const asked = ++finding;
  const query = $("query").value.trim();
  $("found-note").textContent = "";
  if (!desk.current || (tab === "products" && query.length < 2)) return showFound([]);
  if (tab === "orders" && !desk.currentRow?.customer_id) {
    showFound([]);
    $("found-note").textContent = W.guestOrders;
    return;
  }
  try {
    const { found } = await desk.connection.ask("find", { id: desk.current, what: tab, query });
    if (asked !== finding) return;
    showFound(found);
    const as_of = found.map(({ data }) => data.stock_as_of).find(Boolean);
    $("found-note").textContent = [fill(found.length ? W.foundCount : W.nothingFound, { count: found.length }), as_of && fill(W.readAt, { time: clock.format(new Date(as_of)) })].filter(Boolean).join(" · ");
  } catch (refusal) {
    if (!(refusal instanceof Refusal)) throw refusal;
    if (asked !== finding) return;
    $("found-note").textContent = refusal.message;
    $("found").setAttribute("aria-busy", "false");
  }
}

/** @param {Card[]} found */
function showFound(found) {
  const focused = document.activeElement?.closest("#found [data-card]")?.dataset.card;
  $("found").replaceChildren(...found.map((card) => el(
    "li", {}, cardItem(card),
    el(
      "button",
      {
        type: "button", class: "quiet", "data-card": `${card.kind} ${card.id}`,
        "aria-label": `${W.attach}: ${card.data.title ?? fill(W.order, card.data)}`, onclick: () => attach(card),
      },
      W.add,
    ),
  )));
  $("found").setAttribute("aria-busy", "false");
  // Who has gone into the list while more was found stays there.
  if (focused) ([...$("found").querySelectorAll("[data-card]")].find(({ dataset }) => dataset.card === focused) ?? $("query")).focus();
}
