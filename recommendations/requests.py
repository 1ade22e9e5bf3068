"""What may be asked for, and what is answered."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

import orjson

from recommendations.tuning import Tuning
from shop.models import AGE_RATINGS

MOST_ITEMS = 50
LONGEST_QUERY = 400
LOCALES = ("en", "ja")
DEVICES = ("desktop", "mobile", "tablet")

ShelfName = Literal["continue", "discover", "popular"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecommendationRequest:
    """A customer's, or a guest session's, or (without both) anybody's.

    ``query``: words to find genres, themes, demographics and titles in; never passed on as it is.
    ``series_id``/``asin``: similar to this. ``viewing``: the ASIN of the page that a shopper of whom nothing is known
    looks at: as if it had been told as a view. ``language``, ``format``: of editions, hard limits where set (but
    reading goes on in the language of the volumes that the shopper has). ``shelf``: only this one; empty: all.
    """

    customer_id: str = ""
    session_id: str = ""
    query: str = ""
    series_id: str = ""
    asin: str = ""
    viewing: str = ""
    category: str = "manga"
    locale: str = "en"
    language: str = ""
    format: str = ""
    genres: tuple[str, ...] = ()
    exclude_genres: tuple[str, ...] = ()
    themes: tuple[str, ...] = ()
    exclude_themes: tuple[str, ...] = ()
    demographic: str = ""
    exclude_series: tuple[str, ...] = ()
    max_age_rating: str = "mature"
    device: str = ""
    limit: int = 5
    shelf: Literal["", "continue", "discover", "popular"] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recommendation:
    """``reason``: a sentence in the request's locale. ``because``: ASINs that it follows from."""

    asin: str
    series_id: str
    engine: str
    reason: str
    because: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    name: str
    title: str
    items: tuple[Recommendation, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recommendations:
    """``items``: the shelves as one list. ``engine``: what made the shelf that was asked for."""

    items: tuple[Recommendation, ...]
    engine: str
    recommendation_id: str
    shelves: tuple[Shelf, ...]


def tidied(request: RecommendationRequest) -> RecommendationRequest:
    """Within bounds, and the same for requests that mean the same."""
    return dataclasses.replace(
        request,
        # PostgreSQL refuses texts with a null character.
        customer_id=request.customer_id.replace("\x00", ""),
        session_id=request.session_id.replace("\x00", ""),
        series_id=request.series_id.replace("\x00", ""),
        asin=request.asin.replace("\x00", ""),
        viewing=request.viewing.replace("\x00", ""),
        query=" ".join(request.query.replace("\x00", " ").split())[:LONGEST_QUERY],
        category=request.category or "manga",
        locale=request.locale[:2] if request.locale[:2] in LOCALES else "en",
        genres=tuple(sorted(set(request.genres))),
        exclude_genres=tuple(sorted(set(request.exclude_genres))),
        themes=tuple(sorted(set(request.themes))),
        exclude_themes=tuple(sorted(set(request.exclude_themes))),
        exclude_series=tuple(sorted(set(request.exclude_series))),
        # An unknown limit must not mean none.
        max_age_rating=request.max_age_rating if request.max_age_rating in AGE_RATINGS else "mature",
        device=request.device if request.device in DEVICES else "",
        limit=max(0, min(request.limit, MOST_ITEMS)),
    )


def query_hash(request: RecommendationRequest, *, engine: str, tuning: Tuning, owned: Collection[str]) -> str:
    """Covers all that an answer depends on beside its owner: the request, the engine's version and its parameters,
    what is owned."""
    asked = dataclasses.asdict(request)
    del asked["customer_id"], asked["session_id"]
    text = orjson.dumps([engine, dataclasses.asdict(tuning), sorted(owned), asked], option=orjson.OPT_SORT_KEYS)
    return hashlib.blake2b(text, digest_size=12).hexdigest()
