"""Quantiles from counted buckets are as near to the truth as they promise."""

from __future__ import annotations

from collections import Counter

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mangaassist.quantiles import BUCKETS, bucket_of, quantile

# From a tenth of a millisecond on; below, the first buckets are coarser than what they count.
times = st.lists(st.floats(min_value=100, max_value=3.6e9), min_size=1, max_size=20)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(times, st.sampled_from([0.5, 0.95]))
def test_a_quantile_is_wrong_by_9_percent_at_most(microseconds: list[float], share: float) -> None:
    counts = Counter(map(bucket_of, microseconds))
    told = quantile([counts[bucket] for bucket in range(BUCKETS)], share)
    ordered = sorted(microseconds)
    rank = next(place for place in range(len(ordered)) if place + 1 >= share * len(ordered))
    assert told is not None
    # One microsecond in a hundred is what the buckets are shifted by.
    assert abs(told / ordered[rank] - 1) < 0.105


def test_nothing_measured_has_no_quantile() -> None:
    assert quantile([], 0.5) is None
    assert quantile([0, 0], 0.5) is None


def test_what_takes_for_ever_is_in_the_last_bucket() -> None:
    assert bucket_of(1e15) == BUCKETS - 1
    assert bucket_of(0) == 0
