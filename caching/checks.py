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
    return found
