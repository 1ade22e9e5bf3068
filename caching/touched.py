"""Which entries an answer was made from: collected for its trace, so that a bad answer leads to what it came from."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass

# More than this of one answer helps nobody.
MOST = 60


@dataclass(frozen=True, slots=True)
class Touch:
    """``was_hit``: served from the cache; else computed for this answer. ``state``: how the entry was found
    (caching.flights.Look); ``due`` and ``stale`` are older than their time to live.
    """

    kind: str
    key: str
    was_hit: bool
    state: str


_following: ContextVar[list[Touch] | None] = ContextVar("cache_touches", default=None)


def follow(into: list[Touch]) -> None:
    """From now on, in this context and in those that are copied from it."""
    _following.set(into)


def note(kind: str, key: str, *, was_hit: bool, state: str) -> None:
    touches = _following.get()
    if touches is not None and len(touches) < MOST:
        touches.append(Touch(kind, key, was_hit, state))
