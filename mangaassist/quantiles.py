"""Quantiles of what many processes measured: times are counted in buckets that grow with the time.

Bucket n holds 2^(n/4) to 2^((n+1)/4) microseconds, and a quantile is told as the geometric middle of its bucket: it
is wrong by at most the factor 2^(1/8), which is 9 %. Counts of buckets add up, over processes as over days.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate

_STEPS_PER_OCTAVE = 4
# The last one begins after an hour.
BUCKETS = 128


def bucket_of(microseconds: float) -> int:
    return min(BUCKETS - 1, int(math.log2(microseconds + 1) * _STEPS_PER_OCTAVE))


def middle_of(bucket: int) -> float:
    """In microseconds."""
    return float(2 ** ((bucket + 0.5) / _STEPS_PER_OCTAVE))


def quantile(counts: Sequence[float], share: float) -> float | None:
    """The time, in microseconds, that this share (0-1) of all does not exceed; None without any.

    ``counts``: of the buckets from 0 on.
    """
    wanted = sum(counts) * share
    if not wanted:
        return None
    bucket = next(bucket for bucket, reached in enumerate(accumulate(counts)) if reached >= wanted)
    return middle_of(bucket)
