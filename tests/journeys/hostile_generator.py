"""A generator that has been turned: it writes what it is told to, in pieces of three characters, or breaks in odd ways."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from chat.backends.base import Brief, Generator, Used, Words, Written

# What it writes next; an exception is raised, and anything else handed on as it is.
script: list[Any] = []


class HostileGenerator(Generator):
    name = "hostile"

    async def stream(self, brief: Brief) -> AsyncIterator[Written]:
        for each in script:
            if isinstance(each, BaseException):
                raise each
            if not isinstance(each, str):
                yield each
                continue
            for at in range(0, len(each), 3):
                yield Words(each[at : at + 3])
        yield Used(model="turned", prompt="none", read=1, written=1)
