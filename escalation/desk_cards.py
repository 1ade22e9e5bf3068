"""Products and orders on the desk: what an agent finds and sends, each read live at the moment it is shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from escalation.models import Handoff, HandoffLine
from shop.cards import product_card
from shop.facts import load_product_facts, load_series_facts
from shop.offers import OffersUnavailable, read_offers
from shop.orders import OrdersUnavailable, OrderView, find_order, orders_of
from shop.search import search_editions

FOUND_PRODUCTS = 12
FOUND_ORDERS = 20

Card = dict[str, Any]


class CardRefused(ValueError):
    """No such product, or an order that is not this customer's."""


def find_products(query: str, language: str) -> list[Card]:
    """Best first, and those in the shopper's language before others; nothing for an empty query."""
    asins = [hit.asin for hit in search_editions(query, reader=language, limit=FOUND_PRODUCTS)] if query else []
    shown = _products(asins)
    found = [shown[asin] for asin in asins if asin in shown]
    return sorted(found, key=lambda card: card["data"]["language"] != language)


def find_orders(customer_id: str, query: str) -> list[Card]:
    """The customer's own: the one of that number, however old, else of the newest by number or title.

    Raises :class:`OrdersUnavailable`.
    """
    wanted = query.strip().casefold()
    named = find_order(query.strip(), customer_id=customer_id) if wanted and customer_id else None
    if named is not None:
        return [_order(named)]
    return [
        _order(order)
        for order in orders_of(customer_id, FOUND_ORDERS)
        if wanted in order.id.casefold() or any(wanted in line.title.casefold() for line in order.lines)
    ]


def references(handoff: Handoff, cards: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    """What a line keeps of ``(kind, id)``. Raises :class:`CardRefused` and :class:`OrdersUnavailable`."""
    wanted = list(cards)
    products = load_product_facts([id for kind, id in wanted if kind == "product"])
    for kind, id in wanted:
        known = id in products if kind == "product" else find_order(id, customer_id=handoff.customer_id) is not None
        if not known:
            raise CardRefused(f"There is no {kind} {id} to show here.")
    return [{"card_id": f"{kind}-{id}", "kind": kind, "id": id, "reason": ""} for kind, id in wanted]


def cards_of_lines(handoff: Handoff, lines: Iterable[HandoffLine]) -> dict[tuple[str, str], Card]:
    """By (kind, id), with what is true now; what is gone or cannot be read is absent."""
    ids: dict[str, dict[str, None]] = {}
    for line in lines:
        for card in line.cards:
            ids.setdefault(str(card.get("kind")), {})[str(card.get("id"))] = None
    shown = {("product", asin): card for asin, card in _products(ids.get("product", ())).items()}
    for id, series in load_series_facts(ids.get("series", ())).items():
        shown["series", id] = {"kind": "series", "id": id, "data": {"title": series.title, "url": f"/series/{id}/"}}
    for id in ids.get("order", ()):
        try:
            order = find_order(id, customer_id=handoff.customer_id)
        except OrdersUnavailable:
            break
        if order is not None:
            shown["order", id] = _order(order)
    return shown


def involved_cards(handoff: Handoff) -> dict[str, list[Card]]:
    """Products and orders of the hand-over package as they are now; orders only of the handoff's own customer."""
    asins = [str(asin) for asin in handoff.package.get("products", ())]
    shown = _products(asins)
    orders: list[Card] = []
    try:
        for id in handoff.package.get("orders", ()) if handoff.customer_id else ():
            order = find_order(str(id), customer_id=handoff.customer_id)
            if order is not None:
                orders.append(_order(order))
    except OrdersUnavailable:
        # Their numbers stand in the summary; the search for orders says that it does not answer.
        orders = []
    return {"products": [shown[asin] for asin in asins if asin in shown], "orders": orders}


def _products(asins: Iterable[str]) -> Mapping[str, Card]:
    facts = load_product_facts(asins)
    try:
        offers = read_offers(list(facts))
    except OffersUnavailable:
        offers = {}
    return {
        asin: {"kind": "product", "id": asin, "data": product_card(each, offers.get(asin))}
        for asin, each in facts.items()
    }


def _order(order: OrderView) -> Card:
    data = {
        "id": order.id,
        "status": order.status,
        "placed_at": order.placed_at.isoformat(),
        "eta": order.eta.isoformat() if order.eta else None,
        "carrier": order.carrier,
        "tracking": order.tracking,
        "lines": [{"asin": line.asin, "title": line.title, "quantity": line.quantity} for line in order.lines],
    }
    return {"kind": "order", "id": order.id, "data": data}
