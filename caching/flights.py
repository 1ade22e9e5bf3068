"""Single flight inside one process: callers that miss the same key share one computation.

A caller joins a flight only if nothing that the value depends on was invalidated after the flight took its
stamp; otherwise it would get a value older than a finished invalidation.
"""

from __future__ import annotations

import asyncio
import os
import threading
import weakref
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from caching.entries import Stamp

State = Literal["fresh", "due", "stale", "miss"]


class Look(NamedTuple):
    """What one read of one key found.

    ``fresh``: serve it. ``due``: serve it, but somebody should renew it. ``stale``: the backup of an expired
    value, to be served only if computing fails or somebody else is at it. ``miss``: nothing that may be served.
    """

    state: State
    value: Any
    stamp: Stamp
    # The clock of the newest invalidation of the key's tags; None where the tags are unknown without a value.
    newest: int | None
    # The entry's first bytes as read, so that a claim notices that it changed since.
    seen: bytes = b""

    @property
    def has_value(self) -> bool:
        return self.state != "miss"


class FlightLost(Exception):
    """The pilot was cancelled before it had a value: compute yourself."""


@dataclass(slots=True, eq=False)
class Flight:
    stamp: Stamp
    arrival: Future[Any] = field(default_factory=Future)

    def may_carry(self, look: Look) -> bool:
        if look.stamp.token != self.stamp.token:
            return False
        return (look.stamp.seq if look.newest is None else look.newest) <= self.stamp.seq

    def arrive(self, value: Any) -> None:
        if not self.arrival.done():
            self.arrival.set_result(value)

    def crash(self, error: BaseException) -> None:
        if not self.arrival.done():
            self.arrival.set_exception(error if isinstance(error, Exception) else FlightLost())


Loop = asyncio.AbstractEventLoop


class Flights:
    """The flights in the air: one table for all threads, another for each event loop."""

    def __init__(self) -> None:
        self._forget_all()
        # A forked child: its parent's flights arrive in the parent.
        os.register_at_fork(after_in_child=self._forget_all)

    def join(self, key: str, look: Look, loop: Loop | None) -> tuple[Flight, bool]:
        """The flight of this key, and whether the caller is its pilot (who must let it arrive and land)."""
        with self._lock:
            table = self._table(loop)
            flight = table.get(key)
            if flight is not None and flight.may_carry(look):
                return flight, False
            flight = table[key] = Flight(look.stamp)
            return flight, True

    def land(self, key: str, flight: Flight, loop: Loop | None) -> None:
        """Takes it off the board: after its value is stored, so that nobody computes in between."""
        with self._lock:
            table = self._table(loop)
            if table.get(key) is flight:
                del table[key]

    def _table(self, loop: Loop | None) -> dict[str, Flight]:
        return self._of_threads if loop is None else self._of_loops.setdefault(loop, {})

    def _forget_all(self) -> None:
        self._lock = threading.Lock()
        self._of_threads: dict[str, Flight] = {}
        self._of_loops: weakref.WeakKeyDictionary[Loop, dict[str, Flight]] = weakref.WeakKeyDictionary()
