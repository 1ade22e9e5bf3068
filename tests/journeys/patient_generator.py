"""A generator that writes piece by piece when the test lets it: as slow as a model may be."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from chat.backends.base import Brief, Generator, Words, Written

# A place for each piece that may be written.
allowed: list[asyncio.Semaphore] = []
# Set when it is to write; for who waits for that.
begun: list[asyncio.Event] = []
# A sentence is known to have ended when the next one begins. Both are such as the guards let a model say.
PIECES = ("One moment, please. Here", " is something good.")


class PatientGenerator(Generator):
    name = "patient"

    async def stream(self, brief: Brief) -> AsyncIterator[Written]:
        for event in begun:
            event.set()
        for piece in PIECES:
            await allowed[-1].acquire()
            yield Words(piece)
