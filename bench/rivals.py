"""The policy cache beside caches that others use, in one run: hits, and what an invalidation costs.

In a process of its own, since django-cacheops changes Django's managers.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import subprocess
import sys
from dataclasses import asdict
from functools import partial
from typing import Any

from bench.pairing import Timings, ain_turns, in_turns
from bench.tables import Table


def run() -> list[Table]:
    found = subprocess.run(
        [sys.executable, "-m", "bench.rivals"],
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "bench.rivals_settings"},
        stdout=subprocess.PIPE,
        check=True,
    )
    return [Table(**table) for table in json.loads(found.stdout)]


def hits() -> Table:
    from django.core.cache import cache

    from bench.cache import FACTS, _unused, facts
    from caching.behind import behind
    from caching.policy_cache import policy_cache
    from mangaassist.redis import sync_client
    from shop.models import Edition, Series

    Series.objects.get_or_create(id="bench", title="Bench")
    Edition.objects.get_or_create(asin="BENCH", series_id="bench", title="Bench 1", description="x" * 600)
    policy_cache.get_or_compute(FACTS, ("hit",), lambda: facts("hit"))
    behind.finish()
    cache.set("bench", facts("hit"), 3600)
    client = sync_client("cache")
    # The second one is a hit.
    for _ in range(2):
        Edition.objects.get(pk="BENCH")
    timings = in_turns(
        {
            RAW: lambda: client.get("bench:facts:hit"),
            "policy cache: invalidation, live TTL, typed": lambda: policy_cache.get_or_compute(
                FACTS, ("hit",), _unused
            ),
            "Django cache.get (django-redis): TTL only": lambda: cache.get("bench"),
            "django-cacheops: invalidation by model": lambda: Edition.objects.get(pk="BENCH"),
        }
    )
    return _table("Cache hits beside other caches: one caller", timings, RAW)


async def async_hits() -> Table:
    import redis.asyncio
    from aiocache import RedisCache
    from aiocache.serializers import PickleSerializer
    from cashews import Cache
    from django.conf import settings
    from django.core.cache import cache as django_cache

    from bench.cache import FACTS, _aunused, facts
    from caching.behind import behind
    from caching.policy_cache import policy_cache
    from mangaassist.redis import async_client

    cashews = Cache()
    # Its own parser of addresses does not know unix sockets, its client does.
    cashews.setup("redis://", address=settings.REDIS_URLS["streams"], client_side=False)

    @cashews(ttl="1h", key="bench:{asin}", tags=["asin:{asin}"])
    async def tagged(asin: str) -> dict[str, Any]:
        return {"asin": asin, "description": "x" * 600}

    aiocache = RedisCache(namespace="", serializer=PickleSerializer())
    # It too knows hosts and ports only; its client is redis-py's.
    aiocache.client = redis.asyncio.Redis.from_url(settings.REDIS_URLS["streams"])
    # Cashews lets concurrent callers of one key share one read, so each of them asks for another key.
    names = [f"hit{number}" for number in range(64)]
    for name in names:
        await tagged(name)
        await policy_cache.aget_or_compute(FACTS, (name,), partial(_facts, name))
        await django_cache.aset(name, facts(name), 3600)
        await aiocache.set(name, facts(name), ttl=3600)
    await behind.afinish()
    turn = itertools.cycle(names)
    client = async_client("cache")
    timings = await ain_turns(
        {
            ARAW: lambda: client.get(f"bench:facts:{next(turn)}"),
            "policy cache": lambda: policy_cache.aget_or_compute(FACTS, (next(turn),), _aunused),
            "Django cache.aget (django-redis)": lambda: django_cache.aget(next(turn)),
            "cashews, tagged": lambda: tagged(next(turn)),
            "aiocache: TTL only": lambda: aiocache.get(next(turn)),
        }
    )
    return _table("Cache hits beside other caches: 32 concurrent callers on one event loop", timings, ARAW)


async def _facts(asin: str) -> Any:
    from bench.cache import facts

    return facts(asin)


RAW = "raw redis-py GET"
ARAW = "raw redis.asyncio GET"


def _table(title: str, timings: Timings, baseline: str) -> Table:
    return Table(
        title=title,
        columns=["", "µs", f"× {baseline}"],
        rows=[[name, f"{timings.micros(name):.1f}", f"{timings.ratio(name, baseline):.2f}"] for name in timings.rounds],
        note="The same size of value for each. What each does on a hit differs: see its name.",
    )


def main() -> None:
    import django

    django.setup()
    from bench.cache import FACTS
    from caching.registry import register_kind

    register_kind(FACTS)
    tables = [hits(), asyncio.run(async_hits())]
    sys.stdout.write(json.dumps([asdict(table) for table in tables]))


if __name__ == "__main__":
    main()
