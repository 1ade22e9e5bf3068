"""Reciprocal rank fusion, as in the paper (Cormack et al. 2009)."""

from __future__ import annotations

import pytest

from knowledge.fusion import fuse


@pytest.mark.parametrize(
    ("rankings", "fused"),
    [
        ([], []),
        ([[], []], []),
        ([["a", "b"]], ["a", "b"]),
        # Agreement outweighs one first place.
        ([["a", "b", "c"], ["d", "b"]], ["b", "a", "d", "c"]),
        ([["a", "b"], ["b", "a"]], ["a", "b"]),
        # Of equals the first ranking's.
        ([["a"], ["b"]], ["a", "b"]),
        ([["b"], ["a"]], ["b", "a"]),
        ([[], ["a"]], ["a"]),
    ],
)
def test_the_order(rankings: list[list[str]], fused: list[str]) -> None:
    assert [item for item, _ in fuse(rankings)] == fused


def test_the_score_is_the_sum_of_what_its_ranks_are_worth() -> None:
    scores = dict(fuse([["a", "b"], ["b"]]))
    assert scores == {"a": pytest.approx(1 / 61), "b": pytest.approx(1 / 62 + 1 / 61)}
