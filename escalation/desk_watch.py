"""One event loop's watch over the desk: hears the bells, reads the floor once, and shows it to every open page.

A lost ring costs at most ``POLL_S``: so does a Redis that is down.
"""

from __future__ import annotations

import asyncio
import weakref
from contextlib import suppress
from typing import Protocol

import structlog

from escalation.desk_floor import Floor, read_floor
from escalation.handoffs import DESK_BELL
from escalation.lines import TYPING_BELL
from mangaassist.dbthreads import in_database
from mangaassist.doorbell import Ring, hearing

log = structlog.get_logger(__name__)

POLL_S = 3.0
# Many changes at once are read together.
GATHER_S = 0.05


class Watcher(Protocol):
    """One open page. Its methods are called in the event loop; they must be quick and must not raise."""

    @property
    def looks_at(self) -> tuple[str, int] | None:
        """(handoff id, the newest line that it was told)."""

    def show(self, floor: Floor) -> None: ...

    def show_typing(self, conversation_id: str, active: bool) -> None: ...


class DeskWatch:
    """Its task lives while a page is open."""

    def __init__(self) -> None:
        self._watchers: set[Watcher] = set()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def join(self, watcher: Watcher) -> None:
        if not self._watchers:
            hearing().listen(DESK_BELL, self._heard)
            hearing().listen(TYPING_BELL, self._heard_typing)
            self._task = asyncio.create_task(self._run(), name="desk-watch")
        self._watchers.add(watcher)
        self.look()

    def leave(self, watcher: Watcher) -> None:
        self._watchers.discard(watcher)
        if not self._watchers and self._task is not None:
            hearing().leave(DESK_BELL, self._heard)
            hearing().leave(TYPING_BELL, self._heard_typing)
            self._task.cancel()
            self._task = None

    def look(self) -> None:
        """Something has changed, or somebody looks at something else."""
        self._wake.set()

    def _heard(self, heard: Ring) -> None:
        self.look()

    def _heard_typing(self, heard: Ring) -> None:
        for watcher in tuple(self._watchers) if heard.about else ():
            watcher.show_typing(heard.about, heard.said.get("active") is True)

    async def _run(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(POLL_S):
                    await self._wake.wait()
            await asyncio.sleep(GATHER_S)
            self._wake.clear()
            looked_at: dict[str, int] = {}
            for watcher in self._watchers:
                if watcher.looks_at is not None:
                    id, told = watcher.looks_at
                    looked_at[id] = min(told, looked_at.get(id, told))
            try:
                floor = await in_database(read_floor, looked_at)
                for watcher in tuple(self._watchers):
                    watcher.show(floor)
            except Exception:  # The database is down or busy: the next look finds the same.
                log.exception("desk_not_read")


_watches: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, DeskWatch] = weakref.WeakKeyDictionary()


def desk_watch() -> DeskWatch:
    """The running event loop's."""
    return _watches.setdefault(asyncio.get_running_loop(), DeskWatch())
