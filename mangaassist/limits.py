"""Token buckets: how fast one socket may send, and one conversation or one network address over all processes."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from hashlib import sha1

import redis
from django.conf import settings

from mangaassist.breaker import Breaker, BreakerOpen
from mangaassist.redis_wire import acall

# Buckets of this process that are kept while Redis is away: who comes in greater numbers gets fresh ones.
MOST_LOCAL = 10_000
# The bucket as the time at which it will be full again (GCRA, ITU-T I.371), by the server's own clock.
_TAKE = """
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local full_at = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now) + 1 / ARGV[1]
local wait = full_at - now - ARGV[2] / ARGV[1]
if wait > 0 then return string.format('%.6f', wait) end
redis.call('SET', KEYS[1], string.format('%.6f', full_at), 'PX', math.ceil((full_at - now) * 1000))
return '0'
"""
_TAKE_SHA = sha1(_TAKE.encode(), usedforsecurity=False).hexdigest()
_breaker = Breaker("limits", failures=2, pause_s=1.0)


class TokenBucket:
    """``rate`` tokens a second up to ``burst``; :meth:`take` says how long to wait (seconds), 0 when it may go."""

    __slots__ = ("_at", "_burst", "_clock", "_rate", "_tokens")

    def __init__(self, *, rate: float, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._burst = burst
        self._clock = clock
        self._tokens = float(burst)
        self._at = clock()

    def take(self) -> float:
        now = self._clock()
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate)
        self._at = now
        if self._tokens >= 1:
            self._tokens -= 1
            return 0.0
        return (1 - self._tokens) / self._rate


class SharedBuckets:
    """A token bucket for each id of a kind, one for all processes; without Redis one in each process."""

    def __init__(self, kind: str, *, rate: float, burst: int) -> None:
        self._kind = kind
        self._rate = rate
        self._burst = burst
        self._local: OrderedDict[str, TokenBucket] = OrderedDict()

    async def take(self, id: str) -> float:
        """How long to wait (seconds), 0 when it may go."""
        try:
            _breaker.check()
            wait = await self._take_shared(id)
        except BreakerOpen:
            return self._take_local(id)
        except (redis.RedisError, OSError):
            _breaker.failed()
            return self._take_local(id)
        _breaker.succeeded()
        return wait

    async def _take_shared(self, id: str) -> float:
        arguments = (1, f"{settings.CACHE_KEY_PREFIX}limit:{self._kind}:{id}", self._rate, self._burst)
        try:
            return float(await acall("streams", "EVALSHA", _TAKE_SHA, *arguments))
        except redis.exceptions.NoScriptError:
            return float(await acall("streams", "EVAL", _TAKE, *arguments))

    def _take_local(self, id: str) -> float:
        bucket = self._local.get(id)
        if bucket is None:
            bucket = self._local[id] = TokenBucket(rate=self._rate, burst=self._burst)
            if len(self._local) > MOST_LOCAL:
                self._local.popitem(last=False)
        return bucket.take()
