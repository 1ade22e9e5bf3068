"""What to read next, and what shoppers did: the one is learnt from the other."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from django.http import HttpRequest
from django.utils import timezone
from ninja import Body, Query, Router

from mangaassist.dbthreads import in_database
from partners.api.catalogue import product_views
from partners.authentication import authorized
from partners.idempotency import once
from partners.problems import Problem
from partners.schemas import EventIn, EventsOut, RecommendationsOut, RejectedEvent
from recommendations.backends.base import RecommenderUnavailable
from recommendations.recommend import (
    NewInteraction,
    Recommendation,
    RecommendationRequest,
    Recommendations,
    arecommend_for,
    record_interactions,
)
from recommendations.requests import LONGEST_QUERY, MOST_ITEMS

router = Router(tags=["recommendations"])
MOST_EVENTS = 500
# A time before this one is no time of a shop: it counts as this.
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
Device = Literal["desktop", "mobile", "tablet"]
Events = Annotated[list[EventIn], Body(min_length=1, max_length=MOST_EVENTS)]


@router.get("/recommendations", response={200: RecommendationsOut}, exclude_unset=True)
async def get_recommendations(
    request: HttpRequest,
    customer_id: Annotated[str, Query(max_length=128, description="Your customer; empty: a guest.")] = "",
    session_id: Annotated[str, Query(max_length=128, description="A guest's session; a customer goes before it.")] = "",
    query: Annotated[str, Query(max_length=LONGEST_QUERY, example="dark fantasy")] = "",
    asin: Annotated[str, Query(max_length=64)] = "",
    category: Annotated[str, Query(max_length=64)] = "manga",
    locale: Annotated[str, Query(max_length=35)] = "en",
    device: Annotated[Device | Literal[""], Query()] = "",
    limit: Annotated[int, Query(ge=1, le=MOST_ITEMS)] = 10,
) -> Any:
    """For a customer, a guest's session, or (without both) anybody: what can be bought now, as one list and by shelf.

    ``query``: genres, themes, a title. ``asin``: similar to this. Every item names its engine and its reason.
    """
    authorized(request, "recommendations")
    asked = RecommendationRequest(
        customer_id=customer_id, session_id="" if customer_id else session_id, query=query, asin=asin,
        category=category, locale=locale, device=device, limit=limit,
    )  # fmt: skip
    try:
        found = await arecommend_for(asked)
    except RecommenderUnavailable as error:
        raise Problem(503, "unavailable", "Too many recommendations are being made.", retry_after_s=2) from error
    return await in_database(_recommendations_view, found)


@router.post("/events", response={202: EventsOut})
async def post_events(request: HttpRequest, body: Events) -> Any:
    """What your shoppers did: at most 500 a call, each once however often it is sent (tell ``at``, by
    which a repeated one is known). Acts on the shopper's next recommendations."""
    authorized(request, "events")
    now = timezone.now()
    new = [
        NewInteraction(
            **each.dict() | {"at": max(_EARLIEST, each.at) if each.at else now, "impression": tuple(each.impression)}
        )
        for each in body
    ]

    def record() -> EventsOut:
        recorded = record_interactions(new)
        rejected = [RejectedEvent(index=place, reason=reason) for place, reason in recorded.refused]
        return EventsOut(taken=recorded.taken, duplicates=recorded.duplicates, rejected=rejected)

    return await once(request, 202, record)


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
