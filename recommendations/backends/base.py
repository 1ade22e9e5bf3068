"""The promise of every recommendation engine, ours or Amazon's."""

from __future__ import annotations

import abc
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from recommendations.tuning import PLAIN, Tuning

# What an answer was made with: Amazon Personalize; our EASE model (long histories); our session neighbours (short
# ones and "similar to"); likeness of genres, themes and authors (what nobody has touched yet); popularity; a
# new series tried out on some readers; and the rule behind "continue reading".
ENGINES = ("personalize", "ease", "session", "content", "popular", "explore", "continue")

ReasonCode = Literal["read", "viewed", "similar", "personal", "wish", "popular", "trending", "new", "next"]


class RecommenderUnavailable(Exception):
    """This engine has no answer now (down, throttled, late, not trained): ask the next one of the ladder."""


class NotOffered(RecommenderUnavailable):
    """This engine does not do that, which is no failure."""


class NotTrained(NotOffered):
    """This engine has nothing to answer with yet: it will, after its first training."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryItem:
    """What a shopper had to do with one series: the strongest interaction and when the last one was."""

    series_id: str
    asin: str
    # 0-1: how much it says about taste (recommendations.interactions.STRENGTH).
    strength: float
    # Bought or rated, not only looked at.
    read: bool
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Hard limits on series. Words are genres or themes in any spelling; all of the wanted ones must fit."""

    category: str = "manga"
    genres: tuple[str, ...] = ()
    exclude_genres: tuple[str, ...] = ()
    themes: tuple[str, ...] = ()
    exclude_themes: tuple[str, ...] = ()
    demographic: str = ""
    max_age_rating: str = "mature"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecommenderQuery:
    """What an engine may know. ``history`` is newest first and holds each series once."""

    shelf: Literal["discover", "popular"] = "discover"
    customer_id: str = ""
    session_id: str = ""
    history: tuple[HistoryItem, ...] = ()
    # "Similar to this": both name the same thing, for engines of series and of editions.
    seed_series: str = ""
    seed_asin: str = ""
    wish: Wish = field(default_factory=Wish)
    exclude_series: frozenset[str] = frozenset()
    # Of the editions that will be shown; empty: any.
    language: str = ""
    # Normalised words only, never what the shopper typed: CURRENT_QUERY, DEVICE_TYPE.
    context: tuple[tuple[str, str], ...] = ()
    tuning: Tuning = PLAIN
    # Decides what is explored for whom: the same key, the same choice. Empty: nothing is explored.
    explore_key: str = ""
    limit: int = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class RankedItem:
    """One suggestion: a series, or an edition whose series the caller looks up. ``because``: series ids."""

    series_id: str = ""
    asin: str = ""
    score: float | None = None
    engine: str
    reason_code: ReasonCode
    because: tuple[str, ...] = ()
    # Of an explored item: how likely it was to be drawn for its place, for unbiased learning from what follows.
    propensity: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """Best first. ``engine``: what the list was made with; fillers at its end name their own."""

    items: tuple[RankedItem, ...]
    engine: str
    recommendation_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopperEvent:
    """One interaction as it is told to a service. ``id``: the same however often it is sent.

    ``recommendation_id``, ``impression``: of the list that led to it, and the ASINs that stood in it. ``device``: one
    of requests.DEVICES, or empty.
    """

    id: str
    customer_id: str
    session_id: str
    asin: str
    type: str
    value: float | None
    at: datetime
    recommendation_id: str = ""
    impression: tuple[str, ...] = ()
    device: str = ""


class Recommender(abc.ABC):
    """One engine. Thread-safe; may take as long as its own limit says, never longer."""

    @property
    @abc.abstractmethod
    def version(self) -> str:
        """Part of every cache key: another version may answer the same query differently."""

    @abc.abstractmethod
    def recommend(self, query: RecommenderQuery) -> Ranked:
        """The best ``query.limit`` series, or as many as there are. An engine of editions returns more items than
        that, since several of them are of one series.

        Must not raise for unknown shoppers, series or words. An engine may ignore ``wish`` and
        ``exclude_series``: callers apply them again, as all masks, after every engine.
        Raises :class:`RecommenderUnavailable`.
        """

    @abc.abstractmethod
    def order(self, query: RecommenderQuery, items: tuple[tuple[str, str], ...]) -> Ranked:
        """``items``, (series id, ASIN) each, the likeliest for this shopper first; some may be missing.

        Raises :class:`RecommenderUnavailable`.
        """
