"""What to read next, and what shoppers did: the one is learnt from the other."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from ninja import Router

from mangaassist.dbthreads import in_database
from partners.api.catalogue import product_views
from partners.authentication import authorized
from partners.idempotency import once
from partners.problems import ERRORS, Problem
from partners.schemas import EventIn, EventsOut, RejectedEvent
from recommendations.backends.base import RecommenderUnavailable
from recommendations.recommend import (
    NewInteraction,
    Recommendation,
    RecommendationRequest,
    Recommendations,
    arecommend_for,
    record_interactions,
)
from recommendations.requests import DEVICES, LONGEST_QUERY, MOST_ITEMS

router = Router(tags=["recommendations"])
MOST_EVENTS = 500


@router.get("/recommendations", response={200: dict, **ERRORS})
async def get_recommendations(
    request: HttpRequest,
    customer_id: str = "",
    session_id: str = "",
    query: str = "",
    asin: str = "",
    category: str = "manga",
    locale: str = "en",
    device: str = "",
    limit: int = 10,
) -> Any:
    """For a customer, a guest's session, or (without both) anybody: what can be bought now, as one list and by shelf.

    ``query``: genres, themes, a title. ``asin``: similar to this. Every item names its engine and its reason.
    """
    authorized(request, "recommendations")
    if customer_id and session_id:
        raise Problem(422, "invalid", "Give customer_id or session_id, not both.")
    if not 1 <= limit <= MOST_ITEMS or len(query) > LONGEST_QUERY:
        raise Problem(422, "invalid", f"limit must be 1 to {MOST_ITEMS} and query at most {LONGEST_QUERY} characters.")
    if max(len(customer_id), len(session_id)) > 128 or max(len(asin), len(category)) > 64:
        raise Problem(422, "invalid", "An id is too long: shoppers' have at most 128 characters, others 64.")
    if device and device not in DEVICES:
        raise Problem(422, "invalid", f"device must be one of {', '.join(DEVICES)}.")
    asked = RecommendationRequest(
        customer_id=customer_id, session_id=session_id, query=query, asin=asin, category=category, locale=locale,
        device=device, limit=limit,
    )  # fmt: skip
    try:
        found = await arecommend_for(asked)
    except RecommenderUnavailable as error:
        raise Problem(503, "unavailable", "Too many recommendations are being made.", retry_after_s=2) from error
    return await in_database(_recommendations_view, found)


@router.post("/events", response={202: EventsOut, **ERRORS})
async def post_events(request: HttpRequest, body: list[EventIn]) -> Any:
    """What your shoppers did: at most 500 a call, each once however often it is sent (tell ``at``, by
    which a repeated one is known). Acts on the shopper's next recommendations."""
    authorized(request, "events")
    if not 1 <= len(body) <= MOST_EVENTS:
        raise Problem(422, "invalid", f"Send 1 to {MOST_EVENTS} events.")
    now = timezone.now()
    new = [
        NewInteraction(**each.dict() | {"at": _aware(each.at, now), "impression": tuple(each.impression)})
        for each in body
    ]

    def record() -> EventsOut:
        recorded = record_interactions(new)
        rejected = [RejectedEvent(index=place, reason=reason) for place, reason in recorded.refused]
        return EventsOut(taken=recorded.taken, duplicates=recorded.duplicates, rejected=rejected)

    return await once(request, 202, record)


def _aware(at: datetime | None, now: datetime) -> datetime:
    """A time without a zone is UTC, as in the feed."""
    if at is None:
        return now
    return at if timezone.is_aware(at) else at.replace(tzinfo=UTC)


def _recommendations_view(found: Recommendations) -> dict[str, Any]:
    asins = {item.asin for items in (found.items, *(shelf.items for shelf in found.shelves)) for item in items}
    products = {product["asin"]: product for product in product_views(sorted(asins))}

    def shown(items: tuple[Recommendation, ...]) -> list[dict[str, Any]]:
        """An edition that was deleted this very moment is left out."""
        return [
            {
                "asin": item.asin,
                "reason": item.reason,
                "because": list(item.because),
                "engine": item.engine,
                "product": products[item.asin],
            }
            for item in items
            if item.asin in products
        ]

    return {
        "items": shown(found.items),
        "engine": found.engine,
        "recommendation_id": found.recommendation_id,
        "shelves": [{"name": shelf.name, "title": shelf.title, "items": shown(shelf.items)} for shelf in found.shelves],
    }
