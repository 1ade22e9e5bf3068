"""A generator that writes a sentence now and then: slow enough for something to happen in the middle."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from chat.backends.base import Brief, Generator, Words, Written

COLOURS = ("red", "orange", "yellow", "green", "blue", "indigo", "violet", "brown", "grey", "white", "black", "pink")


class UnhurriedGenerator(Generator):
    name = "unhurried"

    def __init__(self, *, sentences: int = 8, pause_s: float = 0.25) -> None:
        self._sentences = sentences
        self._pause_s = pause_s

    async def stream(self, brief: Brief) -> AsyncIterator[Written]:
        for number in range(self._sentences):
            await asyncio.sleep(self._pause_s)
            # The end of a sentence is known when the next one begins.
            yield Words(f"Here is a {COLOURS[number % len(COLOURS)]} book. ")
