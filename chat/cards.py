"""Card data as the contract spells it. Price and availability come from a live read that the caller has just made."""

from __future__ import annotations

from typing import Any

from chat.phrases import name_of
from chat.understanding.types import Language
from shop.facts import ProductFacts, SeriesFacts
from shop.offers import LiveOffer, Money
from shop.orders import OrderView
from shop.promotions import PromotionRule


def product_card(facts: ProductFacts, offer: LiveOffer | None, *, reason: str = "") -> dict[str, Any]:
    """``offer`` None: the live read failed or knows no such offer; then price is null and availability unknown."""
    data: dict[str, Any] = {
        "asin": facts.asin,
        "series": facts.series,
        "series_id": facts.series_id,
        "title": facts.title,
        "volume": facts.volume,
        "volumes": list(facts.volumes),
        "format": facts.format,
        "language": facts.language,
        "authors": list(facts.authors),
        "cover_url": facts.cover_url,
        "url": facts.url,
        "age_rating": facts.age_rating,
        "rating": facts.rating,
        "rating_count": facts.rating_count,
        "release_date": facts.release_date.isoformat() if facts.release_date else None,
        "price": None,
        "availability": "unknown",
        "stock_as_of": None,
    }
    if offer is not None:
        as_of = offer.read_at.isoformat()
        data["price"] = _money(offer.price, as_of) if offer.price else None
        data["availability"] = offer.availability
        data["stock_as_of"] = as_of
        if offer.list_price and offer.price and offer.list_price.amount > offer.price.amount:
            data["list_price"] = _money(offer.list_price, as_of)
    if reason:
        data["reason"] = reason
    return data


def _money(money: Money, as_of: str) -> dict[str, str]:
    return {"amount": str(money.amount), "currency": money.currency, "as_of": as_of}


def series_card(facts: SeriesFacts, language: Language) -> dict[str, Any]:
    return {
        "id": facts.id,
        "title": facts.native_title if language == "ja" else facts.title,
        "native_title": facts.native_title,
        "authors": list(facts.authors),
        "demographic": facts.demographic,
        "status": facts.status,
        "status_text": name_of(language, facts.status),
        "volume_count": facts.volume_count,
        "started": facts.started,
        "age_rating": facts.age_rating,
        "url": f"/series/{facts.id}/",
        "cover_url": f"/covers/series/{facts.id}.svg",
    }


def order_card(order: OrderView, language: Language) -> dict[str, Any]:
    return {
        "id": order.id,
        "status": order.status,
        "status_text": name_of(language, f"order.{order.status}"),
        "placed_at": order.placed_at.isoformat(),
        "eta": order.eta.isoformat() if order.eta else None,
        "carrier": order.carrier,
        "tracking": order.tracking,
        "lines": [{"asin": line.asin, "title": line.title, "quantity": line.quantity} for line in order.lines],
    }


def promotion_card(rule: PromotionRule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "title": rule.title,
        "percent_off": rule.percent_off,
        "starts": rule.starts.isoformat(),
        "ends": rule.ends.isoformat(),
        "category": rule.category,
        "series": list(rule.series),
        "asins": list(rule.asins),
    }
