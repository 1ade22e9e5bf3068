"""A product card's data as the contract spells it. Price and availability come from a live read just made."""

from __future__ import annotations

from typing import Any

from shop.facts import ProductFacts
from shop.offers import LiveOffer, Money


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
