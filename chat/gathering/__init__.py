"""Collects what an answer needs, concurrently, each step cut at its limit: the answer then goes on without it."""

from __future__ import annotations

from chat.dialogue import Request
from chat.evidence import Evidence
from chat.gathering.desk import for_orders, for_page, for_promotions, for_question
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
        case "faq":
            evidence = await for_question(work)
        case "greeting":
            evidence = await for_page(work)
        case _:
            evidence = Evidence()
    evidence.failed = frozenset(work.failed)
    return evidence
