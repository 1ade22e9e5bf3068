"""What is popular, straight from the database: the last rung of the ladder, and all there is before training."""

from __future__ import annotations

import uuid
from collections import defaultdict

from django.db.models import Sum

from recommendations.backends.base import Ranked, RankedItem, RecommenderQuery
from recommendations.catalogue import Catalogue
from recommendations.interactions import strength_of
from recommendations.models import Interaction
from shop.models import Edition

# The newest ones are enough to see what is popular, and bound the time.
NEWEST = 5_000


def popular_from_database(query: RecommenderQuery, catalogue: Catalogue) -> Ranked:
    """By recent interactions; where there are none, by the number of ratings that the feed told."""
    scores: defaultdict[str, float] = defaultdict(float)
    newest = Interaction.objects.order_by("-at").values_list("series_id", "type", "value")[:NEWEST]
    for series_id, kind, value in newest:
        scores[series_id] += strength_of(kind, value)
    ratings = dict(
        Edition.objects.order_by()
        .values_list("series_id")
        .annotate(Sum("rating_count"))
        .values_list("series_id", "rating_count__sum")
    )
    fitting = catalogue.fitting(query.wish)
    allowed = [
        row.id
        for row, fits in zip(catalogue.rows, fitting, strict=True)
        if fits and row.id not in query.exclude_series and row.id != query.seed_series
    ]
    allowed.sort(key=lambda id: (-scores[id], -(ratings.get(id) or 0), id))
    wished = query.wish.genres or query.wish.themes or query.wish.demographic
    return Ranked(
        items=tuple(
            RankedItem(
                series_id=id,
                score=scores[id],
                engine="popular",
                reason_code="wish" if wished else "popular",
            )
            for id in allowed[: query.limit]
        ),
        engine="popular",
        recommendation_id=uuid.uuid4().hex,
    )
