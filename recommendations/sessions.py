"""Session neighbours (V-SkNN, Ludewig & Jannach 2018): what readers with a like recent history read besides.

Needs no training beyond two index arrays, answers from the first item on, and is the best of the simple methods
for one to nine known items.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from recommendations.ease import Floats, Indices

if TYPE_CHECKING:
    from scipy import sparse

# Readers that are looked at per item of the history (the newest ones), and how many of them vote.
NEWEST_READERS = 2_000
NEIGHBOURS = 200
# Votes for an item are divided by its number of readers to this power: else what everybody has wins every time.
# Measured on the demo shop's readers and on made-up ones: 0.2 to 0.35 is best, 0.7 as bad as popularity.
DAMPING = 0.3


@dataclass(frozen=True, slots=True)
class SessionIndex:
    """Readers x items, both ways round. Readers are numbered from the longest silent to the latest active.

    ``by_reader``/``by_item`` are the index arrays of a CSR matrix and of its transpose; ``*_starts`` their
    ``indptr``.
    """

    reader_starts: npt.NDArray[np.int64]
    by_reader: npt.NDArray[np.int32]
    item_starts: npt.NDArray[np.int64]
    by_item: npt.NDArray[np.int32]

    @classmethod
    def of(cls, interactions: sparse.csr_matrix) -> SessionIndex:
        """From readers x items, rows in the order of the readers' last interaction."""
        columns = interactions.tocsc()
        columns.sort_indices()
        return cls(
            interactions.indptr.astype(np.int64),
            interactions.indices.astype(np.int32),
            columns.indptr.astype(np.int64),
            columns.indices.astype(np.int32),
        )

    @property
    def items(self) -> int:
        return len(self.item_starts) - 1

    @property
    def readers(self) -> int:
        return len(self.reader_starts) - 1

    def readers_of(self, item: int) -> npt.NDArray[np.int32]:
        """The newest of its readers."""
        start, end = self.item_starts[item], self.item_starts[item + 1]
        return self.by_item[max(start, end - NEWEST_READERS) : end]

    def items_of(self, reader: int) -> npt.NDArray[np.int32]:
        return self.by_reader[self.reader_starts[reader] : self.reader_starts[reader + 1]]


class Votes:
    """``scores`` of every item, and what is needed to explain one of them."""

    def __init__(
        self, index: SessionIndex, history: Indices, neighbours: Indices, nearness: Floats, damping: float
    ) -> None:
        lengths = [len(index.items_of(int(reader))) for reader in neighbours]
        voted = [index.items_of(int(reader)) for reader in neighbours]
        self._items = np.concatenate(voted) if voted else np.empty(0, np.int32)
        self._voters = np.repeat(np.arange(len(lengths)), lengths)
        self._history = history
        self._nearness = nearness
        weights = nearness[self._voters] if len(nearness) else np.empty(0, np.float32)
        votes = np.bincount(self._items, weights=weights, minlength=index.items)
        readers = np.maximum(np.diff(index.item_starts), 1)
        self.scores: Floats = np.asarray(votes / readers**damping, dtype=np.float32)

    @cached_property
    def _shares(self) -> Floats:
        """Voters x history: the voter's nearness where the voter has that item of the history."""
        place = np.full(len(self.scores), -1, dtype=np.int64)
        place[self._history] = np.arange(len(self._history))
        shared = place[self._items] >= 0
        shares = np.zeros((len(self._nearness), len(self._history)), dtype=np.float32)
        voters = self._voters[shared]
        shares[voters, place[self._items[shared]]] = self._nearness[voters]
        return shares

    def explain(self, item: int) -> Floats:
        """For each item of the history: the votes for ``item`` (undamped) from readers who have both."""
        return np.asarray(self._shares[self._voters[self._items == item]].sum(axis=0), dtype=np.float32)


def vote(index: SessionIndex, history: Indices, strengths: Floats, *, damping: float = DAMPING) -> Votes:
    """Scores by the nearest readers of a history (different item numbers, and how much each counts)."""
    counts = np.diff(index.item_starts)
    rarity = np.log1p(index.readers / np.maximum(counts[history], 1)).astype(np.float32)
    found = [index.readers_of(int(item)) for item in history]
    likeness = np.bincount(
        np.concatenate(found) if found else np.empty(0, np.int32),
        weights=np.repeat(strengths * rarity, [len(each) for each in found]),
        minlength=index.readers,
    )
    near = np.flatnonzero(likeness)[::-1]
    lengths = np.maximum(np.diff(index.reader_starts)[near], 1)
    nearness = (likeness[near] / np.sqrt(lengths)).astype(np.float32)
    # Stable and the latest active first, so that of equal neighbours it is always the same ones who vote.
    best = np.argsort(-nearness, kind="stable")[:NEIGHBOURS]
    return Votes(index, history, near[best], nearness[best], damping)
