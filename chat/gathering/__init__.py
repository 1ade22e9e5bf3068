"""Collects what an answer needs, concurrently, each step cut at its limit: the answer then goes on without it."""

from __future__ import annotations

from chat.dialogue import Request, price_limit
from chat.evidence import Evidence
from chat.gathering.desk import for_complaint, for_orders, for_page, for_promotions, for_question
from chat.gathering.skills import for_comparison, for_finish, for_reading_order
from chat.gathering.titles import for_next_volume, for_title
from chat.gathering.wishes import for_recommendation, for_search
from chat.gathering.work import Gathering
from chat.tokens import Shopper
from chat.trace import Trace

__all__ = ["gather"]


async def gather(request: Request, shopper: Shopper, trace: Trace) -> Evidence:
    """The evidence of one answer. Never raises for a dependency: see ``Evidence.failed``."""
    work = Gathering(request, shopper, trace)
    match request.intent:
        case "recommend":
            evidence = await for_recommendation(work)
        case "search":
            evidence = await for_search(work)
        case "series_facts" | "product_facts" | "price" | "availability":
            evidence = await for_title(work)
        case "next_volume":
            evidence = await for_next_volume(work)
        case "promotions":
            evidence = await for_promotions(work)
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
    evidence.failed = frozenset(work.failed)
    return evidence
