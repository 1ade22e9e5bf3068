"""The local engine: how long a list takes, and how good it is beside plain popularity.

The library and its readers are made up: series have hidden tastes, readers follow a few of them and drift. Figures
of quality therefore compare ways of ranking with each other, and say nothing of any real shop.
"""

from __future__ import annotations

import random
import sys
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

import numpy as np

from bench import implicit_als
from bench.pairing import in_turns
from bench.tables import Table
from recommendations import evaluation_sources
from recommendations.artefact import Model
from recommendations.backends.base import HistoryItem, RecommenderQuery
from recommendations.catalogue import Catalogue, SeriesRow
from recommendations.evaluation import ndcg
from recommendations.management.commands.evaluate_recommendations import evaluate
from recommendations.ranking import rank
from recommendations.training import Seen, fit, observe
from recommendations.tuning import PLAIN

SIZES = (1_000, 10_000, 50_000)
TASTES = 24
START = datetime(2026, 1, 1, tzinfo=UTC)


def run() -> list[Table]:
    return [latency(), quality(), *movielens()]


def catalogue_of(series: int) -> Catalogue:
    """Ids are in the order of popularity: the n-th is read about 1/n as often as the first."""
    return Catalogue(
        [
            SeriesRow(
                id=f"s{number:05}",
                title=f"Series {number}",
                native_title="",
                category="manga",
                demographic=("shonen", "shojo", "seinen", "josei")[number % 4],
                age_rating="teen",
                genres=(f"genre {number % TASTES}", f"mood {number % 7}"),
                themes=(f"theme {number % 60}",),
                authors=(f"author {number // 3}",),
                volume_count=10,
            )
            for number in range(series)
        ]
    )


def synthetic_readers(readers: int, series: int, mean_length: int, seed: int = 11) -> list[list[Seen]]:
    """Each reader's history, oldest first: two tastes, of which the second takes over in the course of time."""
    dice = np.random.default_rng(seed)
    popularity = 1.0 / (np.arange(series) + 10.0)
    shelves = [np.arange(taste, series, TASTES) for taste in range(TASTES)]
    chances = [popularity[shelf] / popularity[shelf].sum() for shelf in shelves]
    everything = popularity / popularity.sum()
    histories = []
    for reader in range(readers):
        tastes = dice.choice(TASTES, size=2, replace=False)
        length = int(np.clip(dice.geometric(1 / mean_length), 4, 200))
        seen: dict[int, None] = {}
        for step in range(length):
            if dice.random() < 0.25:
                item = int(dice.choice(series, p=everything))
            else:
                taste = tastes[int(dice.random() < step / length)]
                item = int(dice.choice(shelves[taste], p=chances[taste]))
            seen.setdefault(item)
        begin = START.timestamp() + dice.random() * 100 * 86_400
        histories.append(
            [(f"r{reader:06}", f"s{item:05}", 1.0, begin + step * 86_400) for step, item in enumerate(seen)]
        )
    return histories


def query_of(history: list[Seen], limit: int = 20) -> RecommenderQuery:
    items = tuple(
        HistoryItem(
            series_id=item,
            asin=item,
            strength=strength,
            read=True,
            at=datetime.fromtimestamp(at, UTC),
        )
        for _, item, strength, at in reversed(history)
    )
    return RecommenderQuery(history=items, exclude_series=frozenset(item.series_id for item in items), limit=limit)


# --- Latency ------------------------------------------------------------------------------------------------------


def latency() -> Table:
    rows = []
    for series in SIZES:
        histories = synthetic_readers(4_000, series, 20)
        catalogue = catalogue_of(series)
        model = fit(observe(seen for history in histories for seen in history))
        short = query_of(next(h for h in histories if len(h) >= PLAIN.long_history)[: PLAIN.long_history // 2])
        long = query_of(next(h for h in histories if len(h) >= 40)[:40])
        contestants = {
            "popular": partial(rank, RecommenderQuery(limit=20), model, catalogue),
            "session neighbours, 5 known": partial(rank, short, model, catalogue),
            "EASE, 40 known": partial(rank, long, model, catalogue),
            "similar to one": partial(rank, replace(short, seed_series="s00003"), model, catalogue),
        }
        timings = in_turns(contestants, rounds=15, calls=20)
        rows += [
            (
                f"{name}, {series:,} series",
                f"{timings.micros(name) / 1000:.2f}",
                f"{timings.ratio(name, 'popular'):.2f}",
            )
            for name in contestants
        ]
    return Table(
        title="Recommendations: time for a list of 20 with reasons",
        columns=("way of ranking", "ms", "to popular"),
        rows=rows,
        note="Series limits, ranking and reasons, without the database, the cache or live stock. EASE covers the "
        "10,000 most-read series; a shop with 10,000 series has some 50,000 editions or more.",
    )


# --- Quality ------------------------------------------------------------------------------------------------------


def quality(readers: int = 4_000, series: int = 1_000) -> Table:
    """A tenth of the readers are unseen in training; of each the last fifth is hidden and to be found."""
    histories = synthetic_readers(readers, series, 25, seed=5)
    random.Random(1).shuffle(histories)
    unseen, known = histories[: readers // 10], histories[readers // 10 :]
    catalogue = catalogue_of(series)
    model = fit(observe(seen for history in known for seen in history))
    rows = []
    for name, cut in (("1 known", 1), ("3 known", 3), ("9 known", 9), ("all but the last fifth", 0)):
        popular, ours, count = _compare(unseen, cut, model, catalogue)
        rows.append((name, str(count), f"{popular:.3f}", f"{ours:.3f}", f"{ours / popular:.1f}"))
    return Table(
        title="Recommendations: NDCG@10 of the local engine on made-up readers",
        columns=("history", "readers", "popular", "local engine", "ratio"),
        rows=rows,
        note=f"{series:,} series, {readers:,} readers, a tenth of them unseen; what they read next is to be found.",
    )


def movielens(seeds: int = 5) -> list[Table]:
    """Real readers of films: by Amazon Personalize's own protocol, and with each reader's newest fifth to be found."""
    try:
        source = evaluation_sources.movielens()
    except evaluation_sources.SourceUnusable as error:
        sys.stderr.write(f"bench: without MovieLens: {error}\n")
        return []
    rows = []
    for protocol, runs in (("personalize", seeds), ("temporal", 1)):
        found = evaluate(source, protocol, runs, {implicit_als.NAME: implicit_als.als})
        rows += [
            (f"{protocol}: {name}", f"{each.ndcg:.3f}", f"{each.recall:.3f}", f"{each.coverage:.2f}")
            for name, each in found.items()
        ]
    note = f"Means of {seeds} splits for protocol personalize. `local` is the engine as shoppers get "
    note += "it; implicit ALS (Hu, Koren, Volinsky 2008) has the best of some forty settings."
    columns = ("protocol: way of ranking", "NDCG@10", "Recall@10", "coverage")
    return [Table(title="Recommendations: MovieLens-100k", columns=columns, rows=rows, note=note)]


def _compare(unseen: list[list[Seen]], cut: int, model: Model, catalogue: Catalogue) -> tuple[float, float, int]:
    """Mean NDCG@10 of popularity and of the local engine, and the number of readers."""
    popular, ours = [], []
    for history in unseen:
        known = cut or len(history) - max(1, len(history) // 5)
        if known >= len(history):
            continue
        wanted = {item for _, item, _, _ in history[known:]}
        query = query_of(history[:known], limit=10)
        ours.append(ndcg([item.series_id for item in rank(query, model, catalogue).items], wanted))
        ranked = rank(replace(query, shelf="popular"), model, catalogue)
        popular.append(ndcg([item.series_id for item in ranked.items], wanted))
    return float(np.mean(popular)), float(np.mean(ours)), len(ours)
