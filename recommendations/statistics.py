"""Proportions and how sure one can be of them. Pure functions, formulas with their sources."""

from __future__ import annotations

import math
from collections.abc import Sequence

# Two-sided 95 %, and 80 % power.
Z = 1.959964
Z_POWER = 0.841621


def wilson(successes: int, trials: int, z: float = Z) -> tuple[float, float]:
    """The score interval of a proportion (Wilson 1927); all of 0-1 when nobody was asked.

    Holds for small numbers and for proportions near 0, where the textbook's normal interval fails.
    """
    if not trials:
        return 0.0, 1.0
    share = successes / trials
    centre = share + z * z / (2 * trials)
    spread = z * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    whole = 1 + z * z / trials
    return max(0.0, (centre - spread) / whole), min(1.0, (centre + spread) / whole)


def difference(successes: int, trials: int, base_successes: int, base_trials: int) -> tuple[float, float, float]:
    """(how much more than the base, low, high) of two proportions: Newcombe 1998, method 10 (hybrid score)."""
    if not trials or not base_trials:
        return 0.0, -1.0, 1.0
    share, base = successes / trials, base_successes / base_trials
    low, high = wilson(successes, trials)
    base_low, base_high = wilson(base_successes, base_trials)
    delta = share - base
    down = math.hypot(share - low, base_high - base)
    up = math.hypot(high - share, base - base_low)
    return delta, max(-1.0, delta - down), min(1.0, delta + up)


def sample_ratio(counts: Sequence[int], weights: Sequence[float]) -> float:
    """How likely at least so uneven a distribution is when shoppers are dealt out by ``weights``: Pearson's χ² test.

    1 while there is nothing to compare. Below 0.001 something is broken (Fabijan et al. 2019 call it a sample ratio
    mismatch): arms that fail or lose their shoppers, and no result counts.
    """
    total, whole = sum(counts), sum(weights)
    if not total or len(counts) < 2:
        return 1.0
    expected = [total * weight / whole for weight in weights]
    statistic = sum((seen - wanted) ** 2 / wanted for seen, wanted in zip(counts, expected, strict=True))
    # Only here: it takes longer to load than everything else of the admin.
    from scipy.special import chdtrc

    return float(chdtrc(len(counts) - 1, statistic))


def detectable(share: float, trials: int) -> float | None:
    """The smallest difference to a proportion that so many shoppers an arm would show in four of five experiments;
    None when there are none."""
    if not trials or not 0 < share < 1:
        return None
    return (Z + Z_POWER) * math.sqrt(2 * share * (1 - share) / trials)
