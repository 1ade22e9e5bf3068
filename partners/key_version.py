"""One word in Redis that changes whenever any key does: what is remembered of a key holds while it is the same."""

from __future__ import annotations

import secrets
from contextlib import suppress

import redis
import structlog
from django.conf import settings
from django.db import transaction

from mangaassist.breaker import Breaker, BreakerOpen
from mangaassist.redis_wire import acall, call

log = structlog.get_logger(__name__)
REDIS_FAILURES = (redis.RedisError, OSError)
breaker = Breaker("api_keys", failures=2, pause_s=2.0)


def version_key() -> str:
    return f"{settings.CACHE_KEY_PREFIX}api-keys:version"


async def read_version() -> bytes:
    """Empty when no key was ever changed. Raises what Redis raises."""
    reply: bytes | None = await acall("streams", "GET", version_key())
    return reply or b""


def announce_after_commit() -> None:
    """Makes every process read keys anew, once the transaction under way commits.

    While Redis is down nothing is remembered, so that nothing is missed but what a process read just before and
    still trusts just after: half a minute at most (partners.keyring).
    """
    transaction.on_commit(_announce)


def _announce() -> None:
    def renew() -> None:
        call("streams", "SET", version_key(), secrets.token_hex(8))

    with suppress(BreakerOpen):
        try:
            breaker.call(renew, failures=REDIS_FAILURES)
        except REDIS_FAILURES as error:
            log.warning("api_key_change_not_announced", error=repr(error)[:200])
