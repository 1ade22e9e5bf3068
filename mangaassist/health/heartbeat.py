"""The worker's sign of life: a Redis key that beat and worker together keep from expiring."""

from __future__ import annotations

import time

from mangaassist.redis import async_client, sync_client

KEY = "health:worker"
# Four beats of 5 s: one lost beat alarms nobody.
FRESH_S = 20


def show_sign_of_life() -> None:
    """Raises ``redis.RedisError``."""
    sync_client("streams").set(KEY, str(time.time()), ex=FRESH_S)


async def heartbeat_age() -> float | None:
    """Seconds since the last sign of life; None when there is none. Raises ``redis.RedisError``."""
    shown = await async_client("streams").get(KEY)
    return None if shown is None else max(0.0, time.time() - float(shown))
