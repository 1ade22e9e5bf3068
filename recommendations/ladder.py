"""Asks the configured engine, then our own, then the database: somebody always answers, and says who."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import structlog
from django.conf import settings

from mangaassist.instruments import recommendations
from recommendations.backends import recommenders
from recommendations.backends.base import NotOffered, Ranked, Recommender, RecommenderQuery, RecommenderUnavailable
from recommendations.catalogue import Catalogue
from recommendations.popularity import popular_from_database

log = structlog.get_logger(__name__)

LOCAL_ONLY = ("fallback",)


@dataclass(frozen=True, slots=True)
class Answered:
    """``degraded``: an engine before this one failed, so this answer must not be kept.

    ``by``: the alias of the engine; empty for the database.
    """

    ranked: Ranked
    by: str
    degraded: bool


def aliases() -> tuple[str, ...]:
    """The engines in the order of asking; where both are the same class, one of them."""
    configured = settings.RECOMMENDERS
    if "fallback" not in configured or configured["fallback"]["BACKEND"] == configured["default"]["BACKEND"]:
        return ("default",)
    return ("default", "fallback")


def version() -> str:
    return "+".join(recommenders[alias].version for alias in aliases())


def ask(query: RecommenderQuery, catalogue: Catalogue, *, engines: tuple[str, ...] = ()) -> Answered:
    """The first answer on the way down. ``engines``: aliases to ask; by default all that are configured."""
    answer, alias, degraded = _first(engines, lambda engine: engine.recommend(query))
    engine = "database" if answer is None else answer.engine
    recommendations.labels(engine=engine, degraded=str(degraded).lower()).inc()
    if answer is None:
        return Answered(popular_from_database(query, catalogue), "", degraded)
    return Answered(answer, alias, degraded)


def order(query: RecommenderQuery, items: tuple[tuple[str, str], ...]) -> tuple[tuple[str, ...], str]:
    """(series ids, the likeliest first, engine) of ``items``: (series id, ASIN). Without any engine nothing is said."""
    engines = LOCAL_ONLY if query.tuning.engine != "configured" else ()
    answer, _, _ = _first(engines, lambda engine: engine.order(query, items))
    if answer is None:
        return (), ""
    series_of = {asin: series_id for series_id, asin in items}
    told = (item.series_id or series_of.get(item.asin, "") for item in answer.items)
    return tuple(dict.fromkeys(id for id in told if id)), answer.engine


def _first(engines: tuple[str, ...], ask_one: Callable[[Recommender], Ranked]) -> tuple[Ranked | None, str, bool]:
    """(answer, alias of who gave it, whether one before it failed)."""
    degraded = False
    for alias in _known(engines):
        try:
            return ask_one(recommenders[alias]), alias, degraded
        except NotOffered:
            continue
        except RecommenderUnavailable as error:
            log.warning("recommender_unavailable", engine=alias, error=str(error))
        except Exception:
            # A bug in an engine costs its answer, never the shopper's.
            log.exception("recommender_broken", engine=alias)
        degraded = True
    return None, "", degraded


def _known(engines: tuple[str, ...]) -> Iterator[str]:
    present = aliases()
    if engines == LOCAL_ONLY and present == ("default",):
        engines = present
    return (alias for alias in present if not engines or alias in engines)
