"""Celery's entrances."""

from __future__ import annotations

from typing import Any

import redis
from celery import shared_task

from caching.broom import sweep
from caching.counters import WHOLE, counters
from caching.redis_scripts import prefixed
from caching.trust import UNAVAILABLE, trust
from mangaassist.redis import sync_client


@shared_task(name="caching.tasks.sweep_products", ignore_result=True)
def sweep_products(asins: list[str]) -> None:
    """Unlinks the dead entries of these products; without Redis they expire on their own."""
    for asin in asins:
        if trust.is_open():
            return
        try:
            sweep(asin)
        except UNAVAILABLE as error:
            trust.failed(error)


@shared_task(name="caching.tasks.watch_server", ignore_result=True)
def watch_server() -> None:
    """Counts what the cache's Redis evicted since the last look: keys that it dropped for lack of memory."""
    if trust.is_open():
        return
    client: Any = sync_client("cache")
    try:
        evicted = int(client.info("stats").get("evicted_keys", 0))
        before = client.getset(prefixed("cache:evicted"), evicted)
    except redis.ResponseError:
        # A hosted Redis may forbid INFO.
        return
    except UNAVAILABLE as error:
        trust.failed(error)
        return
    known = int(before) if before is not None and before.isdigit() else 0
    # A restarted server counts from 0 again.
    counters.add(WHOLE, "evicted", evicted - known if evicted >= known else evicted)
