"""Telling other processes that there is something to read. At most once, and never the thing itself.

Whoever writes rows rings after the commit; every process that shows such rows keeps one subscription per event loop
and reads the database when it hears a ring. A lost ring must therefore cost time only: listeners look by themselves
once in a while. Only what is worth nothing a moment later (somebody types) travels in the ring.
"""

from __future__ import annotations

import asyncio
import random
import weakref
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import orjson
import redis
import structlog
from django.conf import settings
from django.db import transaction

from mangaassist.breaker import Breaker, BreakerOpen
from mangaassist.redis import async_client
from mangaassist.redis_wire import acall, call

log = structlog.get_logger(__name__)
_CHANNEL = "bells"
# How long one read of the subscription waits, and the pause before a lost one is opened again.
_READ_S = 5.0
_RETRY_S = (0.3, 1.5)
_breaker = Breaker("doorbell", failures=2, pause_s=2.0)
_FAILURES = (redis.RedisError, OSError)


@dataclass(frozen=True, slots=True)
class Ring:
    """``about``: the id of what changed, empty when rings may have been missed. ``said``: see :func:`ring`."""

    bell: str
    about: str = ""
    said: dict[str, Any] = field(default_factory=dict)


OnRing = Callable[[Ring], None]


def ring(bell: str, about: str, **said: Any) -> None:
    """Rings now, from a thread; never raises. ``said``: a few plain values that are of no use later."""
    with suppress(*_FAILURES, BreakerOpen):
        _breaker.call(lambda: call("channels", "PUBLISH", _channel(), _packed(bell, about, said)), failures=_FAILURES)


async def aring(bell: str, about: str, **said: Any) -> None:
    """The same from the event loop."""
    try:
        _breaker.check()
        await acall("channels", "PUBLISH", _channel(), _packed(bell, about, said))
    except BreakerOpen:
        return
    except _FAILURES:
        _breaker.failed()
        return
    _breaker.succeeded()


def ring_after_commit(bell: str, about: str) -> None:
    """Rings when, and only when, the transaction under way commits."""
    transaction.on_commit(lambda: ring(bell, about))


def _channel() -> str:
    return f"{settings.CACHE_KEY_PREFIX}{_CHANNEL}"


def _packed(bell: str, about: str, said: dict[str, Any]) -> bytes:
    return orjson.dumps([bell, about, said])


def _read(data: bytes) -> Ring | None:
    try:
        bell, about, said = orjson.loads(data)
        return Ring(bell, about, said)
    except (orjson.JSONDecodeError, TypeError, ValueError):
        return None


class Hearing:
    """One event loop's subscription. It exists while somebody listens."""

    def __init__(self) -> None:
        self._listeners: dict[str, list[OnRing]] = {}
        self._task: asyncio.Task[None] | None = None

    def listen(self, bell: str, on_ring: OnRing) -> None:
        """``on_ring`` is called in the event loop: it must be quick and must not raise."""
        self._listeners.setdefault(bell, []).append(on_ring)
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run(), name="doorbell")

    def leave(self, bell: str, on_ring: OnRing) -> None:
        listeners = self._listeners.get(bell, [])
        listeners.remove(on_ring)
        if not listeners:
            del self._listeners[bell]
        if not self._listeners and self._task is not None:
            self._task.cancel()
            self._task = None

    async def _run(self) -> None:
        # asyncio.wait_for, which redis-py sends with, may swallow a cancellation (CPython 3.11, gh-86296): hence asked.
        task = asyncio.current_task()
        assert task is not None
        while not task.cancelling():
            try:
                await self._hear(task)
            except Exception as error:  # Whatever it was: whoever listens still looks by itself, and this tries again.
                log.info("doorbell_lost", error=repr(error)[:200])
            if not task.cancelling():
                await asyncio.sleep(random.uniform(*_RETRY_S))

    async def _hear(self, task: asyncio.Task[None]) -> None:
        async with async_client("channels").pubsub(ignore_subscribe_messages=True) as subscription:
            await subscription.subscribe(_channel())
            for bell in tuple(self._listeners):
                self._tell(Ring(bell))
            while not task.cancelling():
                message = await subscription.get_message(timeout=_READ_S)
                heard = _read(message["data"]) if message else None
                if heard is not None:
                    self._tell(heard)

    def _tell(self, heard: Ring) -> None:
        for on_ring in tuple(self._listeners.get(heard.bell, ())):
            on_ring(heard)


_hearings: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Hearing] = weakref.WeakKeyDictionary()


def hearing() -> Hearing:
    """The running event loop's subscription."""
    return _hearings.setdefault(asyncio.get_running_loop(), Hearing())
