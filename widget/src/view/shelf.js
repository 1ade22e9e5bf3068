import { fill } from "../strings/index.js";
import { drawCard } from "./cards.js";
import { el, iconButton } from "./dom.js";

/**
 * @typedef {import("../types.js").Card} Card
 * @typedef {import("../types.js").Chat} Chat
 */

/**
 * Cards below each other; several titles side by side, scrolled by touch, wheel, keys or the two arrows.
 * @param {Card[]} cards
 * @param {Chat} chat
 */
export function drawShelf(cards, chat) {
  const { text, locale } = chat;
  const drawn = cards.map((card) => drawCard(card, chat)).filter((card) => card !== null);
  if (!drawn.length) return null;
  const tiles = drawn.length > 1 && cards.every(({ kind }) => kind === cards[0].kind && ["product", "series"].includes(kind));
  const row = el("ul", { class: tiles ? "shelf tiles" : "shelf", "aria-label": text.titles }, drawn.map((card) => el("li", {}, card)));
  const asOf = cards.map(({ data }) => data?.price?.as_of ?? data?.stock_as_of).filter(Boolean).sort().pop();
  const head = el("div", { class: "shelf-head" }, el("p", { class: "as-of" }, asOf && fill(text.asOf, { time: locale.moment(asOf) })));
  const box = el("div", { class: "shelf-box" }, (asOf || tiles) && head, row);
  if (tiles) head.append(turns(row, box, chat));
  return box;
}

/**
 * @param {HTMLElement} row
 * @param {HTMLElement} box
 * @param {Chat} chat
 */
function turns(row, box, { text }) {
  const leftwards = () => getComputedStyle(row).direction === "rtl";
  /** @param {number} way 1: on; -1: back */
  const turn = (way) => () => row.scrollBy({ left: (leftwards() ? -way : way) * row.clientWidth * 0.8 });
  const back = iconButton("left", text.previous, turn(-1));
  const on = iconButton("left", text.next, turn(1), "turned");
  const refresh = () => {
    const more = row.scrollWidth - row.clientWidth;
    back.disabled = Math.abs(row.scrollLeft) < 4;
    on.disabled = Math.abs(row.scrollLeft) > more - 4;
    box.classList.toggle("scrolls", more > 4);
    box.classList.toggle("leftwards", leftwards());
  };
  row.addEventListener("scroll", refresh, { passive: true });
  new ResizeObserver(refresh).observe(row);
  return el("div", { class: "turns" }, back, on);
}
