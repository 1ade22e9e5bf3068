import { fill } from "../strings/index.js";
import { el } from "./dom.js";
import { link, safeUrl, said } from "./words.js";

/**
 * @typedef {import("../types.js").Card} Card
 * @typedef {import("../types.js").Chat} Chat
 */

/** @type {Record<string, (card: Card, data: any, chat: Chat) => HTMLElement>} */
const KINDS = { product, series, order, promotion };

/**
 * A card of contract section 3; null for a kind that this version does not know.
 * @param {Card} card
 * @param {Chat} chat
 */
export function drawCard(card, chat) {
  return Object.hasOwn(KINDS, card.kind) && card.data ? KINDS[card.kind](card, card.data, chat) : null;
}

/**
 * The way to a product or series; the page may take the shopper there itself.
 * @param {Card} card
 * @param {Record<string, any>} attributes
 * @param {Chat} chat
 * @param {import("./dom.js").Child} child
 */
function way(card, attributes, chat, child) {
  const { asin, id, url } = card.data;
  const detail = { kind: card.kind, asin, series: asin ? undefined : id, url, card_id: card.card_id, message_id: card.message_id };
  const onclick = (/** @type {Event} */ event) => chat.tell("product-click", detail) || event.preventDefault();
  return link(url, chat.base, { ...attributes, onclick }, child);
}

/**
 * @param {Card} card
 * @param {string} name
 * @param {Chat} chat
 */
function cover(card, name, chat) {
  const { data } = card;
  const frame = el("div", { class: "cover", "data-name": name });
  const src = data.cover_url ? safeUrl(data.cover_url, chat.base) : "";
  if (src) {
    const image = el("img", { src, alt: "", loading: "lazy", decoding: "async", onerror: () => image.remove() });
    frame.append(image);
  }
  return way(card, { class: "card-cover", tabindex: "-1", "aria-hidden": "true" }, chat, frame);
}

/**
 * @param {Card} card
 * @param {any} data
 * @param {Chat} chat
 */
function product(card, data, chat) {
  const { text } = chat;
  const title = data.title || data.series || data.asin;
  return el(
    "article", { class: "card product", "data-asin": data.asin },
    cover(card, title, chat),
    el(
      "div", { class: "card-body" },
      el("h3", { class: "card-title" }, way(card, {}, chat, title)),
      el("p", { class: "card-meta" }, facts(data, chat)),
      rating(data, chat),
      price(data, chat),
      el("p", { class: `badge ${data.availability}` }, said(text.availability, data.availability) || text.availability.unknown),
      data.reason && el("p", { class: "card-reason" }, data.reason),
      cartButton(card, data, title, chat),
    ),
  );
}

/**
 * @param {any} data
 * @param {Chat} chat
 */
function facts(data, { text, locale }) {
  const volumes = Array.isArray(data.volumes) ? data.volumes : [];
  const many = volumes.length > 1 && fill(text.volumes, { first: volumes[0], last: volumes[volumes.length - 1] });
  const told = data.title?.match(/\d+/g)?.includes(String(data.volume));
  const one = data.volume && !told && fill(text.volume, { volume: data.volume });
  return [
    many || one,
    said(text.format, data.format) || data.format,
    data.language && locale.language(data.language),
    said(text.age, data.age_rating),
  ].filter(Boolean).join(" · ");
}

/**
 * @param {any} data
 * @param {Chat} chat
 */
function rating({ rating: value, rating_count: count }, { text, locale }) {
  if (typeof value !== "number" || value <= 0) return null;
  const words = [fill(text.rating, { rating: locale.number(value, 1) })];
  if (count) words.push(fill(text.ratings, { count: locale.number(count) }));
  const stars = el("span", { class: "stars", "aria-hidden": "true" });
  stars.style.setProperty("--filled", `${Math.min(100, value * 20)}%`);
  return el(
    "p", { class: "rating" },
    stars,
    el("span", { "aria-hidden": "true" }, locale.number(value, 1)),
    el("span", { class: "unseen" }, words.join(", ")),
  );
}

/**
 * @param {any} data
 * @param {Chat} chat
 */
function price(data, { text, locale }) {
  if (!data.price) return el("p", { class: "price none" }, text.noPrice);
  return el(
    "p", { class: "price" },
    el("strong", {}, locale.money(data.price)),
    data.list_price && el("s", {}, el("span", { class: "unseen" }, `${text.was} `), locale.money(data.list_price)),
  );
}

/**
 * @param {Card} card
 * @param {any} data
 * @param {string} title
 * @param {Chat} chat
 */
function cartButton(card, data, title, chat) {
  if (data.availability === "out_of_stock") return null;
  const words = data.availability === "pre_order" ? chat.text.preOrder : chat.text.addToCart;
  const button = el("button", { class: "cart", disabled: !card.message_id, "aria-label": `${words}: ${title}`,
    onclick: () => chat.addToCart(card, button),
  }, words);
  return button;
}

/**
 * @param {Card} card
 * @param {any} data
 * @param {Chat} chat
 */
function series(card, data, chat) {
  const { text } = chat;
  const known = [
    (data.authors ?? []).join(", "),
    data.volume_count && fill(text.volumeCount, { count: data.volume_count }),
    data.status_text,
    said(text.age, data.age_rating),
  ];
  return el(
    "article", { class: "card series" },
    cover(card, data.title, chat),
    el(
      "div", { class: "card-body" },
      el("h3", { class: "card-title" }, way(card, {}, chat, data.title)),
      data.native_title && data.native_title !== data.title && el("p", { class: "native", lang: "ja" }, data.native_title),
      el("p", { class: "card-meta" }, known.filter(Boolean).join(" · ")),
      data.url && way(card, { class: "cart quiet" }, chat, text.openSeries),
    ),
  );
}

/**
 * @param {Card} _card
 * @param {any} data
 * @param {Chat} chat
 */
function order(_card, data, { text, locale }) {
  const dates = [
    data.placed_at && fill(text.placed, { date: locale.day(data.placed_at) }),
    data.eta && fill(text.eta, { date: locale.day(data.eta) }),
  ];
  const parcel = [data.carrier, data.tracking].filter(Boolean).join(" ");
  return el(
    "article", { class: "card order" },
    el(
      "div", { class: "card-body" },
      el("h3", { class: "card-title" }, fill(text.order, { id: data.id })),
      el("p", { class: `badge order-${data.status}` }, data.status_text ?? data.status),
      timeline(data.status, text),
      el("p", { class: "card-meta" }, dates.filter(Boolean).join(" · ")),
      el("ul", { class: "lines" }, (data.lines ?? []).map((/** @type {any} */ line) =>
        el("li", {}, el("span", {}, line.title || line.asin), el("span", {}, fill(text.quantity, { count: line.quantity }))))),
      data.tracking && el("p", { class: "card-meta" }, `${text.tracking}: ${parcel}`),
    ),
  );
}

/**
 * How far a parcel has come; nothing for an order that is not on this way.
 * @param {unknown} status
 * @param {Chat["text"]} text
 */
function timeline(status, { steps, progress }) {
  const names = Object.entries(steps);
  const reached = names.findIndex(([name]) => name === status);
  return reached >= 0 && el("ol", { class: "timeline", "aria-label": progress }, names.map(([, words], place) =>
    el("li", { class: place <= reached && "reached", "aria-current": place === reached && "step" }, words)));
}

/**
 * @param {Card} _card
 * @param {any} data
 * @param {Chat} chat
 */
function promotion(_card, data, { text, locale, base }) {
  return el(
    "article", { class: "card promotion" },
    el("p", { class: "burst" }, fill(text.percentOff, { percent: data.percent_off })),
    el(
      "div", { class: "card-body" },
      el("h3", { class: "card-title" }, link(data.url, base, {}, data.title)),
      data.ends && el("p", { class: "card-meta" }, fill(text.until, { date: locale.day(data.ends) })),
    ),
  );
}
