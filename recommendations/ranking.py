"""The ladder of our own engine, on arrays only: which ways of ranking fit this query, and the best of each in turn.

* nothing known of the shopper: what is popular, and what more and more readers find;
* one to nine known series: session neighbours; ten and more: EASE, newer ones counting more;
* "similar to": what its readers have besides, blended with likeness of content (all there is for a new series);
* whatever the first one cannot fill: likeness to the history, then popularity;
* now and then, where a series of the list would stand: one that hardly anybody has read yet (ranking → explored).
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from recommendations.artefact import Model
from recommendations.backends.base import HistoryItem, Ranked, RankedItem, ReasonCode, RecommenderQuery
from recommendations.catalogue import Catalogue
from recommendations.content import likeness
from recommendations.ease import Floats, Indices, explain_ease, recency_weights, score_ease
from recommendations.sessions import vote

# Series of the history that content is compared with.
CONTENT_HISTORY = 10
# "Similar to": the readers of a series count as much as its content when there are this many of them; and they
# never count for more than this share.
EVIDENCE_READERS = 20.0
MOST_EVIDENCE = 0.6
REASONS = 2
# A rise of so many standard deviations counts in full; from this many on it is told as the reason.
FULL_RISE = 6.0
TOLD_RISE = 3.0
# Explored: series of fewer readers than this, of those the most like the history; never in the first places.
FEW_READERS = 5
EXPLORED_AMONG = 20
UNEXPLORED_PLACES = 2


@dataclass(frozen=True, slots=True)
class Rung:
    """One way of ranking. ``scores``: one per series of the catalogue; only those above ``floor`` count.

    ``explain(place)``: how much each item of ``history`` speaks for the series at that place.
    """

    engine: str
    scores: Floats
    floor: float
    reason: ReasonCode
    history: tuple[HistoryItem, ...] = ()
    explain: Callable[[int], Floats] | None = None
    # Series whose rise is the better reason.
    rising: npt.NDArray[np.bool_] | None = None


class Binding:
    """Where the items of a model stand in a catalogue, which may know series that the model does not."""

    def __init__(self, model: Model, catalogue: Catalogue) -> None:
        self.model = model
        self.catalogue = catalogue
        self.place_of_item = np.array([catalogue.index.get(id, -1) for id in model.item_ids], dtype=np.int64)
        self._known = self.place_of_item >= 0
        self.item_of_place = np.full(len(catalogue), -1, dtype=np.int64)
        self.item_of_place[self.place_of_item[self._known]] = np.flatnonzero(self._known)
        self.popularity = self.spread(model.popularity, 0.0)
        self.trending = self.spread(model.trending, 0.0)
        self.readers = self.spread(model.readers.astype(np.float32), 0.0)

    def spread(self, scores: Floats, elsewhere: float) -> Floats:
        """From one score per item of the model to one per series of the catalogue."""
        spread = np.full(len(self.catalogue), elsewhere, dtype=np.float32)
        spread[self.place_of_item[self._known]] = scores[self._known]
        return spread


@lru_cache(maxsize=2)
def bind(model: Model, catalogue: Catalogue) -> Binding:
    return Binding(model, catalogue)


def rank(query: RecommenderQuery, model: Model, catalogue: Catalogue, *, rungs: Iterable[Rung] | None = None) -> Ranked:
    """The answer of the local engine. No input or output, and the same for the same arguments but its id.

    ``rungs``: instead of the ladder's own, to look at one of them by itself.
    """
    binding = bind(model, catalogue)
    mask = catalogue.fitting(query.wish)
    for series_id in (*query.exclude_series, query.seed_series):
        if series_id in catalogue.index:
            mask[catalogue.index[series_id]] = False
    fitting = mask.copy()
    items: list[RankedItem] = []
    for rung in _rungs(query, binding) if rungs is None else rungs:
        if len(items) >= query.limit:
            break
        for place in _best(rung, mask, query.limit - len(items)):
            mask[place] = False
            items.append(_item(rung, int(place), query, catalogue))
    engine = items[0].engine if items else "popular"
    if _explores(query):
        items = _explored(items, query, fitting, binding)
    return Ranked(items=tuple(items), engine=engine, recommendation_id=uuid.uuid4().hex)


def _best(rung: Rung, mask: npt.NDArray[np.bool_], count: int) -> Indices:
    """Best first; of equals the one whose id sorts first."""
    places = np.flatnonzero(mask & (rung.scores > rung.floor))
    scores = rung.scores[places]
    if len(scores) > count > 0:
        # Only those that can be among the best are sorted; equals of the last one are kept, so that ids decide.
        kept = scores >= np.partition(scores, len(scores) - count)[len(scores) - count]
        places, scores = places[kept], scores[kept]
    return places[np.argsort(-scores, kind="stable")[:count]]


def order(query: RecommenderQuery, series: Iterable[str], model: Model, catalogue: Catalogue) -> Ranked:
    """Those of ``series`` that are in the catalogue, by the rungs' scores: who has none on the first rung comes
    behind all who have."""
    binding = bind(model, catalogue)
    open_places = {catalogue.index[id] for id in series if id in catalogue.index}
    items: list[RankedItem] = []
    for rung in _rungs(query, binding):
        scored = [place for place in open_places if rung.scores[place] > rung.floor]
        open_places.difference_update(scored)
        scored.sort(key=lambda place: (-rung.scores[place], place))
        items += [
            RankedItem(
                series_id=catalogue.rows[place].id,
                score=float(rung.scores[place]),
                engine=rung.engine,
                reason_code=rung.reason,
            )
            for place in scored
        ]
    engine = items[0].engine if items else "popular"
    return Ranked(items=tuple(items), engine=engine, recommendation_id=uuid.uuid4().hex)


def _rungs(query: RecommenderQuery, binding: Binding) -> Iterator[Rung]:
    engine = query.tuning.engine
    if engine == "popular":
        pass
    elif query.shelf == "discover" and query.seed_series in binding.catalogue.index:
        yield _similar(query.seed_series, binding)
    elif query.shelf == "discover" and query.history:
        known = _known(query, binding)
        if known and (engine == "ease" or (engine != "session" and len(known) >= query.tuning.long_history)):
            yield _ease(known, binding, query.tuning.ease_half_life)
        elif known:
            yield _session(known, binding, query.tuning.session_half_life)
        yield _content(query.history[:CONTENT_HISTORY], binding, query.tuning.session_half_life)
    yield _popular(query, binding, query.tuning.trend_share)


def _popular(query: RecommenderQuery, binding: Binding, trend_share: float) -> Rung:
    wished = query.wish.genres or query.wish.themes or query.wish.demographic
    most = max(float(binding.popularity.max(initial=0.0)), 1e-9)
    scores = binding.popularity / most
    rising = None
    if trend_share:
        scores = scores + np.minimum(binding.trending / FULL_RISE, 1.0) * trend_share
        rising = binding.trending >= TOLD_RISE
    return Rung("popular", scores.astype(np.float32), -1.0, "wish" if wished else "popular", rising=rising)


def _explores(query: RecommenderQuery) -> bool:
    is_personal = query.shelf == "discover" and query.history and not query.seed_series
    return bool(is_personal and query.explore_key and query.tuning.explore_share and query.tuning.engine != "popular")


def _explored(
    items: list[RankedItem], query: RecommenderQuery, fitting: npt.NDArray[np.bool_], binding: Binding
) -> list[RankedItem]:
    """Some places go to series that are like the history and that next to nobody has read: nothing can be learnt of
    them otherwise. Each explored item says how likely it was to be drawn for its place."""
    first = {item.series_id for item in items[:UNEXPLORED_PLACES]}
    new = fitting & (binding.readers < FEW_READERS)
    rung = _content(query.history[:CONTENT_HISTORY], binding, query.tuning.session_half_life)
    best = (int(place) for place in _best(rung, new, EXPLORED_AMONG))
    candidates = [place for place in best if binding.catalogue.rows[place].id not in first]
    if not candidates:
        return items
    propensity = query.tuning.explore_share / len(candidates)
    dice = random.Random(query.explore_key)
    mixed: dict[str, RankedItem] = {}
    for slot, item in enumerate(items):
        if slot >= UNEXPLORED_PLACES and candidates and dice.random() < query.tuning.explore_share:
            place = candidates.pop(dice.randrange(len(candidates)))
            found = _item(rung, place, query, binding.catalogue)
            found = replace(found, engine="explore", reason_code="new", propensity=propensity)
            mixed.setdefault(found.series_id, found)
        mixed.setdefault(item.series_id, item)
    return list(mixed.values())[: len(items)]


def _weights(history: tuple[HistoryItem, ...], half_life: float) -> Floats:
    strengths = np.array([item.strength for item in history], dtype=np.float32)
    return strengths * recency_weights(len(history), half_life)


def _ease(history: tuple[HistoryItem, ...], binding: Binding, half_life: float) -> Rung:
    model = binding.model
    covered = tuple(item for item in history if model.ease_index[model.index[item.series_id]] >= 0)
    rows = model.ease_index[[model.index[item.series_id] for item in covered]]
    weights = _weights(covered, half_life)
    scores = np.full(len(model.item_ids), -np.inf, dtype=np.float32)
    scores[model.ease_items] = score_ease(model.ease, rows, weights)

    def explain(place: int) -> Floats:
        return explain_ease(model.ease, rows, weights, int(model.ease_index[binding.item_of_place[place]]))

    return Rung("ease", binding.spread(scores, -np.inf), 0.0, "personal", covered, explain)


def _session(history: tuple[HistoryItem, ...], binding: Binding, half_life: float) -> Rung:
    items = np.array([binding.model.index[item.series_id] for item in history])
    votes = vote(binding.model.sessions, items, _weights(history, half_life))

    def explain(place: int) -> Floats:
        return votes.explain(int(binding.item_of_place[place]))

    return Rung("session", binding.spread(votes.scores, 0.0), 0.0, "personal", history, explain)


def _content(history: tuple[HistoryItem, ...], binding: Binding, half_life: float) -> Rung:
    vectors, index = binding.catalogue.vectors, binding.catalogue.index
    known = tuple(item for item in history if item.series_id in index)
    rows = vectors[[index[item.series_id] for item in known]]
    weights = _weights(known, half_life)
    scores = np.asarray(vectors @ (rows.T @ weights), dtype=np.float32)

    def explain(place: int) -> Floats:
        return np.asarray((rows @ vectors[place].T).toarray(), dtype=np.float32).ravel() * weights

    return Rung("content", scores, 0.05, "personal", known, explain)


def _known(query: RecommenderQuery, binding: Binding) -> tuple[HistoryItem, ...]:
    return tuple(item for item in query.history if item.series_id in binding.model.index)


# One way of ranking by itself, for evaluation; popularity without trends, as the baseline that others publish.
RUNGS: dict[str, Callable[[RecommenderQuery, Binding], list[Rung]]] = {
    "popular": lambda query, binding: [_popular(query, binding, 0.0)],
    "session": lambda query, binding: _alone(_session, query, binding, query.tuning.session_half_life),
    "ease": lambda query, binding: _alone(_ease, query, binding, query.tuning.ease_half_life),
}


def _alone(
    rung: Callable[[tuple[HistoryItem, ...], Binding, float], Rung],
    query: RecommenderQuery,
    binding: Binding,
    half_life: float,
) -> list[Rung]:
    known = _known(query, binding)
    return [rung(known, binding, half_life)] if known else []


def _similar(series_id: str, binding: Binding) -> Rung:
    place = binding.catalogue.index[series_id]
    scores = likeness(binding.catalogue.vectors, place)
    item = int(binding.item_of_place[place])
    readers = int(binding.model.readers[item]) if item >= 0 else 0
    if not readers:
        return Rung("content", scores, 0.01, "similar")
    # Damped by the root of the readers, which makes it a cosine: else all are similar to the best seller.
    together = vote(binding.model.sessions, np.array([item]), np.ones(1, dtype=np.float32), damping=0.5).scores
    together[item] = 0.0
    share = MOST_EVIDENCE * readers / (readers + EVIDENCE_READERS)
    together *= np.float32(share / max(float(together.max()), 1e-9))
    scores = np.asarray(scores * (1 - share) + binding.spread(together, 0.0), dtype=np.float32)
    return Rung("session" if readers >= EVIDENCE_READERS else "content", scores, 0.01, "similar")


def _item(rung: Rung, place: int, query: RecommenderQuery, catalogue: Catalogue) -> RankedItem:
    because: tuple[str, ...] = (query.seed_series,) if rung.reason == "similar" else ()
    reason = rung.reason
    if reason == "popular" and rung.rising is not None and rung.rising[place]:
        reason = "trending"
    if rung.explain is not None:
        shares = rung.explain(place)
        speaking = [
            rung.history[int(i)]
            for i in np.argsort(-shares, kind="stable")[:REASONS]
            if shares[i] > 0 and catalogue.may_be_named(rung.history[int(i)].series_id, query.wish.max_age_rating)
        ]
        if speaking:
            reason = "read" if speaking[0].read else "viewed"
            because = tuple(item.series_id for item in speaking if item.read == speaking[0].read)
    return RankedItem(
        series_id=catalogue.rows[place].id,
        score=float(rung.scores[place]),
        engine=rung.engine,
        reason_code=reason,
        because=because,
    )
