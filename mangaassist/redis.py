"""The only maker of Redis clients: sync ones per process, async ones per event loop.

Every client has short timeouts and no retries, so that a hung Redis costs a caller 50 ms and not seconds;
what to do about a failure is the caller's breaker's business. Databases, by name (``settings.REDIS_URLS``):
``cache`` the policy cache · ``broker`` Celery · ``channels`` doorbells · ``streams`` turn streams and limits.
"""

from __future__ import annotations

import asyncio
import atexit
import threading
import weakref
from typing import Literal

import redis
import redis.asyncio
from django.conf import settings
from django.core.signals import setting_changed
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.retry import Retry

Database = Literal["cache", "broker", "channels", "streams"]

_sync: dict[Database, redis.Redis] = {}
_async: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, dict[Database, redis.asyncio.Redis]] = (
    weakref.WeakKeyDictionary()
)
_lock = threading.Lock()
# Their end imports something. Left to the interpreter's own end, it would wait for ever for the lock of a thread that
# was frozen in the middle of an import.
atexit.register(_async.clear)


def sync_client(database: Database) -> redis.Redis:
    """The process's client of one database; replies are bytes. Raises ``redis.RedisError`` on use."""
    client = _sync.get(database)
    if client is None:
        with _lock:
            client = _sync.setdefault(
                database,
                redis.Redis.from_url(
                    settings.REDIS_URLS[database],
                    socket_timeout=settings.REDIS_TIMEOUT_S,
                    socket_connect_timeout=settings.REDIS_TIMEOUT_S,
                    retry=Retry(NoBackoff(), 0),
                    health_check_interval=0,
                ),
            )
    return client


def async_client(database: Database) -> redis.asyncio.Redis:
    """The running event loop's client of one database; replies are bytes."""
    clients = _async.setdefault(asyncio.get_running_loop(), {})
    client = clients.get(database)
    if client is None:
        client = clients[database] = redis.asyncio.Redis.from_url(
            settings.REDIS_URLS[database],
            socket_timeout=settings.REDIS_TIMEOUT_S,
            socket_connect_timeout=settings.REDIS_TIMEOUT_S,
            retry=AsyncRetry(NoBackoff(), 0),
            health_check_interval=0,
        )
    return client


def _forget(*, setting: str, **kwargs: object) -> None:
    if setting in {"REDIS_URLS", "REDIS_TIMEOUT_S"}:
        _sync.clear()
        _async.clear()


setting_changed.connect(_forget)
