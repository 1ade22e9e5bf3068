"""From interactions to a model. The same interactions always give the same model, whatever order they came in."""

from __future__ import annotations

import fcntl
from array import array
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

from recommendations.artefact import Model, directory
from recommendations.ease import fit_ease
from recommendations.interactions import strength_of
from recommendations.models import Interaction
from recommendations.sessions import SessionIndex

Progress = Callable[[str], None]

# λ of EASE, as a multiple of the mean weight that an item collects: it then fits ten readers and a million.
REGULARISATION = 4.0
# EASE is solved for the most-read series; the tail is found by session neighbours and by content.
MOST_EASE_ITEMS = 10_000
# More than this is a robot's history, or says nothing any more.
MOST_ITEMS_A_READER = 500
HALF_LIFE_DAYS = 30.0
# What is on the rise is seen in so many days, and in at least so many readers.
TREND_DAYS = 7.0
FEWEST_RISING = 5


class NothingToLearn(Exception):
    """There are no interactions yet."""


class AlreadyTraining(Exception):
    """Another process of this machine is at it."""


@dataclass(frozen=True)
class Observations:
    """One entry per (reader, item) pair: the strongest interaction and the last time, in days.

    Readers are numbered in the order of their last interaction, items in the order of their ids.
    """

    item_ids: tuple[str, ...]
    readers: npt.NDArray[np.int32]
    items: npt.NDArray[np.int32]
    strengths: npt.NDArray[np.float32]
    days: npt.NDArray[np.float64]

    @property
    def matrix(self) -> sparse.csr_matrix:
        """Readers x items, strengths as values."""
        shape = (int(self.readers.max()) + 1 if len(self.readers) else 0, len(self.item_ids))
        matrix = sparse.csr_matrix((self.strengths, (self.readers, self.items)), shape=shape, dtype=np.float32)
        matrix.sort_indices()
        return matrix


@contextmanager
def only_one() -> Iterator[None]:
    """Raises :class:`AlreadyTraining`."""
    directory().mkdir(parents=True, exist_ok=True)
    with (directory() / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise AlreadyTraining from error
        yield


# (reader, item, strength, seconds)
Seen = tuple[str, str, float, float]


def read_interactions() -> Iterator[Seen]:
    """What all readers did, by series; without dislikes."""
    rows = Interaction.objects.order_by().values_list("customer_id", "session_id", "series_id", "type", "value", "at")
    for customer_id, session_id, series_id, kind, value, at in rows.iterator(chunk_size=10_000):
        strength = strength_of(kind, value)
        if strength > 0:
            yield (f"c{customer_id}" if customer_id else f"s{session_id}"), series_id, strength, at.timestamp()


def observe(seen: Iterator[Seen]) -> Observations:
    """Raises :class:`NothingToLearn`."""
    reader_codes: dict[str, int] = {}
    item_codes: dict[str, int] = {}
    readers, items, strengths, seconds = array("i"), array("i"), array("f"), array("d")
    for reader, item, strength, at in seen:
        readers.append(reader_codes.setdefault(reader, len(reader_codes)))
        items.append(item_codes.setdefault(item, len(item_codes)))
        strengths.append(strength)
        seconds.append(at)
    if not readers:
        raise NothingToLearn
    days = np.asarray(seconds) / 86_400
    order = _by_last(np.asarray(readers), days, list(reader_codes))
    ids = sorted(item_codes)
    places = np.empty(len(ids), dtype=np.int32)
    places[[item_codes[id] for id in ids]] = np.arange(len(ids), dtype=np.int32)
    return _pairs(tuple(ids), order[np.asarray(readers)], places[np.asarray(items)], np.asarray(strengths), days)


def _by_last(readers: npt.NDArray[np.int32], days: npt.NDArray[np.float64], names: list[str]) -> npt.NDArray[np.int32]:
    """Each reader's number in the order of last interactions; names decide between equals."""
    last = np.full(len(names), -np.inf)
    np.maximum.at(last, readers, days)
    order = np.lexsort((np.array(names), last))
    numbers = np.empty(len(names), dtype=np.int32)
    numbers[order] = np.arange(len(names), dtype=np.int32)
    return numbers


def _pairs(
    ids: tuple[str, ...],
    readers: npt.NDArray[np.int32],
    items: npt.NDArray[np.int32],
    strengths: npt.NDArray[np.float32],
    days: npt.NDArray[np.float64],
) -> Observations:
    pairs, which = np.unique(readers.astype(np.int64) * len(ids) + items, return_inverse=True)
    strongest = np.zeros(len(pairs), dtype=np.float32)
    np.maximum.at(strongest, which, strengths)
    latest = np.full(len(pairs), -np.inf)
    np.maximum.at(latest, which, days)
    reader, item = (pairs // len(ids)).astype(np.int32), (pairs % len(ids)).astype(np.int32)
    order = np.lexsort((item, -latest, reader))
    starts = np.searchsorted(reader[order], np.arange(int(reader.max()) + 1))
    rank = np.arange(len(order)) - starts[reader[order]]
    kept = np.sort(order[rank < MOST_ITEMS_A_READER])
    return Observations(ids, reader[kept], item[kept], strongest[kept], latest[kept])


def fit(observations: Observations, *, regularisation: float = REGULARISATION) -> Model:
    """Pure: from pairs to a model."""
    matrix = observations.matrix
    ages = observations.days.max() - observations.days
    decayed = observations.strengths * np.power(0.5, ages / HALF_LIFE_DAYS)
    items = len(observations.item_ids)
    popularity = np.bincount(observations.items, weights=decayed, minlength=items).astype(np.float32)
    counts = np.bincount(observations.items, minlength=items)
    head = np.sort(np.argsort(-counts, kind="stable")[:MOST_EASE_ITEMS]).astype(np.int32)
    squares = np.bincount(observations.items, weights=observations.strengths.astype(np.float64) ** 2, minlength=items)
    penalty = max(regularisation * float(squares[head].mean()), 1e-3)
    return Model(
        item_ids=observations.item_ids,
        popularity=popularity,
        trending=rise(observations.items, ages, items),
        sessions=SessionIndex.of(matrix),
        ease_items=head,
        ease=fit_ease(matrix[:, head], penalty),
    )


def rise(items: npt.NDArray[np.int32], ages: npt.NDArray[np.float64], count: int) -> npt.NDArray[np.float32]:
    """How many standard deviations more readers each item found in the last days than its share of all readers
    would have been (a Poisson count); 0 for what is not rising."""
    lately = np.bincount(items[ages <= TREND_DAYS], minlength=count)
    ever = np.bincount(items, minlength=count)
    expected = (ever + 1) / (ever.sum() + count) * lately.sum()
    deviation = (lately - expected) / np.sqrt(np.maximum(expected, 1e-9))
    rising = (lately >= FEWEST_RISING) & (deviation > 0)
    return np.where(rising, deviation, 0.0).astype(np.float32)
