"""Doorbells between processes: "something new about X", by Redis pub/sub. At most once, and never the thing itself.

Whoever writes rows rings after the commit; every process that shows such rows keeps one subscription per event loop
and reads the database when it hears a ring. A lost ring must therefore cost time only: listeners look by themselves
once in a while. Only what is worth nothing a moment later (somebody types) travels in the ring.

Each bell is a channel of its own, so that Redis sends to a process only what somebody listens to there.
"""

from __future__ import annotations

import asyncio
import random
import weakref
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import orjson
import redis
import structlog
from django.conf import settings
from django.db import transaction
from redis.asyncio.client import PubSub

from mangaassist.breaker import Breaker, BreakerOpen
from mangaassist.redis import Database, async_client
from mangaassist.redis_wire import acall, call

log = structlog.get_logger(__name__)
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
        _breaker.call(lambda: call("channels", "PUBLISH", *peal(bell, about, **said)), failures=_FAILURES)


async def aring(bell: str, about: str, **said: Any) -> None:
    """The same from the event loop."""
    try:
        _breaker.check()
        await acall("channels", "PUBLISH", *peal(bell, about, **said))
    except BreakerOpen:
        return
    except _FAILURES:
        _breaker.failed()
        return
    _breaker.succeeded()


def ring_after_commit(bell: str, about: str) -> None:
    """Rings when, and only when, the transaction under way commits."""
    transaction.on_commit(lambda: ring(bell, about))


def peal(bell: str, about: str, **said: Any) -> tuple[str, bytes]:
    """(channel, message) of a ring, for a script that publishes it together with what it is about."""
    return _channel(bell), orjson.dumps([bell, about, said])


def _channel(bell: str) -> str:
    return f"{settings.CACHE_KEY_PREFIX}bells:{bell}"


def _read(data: bytes) -> Ring | None:
    try:
        bell, about, said = orjson.loads(data)
        return Ring(bell, about, said)
    except (orjson.JSONDecodeError, TypeError, ValueError):
        return None


class Hearing:
    """One event loop's subscription to one Redis database. It exists while somebody listens."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._listeners: dict[str, list[OnRing]] = {}
        self._subscription: PubSub | None = None
        self._task: asyncio.Task[None] | None = None
        self._changes: set[asyncio.Task[None]] = set()

    def listen(self, bell: str, on_ring: OnRing) -> None:
        """``on_ring`` is called in the event loop: it must be quick and must not raise.

        Its first call comes when rings are heard from then on: whoever begins may have missed something.
        """
        is_new = bell not in self._listeners
        self._listeners.setdefault(bell, []).append(on_ring)
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run(), name="doorbell")
        elif is_new and self._subscription is not None:
            self._change(self._subscription.subscribe(_channel(bell)))

    def leave(self, bell: str, on_ring: OnRing) -> None:
        listeners = self._listeners.get(bell, [])
        listeners.remove(on_ring)
        if listeners:
            return
        del self._listeners[bell]
        if not self._listeners and self._task is not None:
            self._task.cancel()
            self._task = None
        elif self._subscription is not None:
            self._change(self._subscription.unsubscribe(_channel(bell)))

    def _change(self, change: Awaitable[Any]) -> None:
        """Sends it in a task of its own. One that fails has found the connection lost: that is opened anew, for all."""

        async def send() -> None:
            # Not only Redis errors: uvloop says RuntimeError of a connection that is closed, redis-py AttributeError of
            # its own that is closed while it sends.
            with suppress(Exception):
                await change

        task = asyncio.get_running_loop().create_task(send())
        self._changes.add(task)
        task.add_done_callback(self._changes.discard)

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
        async with async_client(self._database).pubsub() as subscription:
            asked = list(self._listeners)
            await subscription.subscribe(*map(_channel, asked))
            self._subscription = subscription
            try:
                if late := self._listeners.keys() - set(asked):
                    await subscription.subscribe(*map(_channel, late))
                while not task.cancelling():
                    message = await subscription.get_message(timeout=_READ_S)
                    if message is not None:
                        self._hear_message(message)
            finally:
                self._subscription = None

    def _hear_message(self, message: dict[str, Any]) -> None:
        if message["type"] == "subscribe":
            self._tell(Ring(message["channel"].decode().removeprefix(_channel(""))))
        elif message["type"] == "message" and (heard := _read(message["data"])) is not None:
            self._tell(heard)

    def _tell(self, heard: Ring) -> None:
        for on_ring in tuple(self._listeners.get(heard.bell, ())):
            on_ring(heard)


_hearings: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, dict[Database, Hearing]] = weakref.WeakKeyDictionary()


def hearing(database: Database = "channels") -> Hearing:
    """The running event loop's subscription. Turn streams ring in their own database (chat.turn_stream)."""
    hearings = _hearings.setdefault(asyncio.get_running_loop(), {})
    if database not in hearings:
        hearings[database] = Hearing(database)
    return hearings[database]
