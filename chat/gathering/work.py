"""One turn's collecting: every step has its limit, and what failed is remembered."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable
from typing import TypeVar

import structlog
from django.conf import settings

from chat.dialogue import Request
from chat.evidence import Evidence
from chat.tokens import Shopper
from chat.trace import Trace
from mangaassist.dbthreads import in_database
from mangaassist.redaction import redact
from shop.facts import ProductFacts, SeriesFacts, aproduct_facts, load_series_facts
from shop.offers import LiveOffer, OffersUnavailable, aread_offers
from shop.promotions import PromotionRule, aactive_promotions

log = structlog.get_logger(__name__)
T = TypeVar("T")

# More than a list shows, so that a price limit or the stock still leaves enough.
CANDIDATES = 12
BUYABLE = frozenset({"in_stock", "low_stock", "pre_order"})


class Gathering:
    """One turn's collecting. ``failed`` names the steps that did not come in time or broke."""

    def __init__(self, request: Request, shopper: Shopper, trace: Trace, *, promotions: bool = True) -> None:
        self.promotions = promotions
        self.request = request
        self.shopper = shopper
        self.trace = trace
        self.failed: set[str] = set()
        self.series: dict[str, SeriesFacts] = {}

    async def limited(self, step: str, work: Awaitable[T], otherwise: T) -> T:
        """``work`` within the step's limit (``settings.TURN_LIMITS_S``), else ``otherwise``."""
        limit = settings.TURN_LIMITS_S.get(step, settings.TURN_LIMITS_S["products"])
        try:
            with self.trace.step(step) as entry:
                entry["limit_ms"] = limit * 1000
                return await asyncio.wait_for(work, limit)
        except Exception as error:  # Any dependency's failure costs its part of the answer only.
            log.warning("turn_step_failed", step=step, error=type(error).__name__, detail=redact(str(error)[:200]))
            self.failed.add(step)
            return otherwise

    async def products(self, asins: Iterable[str]) -> dict[str, ProductFacts]:
        wanted = tuple(dict.fromkeys(asin for asin in asins if asin))
        return await self.limited("products", aproduct_facts(wanted), {}) if wanted else {}

    async def offers(self, asins: Iterable[str]) -> dict[str, LiveOffer]:
        """For ranking and filtering only; what is shown is read again at release."""
        wanted = tuple(dict.fromkeys(asins))
        limit = settings.TURN_LIMITS_S["products"]
        if not wanted:
            return {}
        try:
            with self.trace.step("offers_to_rank") as entry:
                entry |= {"limit_ms": limit * 1000, "asins": len(wanted)}
                return await asyncio.wait_for(aread_offers(wanted), limit)
        except (OffersUnavailable, TimeoutError):
            self.failed.add("offers")
            return {}


async def series_facts_of(work: Gathering, ids: Iterable[str]) -> dict[str, SeriesFacts]:
    """Each is read once in a turn: the title that was asked for, and the editions of it, are mostly of one series."""
    wanted = tuple(dict.fromkeys(id for id in ids if id))
    if unread := [id for id in wanted if id not in work.series]:
        work.series |= await work.limited("series", in_database(load_series_facts, unread), {})
    return {id: work.series[id] for id in wanted if id in work.series}


async def with_facts(work: Gathering, evidence: Evidence, asins: Iterable[str], series: Iterable[str]) -> Evidence:
    """Adds the facts of editions and of their series."""
    evidence.products |= await work.products(asins)
    of_products = (product.series_id for product in evidence.products.values())
    evidence.series |= await series_facts_of(work, (*series, *of_products))
    return evidence


async def running_promotions(work: Gathering) -> tuple[PromotionRule, ...]:
    return tuple(await work.limited("promotions", aactive_promotions(), [])) if work.promotions else ()
