"""Is every part that the shop stands on well? Each probe ends within ``PROBE_LIMIT_S``, whatever hangs."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import time
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import structlog
from django.conf import settings
from django.db import connection

from chat.warm import understands
from mangaassist.dbthreads import in_database
from mangaassist.health.heartbeat import silent_queues
from mangaassist.redis import async_client
from shop import search_index

log = structlog.get_logger(__name__)

PROBE_LIMIT_S = 1.0
# How long another transaction may last before nothing is stored in time.
LOCK_LIMIT_S = 0.5
# Below this SQLite may refuse the next write, and nothing may be acknowledged.
LEAST_FREE_BYTES = 32 * 1024 * 1024


class NotWell(Exception):
    """The text says what is wrong, in words that anyone may read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part's state. ``fault`` is empty when it is well."""

    name: str
    fault: str
    took_ms: float

    @property
    def ok(self) -> bool:
        return not self.fault


async def probe_parts() -> list[Part]:
    """All parts at once, in their order of importance."""
    return list(await asyncio.gather(*(_probe(name, check) for name, check in PROBES.items())))


async def _probe(name: str, check: Callable[[], Awaitable[None]]) -> Part:
    began = time.perf_counter()
    fault = ""
    try:
        await asyncio.wait_for(check(), PROBE_LIMIT_S)
    except TimeoutError:
        fault = f"no answer within {PROBE_LIMIT_S:g} s"
    except NotWell as error:
        fault = str(error)
    except Exception as error:  # whatever broke, this part is not well and the others are still asked
        # The error's own text may hold addresses and names: it is for the log, not for everyone.
        log.debug("probe_failed", part=name, error=str(error))
        fault = type(error).__name__
    return Part(name=name, fault=fault, took_ms=round((time.perf_counter() - began) * 1000, 2))


async def _database() -> None:
    await in_database(_select_one)
    if connection.vendor == "sqlite":
        free = await asyncio.to_thread(lambda: shutil.disk_usage(settings.DATA_DIR).free)
        if free < LEAST_FREE_BYTES:
            raise NotWell("the disk is full")
        await asyncio.to_thread(_begin_to_write, str(connection.settings_dict["NAME"]))


def _select_one() -> None:
    with connection.cursor() as cursor:
        if connection.vendor != "postgresql":
            cursor.execute("SELECT 1")
            return
        # A standby, and a primary that was made read-only, answer every question and store nothing.
        cursor.execute("SELECT current_setting('transaction_read_only')")
        if cursor.fetchone() == ("on",):
            raise NotWell("it takes no writes")


def _begin_to_write(path: str) -> None:
    """Readers get through where a writer does not: asked beside our own threads, which would wait for longer."""
    address = f"{Path(path).absolute().as_uri()}?mode=rw"
    with closing(sqlite3.connect(address, uri=True, timeout=LOCK_LIMIT_S, isolation_level=None)) as own:
        try:
            own.execute("BEGIN IMMEDIATE")
            own.execute("ROLLBACK")
        except sqlite3.OperationalError as error:
            raise NotWell("it takes no writes: somebody holds it") from error


async def _redis() -> None:
    await async_client("cache").ping()


async def _worker() -> None:
    """Deliveries leave: a worker that only trains models does not count."""
    if silent := await silent_queues():
        raise NotWell(f"no heartbeat: {', '.join(silent)}")


async def _search() -> None:
    if not await in_database(search_index.is_ready):
        raise NotWell("no index")


async def _models() -> None:
    if not understands():
        raise NotWell("still learning to understand")


PROBES: dict[str, Callable[[], Awaitable[None]]] = {
    "database": _database,
    "redis": _redis,
    "worker": _worker,
    "search": _search,
    "models": _models,
}
