"""Work behind the answer: stores, early refreshes and counters, bounded, and nobody waits for them."""

from __future__ import annotations

import asyncio
import os
import threading
import weakref
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import structlog

log = structlog.get_logger(__name__)

# What is over this is not done: a cache that cannot keep up must not hold the process's memory.
LIMIT = 512


class Behind:
    """One background thread for synchronous callers, tasks on the caller's own loop for the others."""

    def __init__(self) -> None:
        self._start_over()
        os.register_at_fork(after_in_child=self._start_over)

    def submit(self, function: Callable[[], object]) -> bool:
        """Whether there was room for it."""
        if not self._places.acquire(blocking=False):
            return False
        self._pool.submit(self._run, function)
        return True

    def spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any] | None:
        """Starts ``work`` on the running loop and holds on to it; None if there is no room."""
        tasks = self._tasks.setdefault(asyncio.get_running_loop(), set())
        if len(tasks) >= LIMIT:
            work.close()
            return None
        task = asyncio.create_task(work)
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        task.add_done_callback(_retrieve)
        return task

    def finish(self) -> None:
        """Waits until everything submitted so far is done."""
        self._pool.submit(lambda: None).result()

    async def afinish(self) -> None:
        """Waits until everything spawned on this loop so far is done."""
        await asyncio.gather(*self._tasks.get(asyncio.get_running_loop(), ()), return_exceptions=True)

    def _run(self, function: Callable[[], object]) -> None:
        try:
            function()
        except Exception:
            log.exception("cache_background_work_failed")
        finally:
            self._places.release()

    def _start_over(self) -> None:
        self._places = threading.BoundedSemaphore(LIMIT)
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="cache-behind")
        self._tasks: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, set[asyncio.Task[Any]]] = (
            weakref.WeakKeyDictionary()
        )


def _retrieve(task: asyncio.Task[Any]) -> None:
    # Whoever waits for the task gets its exception too; this one keeps asyncio from reporting it twice.
    if not task.cancelled():
        task.exception()


behind = Behind()
