"""Collects what an answer needs, concurrently, each step cut at its limit: the answer then goes on without it."""

from __future__ import annotations

from collections.abc import Iterator

from chat.dialogue import Request, age_limit, price_limit
from chat.evidence import Evidence
from chat.gathering.deeds import for_deed
from chat.gathering.desk import for_complaint, for_orders, for_page, for_question
from chat.gathering.promotions import for_promotions
from chat.gathering.skills import for_comparison, for_finish, for_reading_order
from chat.gathering.titles import for_next_volume, for_title
from chat.gathering.wishes import for_recommendation, for_search, for_unknown_title
from chat.gathering.work import Gathering
from chat.tokens import Shopper
from chat.trace import Trace
from shop.models import ages_up_to

__all__ = ["gather"]


async def gather(request: Request, shopper: Shopper, trace: Trace, *, promotions: bool = True) -> Evidence:
    """The evidence of one answer. Never raises for a dependency: see ``Evidence.failed``. ``promotions``: whether they
    are spoken of."""
    work = Gathering(request, shopper, trace, promotions=promotions)
    match request.intent:
        case "recommend":
            evidence = await for_recommendation(work)
        case "search":
            evidence = await for_search(work)
        case "unknown_title":
            evidence = await for_unknown_title(work)
        case "series_facts" | "product_facts" | "price" | "availability":
            evidence = await for_title(work)
        case "next_volume":
            evidence = await for_next_volume(work)
        case "promotions":
            evidence = await for_promotions(work)
        case "deed":
            evidence = await for_deed(work)
        case "order_status":
            evidence = await for_orders(work)
        case "budget":
            evidence = await for_finish(work)
        case "compare":
            evidence = await for_comparison(work)
        case "reading_order":
            evidence = await for_reading_order(work)
        case "complaint":
            evidence = await for_complaint(work)
        case "faq" | "account":
            evidence = await for_question(work)
        case "greeting":
            evidence = await for_page(work)
        case _:
            evidence = Evidence()
    said = {"book": price_limit(request.state), "series": price_limit(request.state, of_series=True)}
    evidence.limits = {name: limit for name, limit in said.items() if limit is not None}
    evidence.withheld = frozenset(_above_age(request, evidence))
    evidence.failed = frozenset(work.failed)
    return evidence


def _above_age(request: Request, evidence: Evidence) -> Iterator[str]:
    """What may not be given to a reader of the age that was told, however it came into this answer."""
    if request.state.age is None:
        return
    allowed = ages_up_to(age_limit(request.state))
    yield from (series.id for series in evidence.series.values() if series.age_rating not in allowed)
    for product in evidence.products.values():
        series = evidence.series.get(product.series_id)
        if product.age_rating not in allowed or (series is not None and series.age_rating not in allowed):
            yield product.asin
