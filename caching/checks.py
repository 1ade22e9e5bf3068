"""``manage.py check --deploy --tag caching``: does the cache's Redis keep what must be kept?"""

from __future__ import annotations

from typing import Any

from django.core.checks import CheckMessage, Tags, Warning, register

from caching.trust import UNAVAILABLE
from mangaassist.redis import sync_client

OLDEST = (6, 2)


@register(Tags.caches, deploy=True)
def redis_keeps_the_clock(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Asks Redis, so it runs only with ``--deploy``; a Redis that cannot be asked is no finding."""
    client = sync_client("cache")
    try:
        server = client.info("server")
        memory = client.info("memory")
    except UNAVAILABLE:
        return []
    found: list[CheckMessage] = []
    version = str(server.get("redis_version", "0.0"))
    if tuple(int(part) for part in version.split(".")[:2]) < OLDEST:
        found.append(Warning(f"Redis {version} is older than 6.2.", id="caching.W001"))
    policy = str(memory.get("maxmemory_policy", ""))
    if policy.startswith("allkeys"):
        found.append(
            Warning(
                f"The cache's Redis evicts any key (maxmemory-policy {policy}): the last invalidation of a tag "
                "could be forgotten while an older entry survives.",
                hint="Use volatile-ttl, volatile-lru or noeviction.",
                id="caching.W002",
            )
        )
    return found + _persistence(client, str(server.get("run_id", "")))


def _persistence(client: Any, run_id: str) -> list[CheckMessage]:
    """The cache itself may lose everything; what lies beside it on the same server may not."""
    try:
        state = client.info("persistence")
        snapshots = client.config_get("save").get("save", "")
        beside = sync_client("broker").info("server").get("run_id", "") == run_id
    except UNAVAILABLE:
        return []
    found: list[CheckMessage] = []
    if "err" in {state.get("aof_last_write_status"), state.get("rdb_last_bgsave_status")}:
        found.append(
            Warning(
                "The cache's Redis could not write to its disk the last time: it may refuse every write.",
                hint="Free its disk, or switch its persistence off if nothing but the cache lies there.",
                id="caching.W003",
            )
        )
    if beside and not state.get("aof_enabled") and not snapshots:
        found.append(
            Warning(
                "Celery's queue lies on the cache's Redis, which keeps nothing on disk: a restart loses queued tasks "
                "(effects on the outside survive, they are rows of the outbox).",
                hint="Switch its append-only file on, or give the queue its own server with REDIS_BROKER_URL.",
                id="caching.W004",
            )
        )
    return found
