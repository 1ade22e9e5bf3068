"""Database work off the event loop, in threads of its own.

Django's async ORM and ``database_sync_to_async`` share ONE thread per process: a slow query there stalls every
socket. One hop into this pool does a whole step's queries.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

from django.db import close_old_connections, connection, connections

from mangaassist.instruments import database_wait_seconds
from mangaassist.rehearsal import only_reading

P = ParamSpec("P")
T = TypeVar("T")

# A database on the network is waited for, SQLite computes here: more threads than these only take the interpreter from
# one another (with eight, the slowest of a hundred questions took twice as long to be stored as with three).
_pool = ThreadPoolExecutor(max_workers=3 if connection.vendor == "sqlite" else 8, thread_name_prefix="database")
# Questions are taken in by threads that do nothing else: behind the steps of other shoppers' answers, one in a hundred
# waited for most of a tenth of a second before it was stored.
_question_lane = ThreadPoolExecutor(
    max_workers=1 if connection.vendor == "sqlite" else 4, thread_name_prefix="question-database"
)
# Thousands of changes at a time take turns with each other, not with shoppers.
_bulk_lane = ThreadPoolExecutor(max_workers=1, thread_name_prefix="bulk-database")


async def in_database(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """``function(*args)`` in a database thread, in the caller's context; stale connections are closed first."""
    return await _run_in(_pool, partial(function, *args, **kwargs))


async def in_question_lane(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """The same for what stands between a question and its acknowledgement: it waits for other questions only."""
    return await _run_in(_question_lane, partial(function, *args, **kwargs))


async def in_bulk_lane(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """The same in the one thread that is for long work, in the order in which it came."""
    return await _run_in(_bulk_lane, partial(function, *args, **kwargs))


async def _run_in(threads: ThreadPoolExecutor, function: Callable[[], T]) -> T:
    context = contextvars.copy_context()
    asked = time.perf_counter()

    def work() -> T:
        database_wait_seconds.observe(time.perf_counter() - asked)
        close_old_connections()
        return context.run(only_reading, function)

    return await asyncio.get_running_loop().run_in_executor(threads, work)


def close_with_page(**kwargs: object) -> None:
    """Receives ``request_finished``: a page has a thread of its own, which ends with it, and its connection goes along.

    Django would keep it for the thread's next page (``CONN_MAX_AGE``) and, there being none, leave it to the collector.
    The main thread is no page's: what is asked in it (``django.test.Client``) leaves the asker's connection open.
    """
    if threading.current_thread() is not threading.main_thread():
        connections.close_all()
