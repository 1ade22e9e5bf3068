"""Search results in the order of a known shopper's taste: what fits the words, the likelier books first.

Relevance and taste are merged by reciprocal rank fusion (Cormack, Clarke & Büttcher 2009): both count by rank, so
that neither the engine's nor the index's scale matters. What the shopper named by its title stays where it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from recommendations import ladder
from recommendations.backends.base import RecommenderQuery, RecommenderUnavailable
from recommendations.experiments import assign
from recommendations.interactions import history_of, owner_of
from recommendations.recommend import in_thread
from recommendations.requests import DEVICES
from recommendations.wishes import DEVICE_TYPE

# Cormack's constant: how little the first places count beside those behind them.
RANK_OFFSET = 60
# Behind these, the order is of no interest to anybody.
MOST_ORDERED = 100


@dataclass(frozen=True, slots=True)
class Found:
    """A search result; several may be of one series, which stay together in their order."""

    asin: str
    series_id: str
    is_named: bool = False


@dataclass(frozen=True, slots=True)
class Ordered:
    """``engine``: whose idea of the shopper's taste it is; empty when there is none."""

    found: tuple[Found, ...]
    engine: str


def order_for(found: Sequence[Found], *, customer_id: str = "", session_id: str = "", device: str = "") -> Ordered:
    """The same results, none added and none lost. Blocking; for the event loop there is :func:`aorder_for`."""
    groups: dict[str, list[Found]] = {}
    for each in found[:MOST_ORDERED]:
        groups.setdefault(each.series_id, []).append(each)
    open_to_taste = [series_id for series_id, mine in groups.items() if not any(each.is_named for each in mine)]
    if len(open_to_taste) < 2 or not (customer_id or session_id):
        return Ordered(tuple(found), "")
    history = history_of(customer_id, session_id, ())
    if not history.items:
        return Ordered(tuple(found), "")
    query = RecommenderQuery(
        customer_id=customer_id,
        session_id=session_id,
        history=history.items,
        tuning=assign(owner_of(customer_id, session_id)).tuning,
        context=((DEVICE_TYPE, device),) if device in DEVICES else (),
        limit=len(open_to_taste),
    )
    items = tuple((series_id, groups[series_id][0].asin) for series_id in open_to_taste)
    taste, engine = ladder.order(query, items)
    merged = iter(_fused(open_to_taste, [id for id in taste if id not in history.disliked]))
    open_series = set(open_to_taste)
    in_order = [next(merged) if series_id in open_series else series_id for series_id in groups]
    return Ordered(tuple(each for id in in_order for each in groups[id]) + tuple(found[MOST_ORDERED:]), engine)


async def aorder_for(
    found: Sequence[Found], *, customer_id: str = "", session_id: str = "", device: str = ""
) -> Ordered:
    """:func:`order_for` in a thread. When too many are waiting, relevance alone."""
    try:
        return await in_thread(partial(order_for, found, customer_id=customer_id, session_id=session_id, device=device))
    except RecommenderUnavailable:
        return Ordered(tuple(found), "")


def _fused(relevant: Sequence[str], taste: Sequence[str]) -> list[str]:
    """``taste`` may miss some: they count as last."""
    liked = {series_id: rank for rank, series_id in enumerate(taste)}
    worth = {
        series_id: 1 / (RANK_OFFSET + rank) + 1 / (RANK_OFFSET + liked.get(series_id, len(relevant)))
        for rank, series_id in enumerate(relevant)
    }
    return sorted(relevant, key=lambda series_id: -worth[series_id])
