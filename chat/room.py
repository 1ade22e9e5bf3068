"""How many turns a process works on at once. More wait, in the order in which they came, and their shoppers know that
they are being thought about; when enough wait, a new question is refused before it is stored.

So whoever is acknowledged is answered soon, however many ask: turns that all run at once would all be late, and miss
the time limits of their steps.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from weakref import WeakKeyDictionary

from django.conf import settings

# What a refused shopper waits at least and at most, before it is spread: who was refused together comes back apart.
SHORTEST_WAIT_S = 1.0
LONGEST_WAIT_S = 10.0
# How much the last turn counts in the mean of what a turn takes.
LAST_TURN_SHARE = 0.1


class Busy(Exception):
    """No room for another question now."""

    def __init__(self, retry_after_s: float) -> None:
        super().__init__("Too many questions are being answered.")
        self.retry_after_s = retry_after_s


class Room:
    """Of one process. A turn that waits for the one before it in its conversation is not in it: whoever asks much at

    once keeps nobody else out.
    """

    def __init__(self) -> None:
        # Questions that are being stored: their turns begin in a moment.
        self._storing = 0
        self.waiting = 0
        self.at_work = 0
        self.refused = 0
        # An event loop's own: a process has one, tests have many.
        self._places: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()
        self._turn_takes_s = 0.0

    @contextmanager
    def for_question(self) -> Iterator[None]:
        """While a question is stored and its turn begins. Raises :class:`Busy`: nothing is to be stored."""
        if self._storing + self.waiting + self.at_work >= settings.TURNS_AT_ONCE + settings.TURNS_WAITING:
            self.refused += 1
            raise Busy(self._retry_after_s())
        self._storing += 1
        try:
            yield
        finally:
            self._storing -= 1

    @asynccontextmanager
    async def for_turn(self) -> AsyncIterator[None]:
        """Waits for a place. A turn that waits for another one's end must not have one meanwhile."""
        loop = asyncio.get_running_loop()
        places = self._places.get(loop)
        if places is None:
            places = self._places[loop] = asyncio.Semaphore(settings.TURNS_AT_ONCE)
        self.waiting += 1
        try:
            await places.acquire()
        finally:
            self.waiting -= 1
        began = time.monotonic()
        self.at_work += 1
        try:
            yield
        finally:
            places.release()
            self.at_work -= 1
            self._turn_takes_s += LAST_TURN_SHARE * (time.monotonic() - began - self._turn_takes_s)

    def _retry_after_s(self) -> float:
        """About when those who wait now will have been answered, and up to as long again."""
        wait = settings.TURNS_WAITING / settings.TURNS_AT_ONCE * self._turn_takes_s
        return random.uniform(1, 2) * min(max(wait, SHORTEST_WAIT_S), LONGEST_WAIT_S)
