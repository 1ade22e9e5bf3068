"""Several rankings made one. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from typing import TypeVar

T = TypeVar("T", bound=Hashable)

# Keeps the first places of one ranking from outweighing agreement between several.
K = 60


def fuse(rankings: Iterable[Sequence[T]]) -> list[tuple[T, float]]:
    """(item, Σ 1 / (K + rank)) over the rankings that hold it, ranks counted from 1; best first.

    Reciprocal rank fusion (Cormack, Clarke and Büttcher, SIGIR 2009). Of two with the same sum the one that an earlier
    ranking names first stands first.
    """
    scores: dict[T, float] = defaultdict(float)
    for ranking in rankings:
        for rank, item in enumerate(ranking, start=1):
            scores[item] += 1 / (K + rank)
    return sorted(scores.items(), key=lambda pair: -pair[1])
