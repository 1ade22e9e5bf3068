"""A web process' watch over the help: it hears of a new version and reads it before anybody asks.

Questions are answered from the version before until it is read. A ring that is lost costs ``POLL_S``; then, or where
nobody watches, the first question starts the reading (``caching.pictures``).
"""

from __future__ import annotations

import asyncio
import weakref
from contextlib import suppress

import structlog

from knowledge.help_index import read_help
from knowledge.index import BELL
from mangaassist.dbthreads import in_database
from mangaassist.doorbell import Ring, hearing

log = structlog.get_logger(__name__)

POLL_S = 5.0


class HelpWatch:
    """One event loop's."""

    def __init__(self) -> None:
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        if self._task is None:
            hearing().listen(BELL, self._heard)
            self._task = asyncio.create_task(self._run(), name="help-watch")

    def end(self) -> None:
        if self._task is not None:
            hearing().leave(BELL, self._heard)
            self._task.cancel()
            self._task = None

    def _heard(self, heard: Ring) -> None:
        self._wake.set()

    async def _run(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(POLL_S):
                    await self._wake.wait()
            self._wake.clear()
            try:
                await in_database(read_help)
            except Exception as error:  # The database is down or busy: the next look finds the same.
                log.warning("help_not_read", error=repr(error)[:300])


_watches: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, HelpWatch] = weakref.WeakKeyDictionary()


def help_watch() -> HelpWatch:
    """The running event loop's."""
    return _watches.setdefault(asyncio.get_running_loop(), HelpWatch())
