"""Proof by load: several processes at random, with FLUSHDB in between, and the naive cache as the control."""

from __future__ import annotations

import pytest

from bench.stress import stress

pytestmark = pytest.mark.process


def test_nobody_is_served_what_was_invalidated_before_they_asked() -> None:
    counted = stress("policy", seconds=3, processes=3)
    assert (counted["too_old"], counted["old_at_rest"]) == (0, 0), counted
    # It was a cache, under load, and not only a way around one.
    assert counted["flushes"] > 10
    assert counted["changes"] > 100
    assert counted["reads"] > 2 * counted["computed"] > 100


def test_the_same_load_breaks_the_naive_cache() -> None:
    counted = stress("naive", seconds=3, processes=3)
    assert counted["too_old"] > 0, counted
