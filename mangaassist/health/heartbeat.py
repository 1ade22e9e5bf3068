"""The workers' signs of life: a Redis key a queue, which beat and that queue's workers together keep from expiring."""

from __future__ import annotations

import time

from mangaassist.redis import async_client, sync_client

# What shoppers depend on; the queue `batch` may be busy for an hour.
QUEUES = ("interactive", "delivery")
# Four beats of 5 s: one lost beat alarms nobody.
FRESH_S = 20


def key_of(queue: str) -> str:
    return f"health:worker:{queue}"


def show_sign_of_life(queue: str) -> None:
    """Raises ``redis.RedisError``."""
    sync_client("streams").set(key_of(queue), str(time.time()), ex=FRESH_S)


async def silent_queues() -> list[str]:
    """Those whose workers gave no sign of life lately. Raises ``redis.RedisError``."""
    shown = await async_client("streams").mget([key_of(queue) for queue in QUEUES])
    return [queue for queue, each in zip(QUEUES, shown, strict=True) if each is None]
