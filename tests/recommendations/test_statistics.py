"""Proportions and how sure one can be of them: against published values."""

from __future__ import annotations

import math
import random

import pytest

from recommendations.statistics import detectable, difference, sample_ratio, wilson
from recommendations.templatetags.shares import chance, percent, points


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [
        # Newcombe 1998 ("Two-sided confidence intervals for the single proportion"), table I, method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
        (0, 0, 0.0, 1.0),
    ],
)
def test_wilson(successes: int, trials: int, low: float, high: float) -> None:
    assert wilson(successes, trials) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(
    ("first", "base", "expected"),
    [
        # Newcombe 1998 ("Interval estimation for the difference between independent proportions"), table II, method 10.
        ((56, 70), (48, 80), (0.2, 0.0524, 0.3339)),
        ((9, 10), (3, 10), (0.6, 0.1705, 0.8090)),
        ((5, 56), (0, 29), (0.0893, -0.0381, 0.1926)),
        ((0, 0), (1, 2), (0.0, -1.0, 1.0)),
    ],
)
def test_difference(first: tuple[int, int], base: tuple[int, int], expected: tuple[float, float, float]) -> None:
    assert difference(*first, *base) == pytest.approx(expected, abs=5e-5)


def test_an_interval_holds_the_truth_in_19_of_20_experiments() -> None:
    dice = random.Random(5)
    held = 0
    for _ in range(400):
        base, better = (sum(dice.random() < share for _ in range(200)) for share in (0.1, 0.15))
        _, low, high = difference(better, 200, base, 200)
        held += low <= 0.05 <= high
    assert 0.92 <= held / 400 <= 0.98


@pytest.mark.parametrize(
    ("counts", "weights", "expected"),
    [
        ([5_000, 5_000], [1, 1], 1.0),
        ([4_850, 5_150], [1, 1], math.erfc(3 / math.sqrt(2))),  # χ² = 9 with one degree of freedom.
        ([900, 100], [9, 1], 1.0),
        ([0, 0], [1, 1], 1.0),
        ([7], [1], 1.0),
    ],
)
def test_sample_ratio(counts: list[int], weights: list[float], expected: float) -> None:
    assert sample_ratio(counts, weights) == pytest.approx(expected, rel=1e-6)


def test_twice_the_precision_takes_four_times_the_shoppers() -> None:
    few, many = detectable(0.1, 1_000), detectable(0.1, 4_000)

    assert few is not None
    assert many is not None
    assert few == pytest.approx(2 * many)
    # Lehr's rule of thumb: 16 p (1 - p) / d² shoppers an arm.
    assert pytest.approx(16 * 0.1 * 0.9 / few**2, rel=0.03) == 1_000
    assert detectable(0.0, 1_000) is None
    assert detectable(0.5, 0) is None


def test_shares_as_people_read_them() -> None:
    assert [percent(share) for share in (0, 0.0412, 0.63, 1)] == ["0.0 %", "4.1 %", "63 %", "100 %"]
    assert [points(difference) for difference in (0.021, -0.021)] == ["+2.1", "−2.1"]
    assert [chance(p) for p in (0.0123, 0.0002)] == ["0.012", "below 0.001"]
