"""Card data as the contract spells it. Price and availability come from a live read that the caller has just made."""

from __future__ import annotations

from typing import Any

from chat.phrases import name_of
from chat.understanding.types import Language
from shop.cards import product_card
from shop.facts import SeriesFacts
from shop.orders import OrderView
from shop.promotions import PromotionRule

__all__ = ["order_card", "product_card", "promotion_card", "series_card"]


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


def promotion_card(rule: PromotionRule, language: Language) -> dict[str, Any]:
    return {
        "id": rule.id,
        "title": rule.title_in(language),
        "percent_off": rule.percent_off,
        "starts": rule.starts.isoformat(),
        "ends": rule.ends.isoformat(),
        "category": rule.category,
        "series": list(rule.series),
        "asins": list(rule.asins),
    }
