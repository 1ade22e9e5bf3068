/** Products and orders, in lines, replies and search results. */

import { day, el, fill, money, safeUrl, W } from "./page.js";

/** @param {Card} card */
export function cardItem({ kind, data }) {
  if (kind === "product") {
    const url = safeUrl(data.url);
    const title = url ? el("a", { href: url, target: "_blank", rel: "noopener" }, data.title) : data.title;
    const cover = safeUrl(data.cover_url);
    return el(
      "div", { class: "card" },
      cover && el("img", { src: cover, alt: "", width: 44, height: 66, loading: "lazy" }),
      el(
        "div", {},
        el("p", { class: "card-title" }, title),
        el("p", { class: "soft" }, data.price ? money(data.price) : W.noPrice, " · ", el("span", { class: `stock ${data.availability}` }, W.availability[data.availability])),
      ),
    );
  }
  if (kind === "order") {
    const dates = [data.placed_at && fill(W.placed, { date: day.format(new Date(data.placed_at)) }), data.eta && fill(W.eta, { date: day.format(new Date(data.eta)) })];
    return el(
      "div", { class: "card" },
      el(
        "div", {},
        el("p", { class: "card-title" }, `${fill(W.order, data)} · ${W.orderStatus[data.status] ?? data.status}`),
        el("p", { class: "soft" }, dates.filter(Boolean).join(" · "), data.tracking && ` · ${[data.carrier, data.tracking].filter(Boolean).join(" ")}`),
        el("p", { class: "soft" }, data.lines.map(({ title, quantity }) => `${title} ×${quantity}`).join(", ")),
      ),
    );
  }
  return el("div", { class: "card" }, el("p", { class: "card-title" }, data.title));
}
