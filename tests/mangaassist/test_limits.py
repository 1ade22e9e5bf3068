"""Buckets that all processes share, and what holds when they cannot."""

from __future__ import annotations

from typing import Any

import pytest

from mangaassist.limits import MOST_LOCAL, SharedBuckets, TokenBucket
from mangaassist.redis import sync_client


def test_a_bucket_gives_its_burst_and_then_its_rate() -> None:
    now = 0.0
    bucket = TokenBucket(rate=2, burst=3, clock=lambda: now)
    assert [bucket.take() for _ in range(4)] == [0, 0, 0, 0.5]
    now = 0.5
    assert [bucket.take(), bucket.take()] == [0, 0.5]


async def test_two_processes_take_from_one_bucket() -> None:
    here, there = SharedBuckets("test", rate=0.01, burst=3), SharedBuckets("test", rate=0.01, burst=3)
    assert [await here.take("a"), await there.take("a"), await here.take("a")] == [0, 0, 0]
    assert 50 < await there.take("a") <= 100
    # Whoever waits takes nothing meanwhile, and others are others.
    assert 50 < await here.take("a") <= 100
    assert await there.take("b") == 0


async def test_a_bucket_that_is_full_again_leaves_nothing_behind() -> None:
    buckets = SharedBuckets("test", rate=10, burst=5)
    assert await buckets.take("a") == 0
    (key,) = sync_client("streams").keys("limit:*")
    assert 0 < sync_client("streams").pttl(key) <= 101


@pytest.fixture
def no_redis(settings: Any) -> None:
    settings.REDIS_URLS = dict.fromkeys(settings.REDIS_URLS, "redis://127.0.0.1:1/0")


@pytest.mark.usefixtures("no_redis")
async def test_without_redis_each_process_has_its_own() -> None:
    here, there = SharedBuckets("test", rate=0.01, burst=2), SharedBuckets("test", rate=0.01, burst=2)
    assert [await here.take("a"), await here.take("a")] == [0, 0]
    assert await here.take("a") > 50
    assert await there.take("a") == 0
    # However many come: what is kept is bounded.
    for number in range(MOST_LOCAL + 5):
        await here.take(str(number))
    assert len(here._local) == MOST_LOCAL
