"""How good a way of ranking is, told by what readers really did next. Pure: from interactions to figures.

Two protocols:

* ``personalize``: as Amazon Personalize evaluates a solution version. A tenth of the readers is unseen in training;
  the newest tenth of each one's interactions is to be found, the rest is known as their history.
* ``temporal``: of every reader the newest fifth is to be found; everything older is known and learnt from.
"""

from __future__ import annotations

import math
import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from statistics import fmean
from typing import Literal

from recommendations.backends.base import HistoryItem, Recommender, RecommenderQuery, RecommenderUnavailable
from recommendations.catalogue import Catalogue
from recommendations.ranking import RUNGS, Binding, bind, rank
from recommendations.training import REGULARISATION, Seen, fit, observe

Protocol = Literal["personalize", "temporal"]
AT = 10
UNSEEN_SHARE = 0.1
TARGET_SHARE = 0.1
LATER_SHARE = 0.2


@dataclass(frozen=True, slots=True)
class Case:
    """One reader: what is known, oldest first, and the items that are to be found."""

    reader: str
    history: tuple[Seen, ...]
    wanted: frozenset[str]


@dataclass(frozen=True, slots=True)
class Split:
    """``training``: what a model may learn from; of no case's ``wanted``."""

    training: tuple[Seen, ...]
    cases: tuple[Case, ...]


@dataclass(frozen=True, slots=True)
class Figures:
    """Means over the cases, 0-1 each but the last two.

    ``coverage``: the share of all items that was recommended to anybody. ``novelty``: in bits. ``duplicates``: how
    many items of a list belong to a series that it has already.
    """

    cases: float
    ndcg: float
    recall: float
    mrr: float
    coverage: float
    novelty: float
    duplicates: float


# From a query to ids, best first.
Contestant = Callable[[RecommenderQuery], Sequence[str]]


def split(seen: Iterable[Seen], protocol: Protocol, *, seed: int = 0) -> Split:
    """Raises ``ValueError`` when there is too little to split."""
    histories: defaultdict[str, list[Seen]] = defaultdict(list)
    for each in sorted(seen, key=lambda each: (each[3], each[0], each[1])):
        histories[each[0]].append(each)
    made = _by_reader(histories, seed) if protocol == "personalize" else _by_time(histories)
    if not made.cases or not made.training:
        raise ValueError("There are too few interactions to hold some back.")
    return made


def _by_reader(histories: Mapping[str, list[Seen]], seed: int) -> Split:
    readers = sorted(histories)
    random.Random(seed).shuffle(readers)
    unseen = readers[: max(1, round(len(readers) * UNSEEN_SHARE))]
    cases = []
    for reader in unseen:
        history = histories[reader]
        known = len(history) - max(1, int(len(history) * TARGET_SHARE))
        cases.append(_case(reader, history[:known], history[known:]))
    hidden = set(unseen)
    training = tuple(each for reader in readers if reader not in hidden for each in histories[reader])
    return Split(training, tuple(case for case in cases if case is not None))


def _by_time(histories: Mapping[str, list[Seen]]) -> Split:
    cases, training = [], []
    for reader, history in histories.items():
        known = len(history) - max(1, int(len(history) * LATER_SHARE))
        training += history[:known]
        cases.append(_case(reader, history[:known], history[known:]))
    return Split(tuple(training), tuple(case for case in cases if case is not None))


def _case(reader: str, known: Sequence[Seen], later: Sequence[Seen]) -> Case | None:
    wanted = frozenset(each[1] for each in later) - {each[1] for each in known}
    return Case(reader, tuple(known), wanted) if known and wanted else None


def query_of(case: Case, limit: int = AT) -> RecommenderQuery:
    """What an engine is asked: the history as its callers give it, each item once, newest first."""
    items: dict[str, HistoryItem] = {}
    for _, item, strength, at in reversed(case.history):
        items.setdefault(
            item,
            HistoryItem(series_id=item, asin=item, strength=strength, read=True, at=datetime.fromtimestamp(at, UTC)),
        )
    return RecommenderQuery(
        customer_id=case.reader, history=tuple(items.values()), exclude_series=frozenset(items), limit=limit
    )


def local_contestants(
    training: Sequence[Seen], catalogue: Catalogue, *, regularisation: float = REGULARISATION
) -> dict[str, Contestant]:
    """Two kinds of popularity, each rung of our own engine by itself, and the ladder as shoppers get it ("local")."""
    binding = bind(fit(observe(iter(training)), regularisation=regularisation), catalogue)
    most_read = [id for id, _ in sorted(readers_of(training).items(), key=lambda each: (-each[1], each[0]))]

    def plain(query: RecommenderQuery) -> list[str]:
        return [id for id in most_read[: query.limit + len(query.exclude_series)] if id not in query.exclude_series]

    def alone(name: str) -> Contestant:
        return lambda query: _ids(query, binding, name)

    return {"most read ever": plain, **{name: alone(name) for name in RUNGS}, "local": alone("")}


def engine_contestant(engine: Recommender, series_of: Mapping[str, str]) -> Contestant:
    """An engine as it is configured; what it knows of the targets is its own affair. ``series_of``: by ASIN."""

    def ask(query: RecommenderQuery) -> list[str]:
        try:
            items = engine.recommend(query).items
        except RecommenderUnavailable:
            return []
        found = (item.series_id or series_of.get(item.asin, item.asin) for item in items)
        return [series for series in found if series not in query.exclude_series]

    return ask


def _ids(query: RecommenderQuery, binding: Binding, rung: str) -> list[str]:
    only = RUNGS[rung](query, binding) if rung else None
    return [item.series_id for item in rank(query, binding.model, binding.catalogue, rungs=only).items]


def measure(
    contestant: Contestant, cases: Sequence[Case], *, popularity: Mapping[str, int], readers: int, items: int
) -> Figures:
    """``popularity``: how many of the ``readers`` had each item in training; ``items``: how many there are."""
    rows, told = [], set[str]()
    for case in cases:
        listed = list(contestant(query_of(case)))[:AT]
        ranked = list(dict.fromkeys(listed))
        told.update(ranked)
        rows.append(
            (
                ndcg(ranked, case.wanted),
                sum(id in case.wanted for id in ranked) / min(AT, len(case.wanted)),
                next((1 / (place + 1) for place, id in enumerate(ranked) if id in case.wanted), 0.0),
                fmean(_surprise(popularity.get(id, 0), readers) for id in ranked) if ranked else 0.0,
                len(listed) - len(ranked),
            )
        )
    means = [fmean(column) for column in zip(*rows, strict=True)]
    return Figures(len(cases), means[0], means[1], means[2], len(told) / max(items, 1), means[3], means[4])


def mean_of(runs: Sequence[Figures]) -> Figures:
    """Of several seeds."""
    return Figures(*(fmean(getattr(run, field.name) for run in runs) for field in fields(Figures)))


def _surprise(readers_of_item: int, readers: int) -> float:
    """In bits: how little it was to be expected that a reader has it; nobody counts as half a one."""
    return -math.log2(max(readers_of_item, 0.5) / max(readers, 1))


def ndcg(ranked: Sequence[str], wanted: frozenset[str] | set[str], at: int = AT) -> float:
    """Normalised discounted cumulative gain with gains of 0 and 1 (Järvelin & Kekäläinen 2002)."""
    gain = sum(1 / math.log2(place + 2) for place, item in enumerate(ranked[:at]) if item in wanted)
    best = sum(1 / math.log2(place + 2) for place in range(min(at, len(wanted))))
    return gain / best if best else 0.0


def readers_of(seen: Iterable[Seen]) -> dict[str, int]:
    readers: defaultdict[str, set[str]] = defaultdict(set)
    for reader, item, _, _ in seen:
        readers[item].add(reader)
    return {item: len(each) for item, each in readers.items()}
