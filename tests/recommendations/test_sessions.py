"""Neighbours vote for what they have besides."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from recommendations.sessions import SessionIndex, vote

# Rows are readers in the order of their last interaction.
READERS = np.array(
    [
        [1, 1, 0, 0, 0],
        [1, 1, 1, 0, 0],
        [0, 0, 0, 1, 1],
        [1, 0, 1, 0, 0],
    ],
    dtype=np.float32,
)
INDEX = SessionIndex.of(sparse.csr_matrix(READERS))
ONE = np.ones(1, dtype=np.float32)


def test_both_ways_round() -> None:
    assert [list(INDEX.items_of(reader)) for reader in range(4)] == [[0, 1], [0, 1, 2], [3, 4], [0, 2]]
    assert [list(INDEX.readers_of(item)) for item in range(5)] == [[0, 1, 3], [0, 1], [1, 3], [2], [2]]


def test_only_readers_who_share_something_vote() -> None:
    scores = vote(INDEX, np.array([0]), ONE).scores

    assert scores[3] == scores[4] == 0
    assert scores[1] > 0
    assert scores[2] > 0


def test_the_newer_item_counts_more() -> None:
    strengths = np.array([1.0, 0.1], dtype=np.float32)

    towards_sports = vote(INDEX, np.array([3, 0]), strengths).scores
    towards_horror = vote(INDEX, np.array([0, 3]), strengths).scores

    assert towards_sports[4] > towards_sports[2]
    assert towards_horror[2] > towards_horror[4]


def test_explains_by_who_has_both() -> None:
    votes = vote(INDEX, np.array([0, 3]), np.ones(2, dtype=np.float32))

    assert votes.explain(2)[0] > 0
    assert votes.explain(2)[1] == 0
    assert votes.explain(4)[0] == 0
    assert votes.explain(4)[1] > 0


def test_the_explanation_of_one_known_item_is_the_whole_score() -> None:
    votes = vote(INDEX, np.array([0]), ONE, damping=0)

    assert votes.explain(2).sum() == pytest.approx(votes.scores[2])


def test_an_empty_history_has_no_votes() -> None:
    assert not vote(INDEX, np.array([], dtype=np.int64), np.array([], dtype=np.float32)).scores.any()


def test_damping_lowers_what_everybody_has() -> None:
    # Six more readers have item 1, and none of them item 0.
    readers = np.vstack([READERS, [[0, 1, 0, 1, 0]] * 6]).astype(np.float32)
    index = SessionIndex.of(sparse.csr_matrix(readers))

    plain = vote(index, np.array([0]), ONE, damping=0).scores
    damped = vote(index, np.array([0]), ONE, damping=0.5).scores

    assert plain[1] == plain[2]
    assert damped[1] < damped[2]
