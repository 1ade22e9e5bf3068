"""The short way to Redis, for single commands on the hot path of an answer.

redis-py connects (address, TLS, login, database), and then each thread keeps its connection, and each event loop
one connection that all its tasks share: their commands leave together and the replies come back in order. No pool,
no retries, no instrumentation: a third of the time of ``client.get`` under load (docs/benchmarks.md).

Everything raises ``redis.RedisError`` or ``OSError``; a call that failed has closed its connection, and the next
one opens a new one.
"""

from __future__ import annotations

import asyncio
import os
import select
import threading
import weakref
from collections import deque
from collections.abc import Callable
from typing import Any

import hiredis
import redis
from django.conf import settings
from django.core.signals import setting_changed

from mangaassist.redis import Database, async_client, sync_client

Argument = str | bytes | int | float
# Its stub knows tuples of one item only.
_packed: Callable[[tuple[Argument, ...]], bytes] = hiredis.pack_command  # type: ignore[assignment]


def call(database: Database, *command: Argument) -> Any:
    """One command on the calling thread's connection → its reply, texts as bytes."""
    kept = _threads.kept.get(database)
    if kept is None:
        kept = _threads.kept[database] = _Kept(database)
    connection = kept.ready()
    connection.send_packed_command((_packed(command),), check_health=False)
    return connection.read_response()


async def acall(database: Database, *command: Argument) -> Any:
    """One command on the running event loop's connection → its reply, texts as bytes."""
    loop = asyncio.get_running_loop()
    wires = _loops.get(loop)
    if wires is None:
        wires = _loops[loop] = {}
    wire = wires.get(database)
    if wire is None:
        wire = wires[database] = _Wire(database)
    if wire.transport is None:
        await wire.connect()
    reply = wire.send(_packed(command))
    # Not asyncio.timeout: after a stall of the loop itself it would forget a reply that has just been read.
    timer = loop.call_later(settings.REDIS_TIMEOUT_S, wire.is_late, reply)
    try:
        answer = await reply
    finally:
        timer.cancel()
    if isinstance(answer, hiredis.ReplyError):
        raise _error_of(answer)
    return answer


class _Kept:
    """One thread's connection."""

    def __init__(self, database: Database) -> None:
        # Not by the pool: it counts what it makes and never hears that a thread has ended. Each request of a page has a
        # thread of its own; after the hundredth no new thread, and no probe of a breaker, would ever get a connection.
        pool = sync_client(database).connection_pool
        self._connection: Any = pool.connection_class(**pool.connection_kwargs)
        self._socket: Any = None
        self._poll = select.poll()

    def ready(self) -> Any:
        """The connection, opened anew if the server closed it meanwhile (or said what nobody asked for)."""
        connection = self._connection
        if connection._sock is not None and connection._sock is self._socket:
            if not self._poll.poll(0):
                return connection
            connection.disconnect()
        if connection._sock is None:
            connection.connect()
        self._socket = connection._sock
        self._poll = select.poll()
        self._poll.register(self._socket, select.POLLIN | select.POLLHUP | select.POLLERR)
        return connection


class _Wire(asyncio.Protocol):
    """One event loop's connection. Only that loop touches it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._opening: asyncio.Task[None] | None = None
        self._waiting: deque[asyncio.Future[Any]] = deque()
        self._connection: Any = None
        self.transport: Any = None

    async def connect(self) -> None:
        """One attempt for all who want it now: behind a hung server nobody waits for more than one timeout."""
        if self._opening is None:
            self._opening = asyncio.create_task(self._open())
            self._opening.add_done_callback(self._opened)
        await asyncio.shield(self._opening)

    async def _open(self) -> None:
        pool: Any = async_client(self._database).connection_pool
        connection = pool.make_connection()
        await connection.connect()
        # The login is done and nothing is under way: from here on the bytes are ours.
        self._parser = hiredis.Reader()
        self._connection = connection
        self.transport = connection._writer.transport
        self.transport.set_protocol(self)

    def _opened(self, opening: asyncio.Task[None]) -> None:
        self._opening = None
        if not opening.cancelled():
            # Also when everybody who waited for it has given up.
            opening.exception()

    def send(self, command: bytes) -> asyncio.Future[Any]:
        if self.transport is None:
            raise redis.ConnectionError("Redis closed the connection")
        try:
            self.transport.write(command)
        except RuntimeError as error:  # uvloop's word for a connection that is closed, before it tells us so
            raise redis.ConnectionError("Redis closed the connection") from error
        reply: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append(reply)
        return reply

    def data_received(self, data: bytes) -> None:
        self._parser.feed(data)
        try:
            while (reply := self._parser.gets()) is not False:
                if isinstance(reply, hiredis.PushNotification):
                    continue
                waiting = self._waiting.popleft()
                if not waiting.done():
                    waiting.set_result(reply)
        except (hiredis.ProtocolError, IndexError) as error:
            self.close(redis.ConnectionError(f"Not what Redis says: {error}"))

    def connection_lost(self, exc: Exception | None) -> None:
        self.close(redis.ConnectionError("Redis closed the connection"))

    def is_late(self, reply: asyncio.Future[Any]) -> None:
        # Replies come in order: who asked after this one would wait for it too.
        if not reply.done():
            self.close(redis.TimeoutError("Timeout reading from Redis"))

    def close(self, error: Exception) -> None:
        """Everybody who waits gets ``error``."""
        transport, self.transport, self._connection = self.transport, None, None
        if transport is not None:
            # Its last words must not be taken for those of the next connection.
            transport.set_protocol(asyncio.Protocol())
            transport.abort()
        while self._waiting:
            waiting = self._waiting.popleft()
            if not waiting.done():
                waiting.set_exception(error)


def _error_of(reply: hiredis.ReplyError) -> redis.ResponseError:
    text = str(reply)
    if text.startswith("NOSCRIPT "):
        return redis.exceptions.NoScriptError(text.removeprefix("NOSCRIPT "))
    return redis.ResponseError(text)


class _Threads(threading.local):
    """Per thread: its connections. They close with the thread."""

    def __init__(self) -> None:
        self.kept: dict[Database, _Kept] = {}


_threads = _Threads()
_loops: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, dict[Database, _Wire]] = weakref.WeakKeyDictionary()


def _start_over() -> None:
    global _threads
    _threads = _Threads()
    _loops.clear()


def _forget(*, setting: str, **kwargs: object) -> None:
    if setting in {"REDIS_URLS", "REDIS_TIMEOUT_S"}:
        _start_over()


# A forked child must not speak on its parent's connections.
os.register_at_fork(after_in_child=_start_over)
setting_changed.connect(_forget)
