"""Volumes and editions: what is covered, what is missing, what is there twice."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shop.coverage import coverage, gaps, gives_away, read_spans, spans, write_spans


@pytest.mark.parametrize(
    ("editions", "volumes", "overlaps"),
    [
        ([], [], []),
        ([[1], [2], [3], [4]], [1, 2, 3, 4], []),
        # The second omnibus after four single volumes.
        ([[1], [2], [3], [4], [4, 5, 6]], [1, 2, 3, 4, 5, 6], [4]),
        ([[1, 2, 3], [1, 2, 3]], [1, 2, 3], [1, 2, 3]),
        ([[]], [], []),
    ],
)
def test_what_editions_cover_together(editions: list[list[int]], volumes: list[int], overlaps: list[int]) -> None:
    covered = coverage(editions)
    assert covered.volumes == set(volumes)
    assert covered.overlaps == set(overlaps)


@pytest.mark.parametrize(
    ("volumes", "missing"), [([], ()), ([1, 2, 3], ()), ([1, 2, 5], (3, 4)), ([4], (1, 2, 3)), ([2, 4], (1, 3))]
)
def test_gaps_lie_before_the_last_volume(volumes: list[int], missing: tuple[int, ...]) -> None:
    assert gaps(volumes) == missing


@pytest.mark.parametrize(
    ("edition", "has", "too_much"),
    [
        ([5], [1, 2, 3, 4], True),
        ([4], [1, 2, 3, 4], False),
        # A collection that begins with what one has.
        ([4, 5, 6], [1, 2, 3, 4], False),
        ([8], [], False),
        ([], [1], False),
    ],
)
def test_the_ceiling_for_blurbs(edition: list[int], has: list[int], too_much: bool) -> None:
    assert gives_away(edition, has) is too_much


def test_runs_of_volumes() -> None:
    assert spans([6, 1, 2, 3]) == ((1, 3), (6, 6))
    assert write_spans([6, 1, 2, 3]) == "1-3,6"


@given(st.frozensets(st.integers(1, 400), max_size=60))
def test_runs_are_kept_without_loss(volumes: frozenset[int]) -> None:
    assert read_spans(write_spans(volumes)) == volumes


@pytest.mark.parametrize("text", ["", "a", "3-", "-", "1--2", "99999"])
def test_what_is_no_run_is_passed_over(text: str) -> None:
    assert read_spans(text) == frozenset()
    assert read_spans(f"{text},7") == {7}


def test_a_run_without_end_is_cut() -> None:
    assert len(read_spans("1-999")) == 400
