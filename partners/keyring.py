"""Which key a request's secret belongs to, and whether its quota allows the request: one round trip to Redis.

A process remembers a key for at most :data:`KEPT_S`, and only while the version in Redis is the one it was read
under: a revocation holds from the next request on, in every process. Without Redis every request reads the database
and each process counts for itself.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from django.utils import timezone

from mangaassist.breaker import BreakerOpen
from mangaassist.dbthreads import in_database
from partners.key_version import REDIS_FAILURES, breaker, read_version
from partners.models import ApiKey, KeySecret, digest_of
from partners.quotas import Usage, count_here, count_in_redis

KEPT_S = 30.0
# Secrets that a process remembers; far more than a shop has partners.
_MOST_KEPT = 1_000


@dataclass(frozen=True, slots=True)
class _Kept:
    secret: KeySecret
    version: bytes
    read_at: float


_kept: dict[str, _Kept] = {}


async def admit(presented: str) -> tuple[ApiKey, Usage] | None:
    """The key of a usable secret and what it has used by now, this request included; None for any other secret."""
    try:
        breaker.check()
        admitted = await _with_redis(presented)
    except BreakerOpen:
        return await _without_redis(presented)
    except REDIS_FAILURES:
        breaker.failed()
        return await _without_redis(presented)
    breaker.succeeded()
    return admitted


async def _with_redis(presented: str) -> tuple[ApiKey, Usage] | None:
    digest = digest_of(presented)
    kept = _kept.get(digest)
    if kept is not None and time.monotonic() - kept.read_at < KEPT_S:
        if not kept.secret.is_usable(timezone.now()):
            return None
        usage = await count_in_redis(kept.secret.key)
        if usage.version == kept.version:
            return kept.secret.key, usage
        secret = await _read(presented, digest, usage.version)
        if secret is None:
            return None
        # Counted already, but against limits that may have been changed.
        return secret.key, replace(usage, rate=secret.key.rate_per_minute, cap=secret.key.daily_cap)
    # The version first: what is read after it can only be newer.
    secret = await _read(presented, digest, await read_version())
    return (secret.key, await count_in_redis(secret.key)) if secret else None


async def _read(presented: str, digest: str, version: bytes) -> KeySecret | None:
    secret = await in_database(_find_and_note, presented)
    if secret is None:
        _kept.pop(digest, None)
        return None
    if len(_kept) >= _MOST_KEPT:
        _kept.clear()
    _kept[digest] = _Kept(secret, version, time.monotonic())
    return secret


async def _without_redis(presented: str) -> tuple[ApiKey, Usage] | None:
    # What was remembered before the outage may have been revoked in it.
    _kept.clear()
    secret = await in_database(_find_and_note, presented)
    return (secret.key, count_here(secret.key)) if secret else None


def _find_and_note(presented: str) -> KeySecret | None:
    """``last_used_at`` is a hint for operators: it is written at most as often as keys are read anew."""
    secret = KeySecret.objects.find(presented)
    if secret is not None:
        now = timezone.now()
        used = secret.key.last_used_at
        if used is None or (now - used).total_seconds() > KEPT_S:
            ApiKey.objects.filter(pk=secret.key.pk).update(last_used_at=now)
    return secret
