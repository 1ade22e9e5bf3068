"""What a process keeps in its own memory, made from many rows (an index, a matrix), and as fresh as the cache.

A picture is no entry in Redis, but it is a cache all the same: a value computed from an old picture would be stored
as new. So it is valid by the same clock: it was made after the last invalidation of its tag, or it is made again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

import structlog
from django.db import connection

from caching.invalidation import transaction_changed_something
from caching.reading import tag_token
from caching.steps import perform
from caching.trust import Untrusted

log = structlog.get_logger(__name__)
T = TypeVar("T")


class Picture(Generic[T]):
    """Thread-safe. ``tag``: what is invalidated when it must be made again.

    ``make()`` reads the rows. ``rows_version()`` tells by one small query whether they changed: that decides while
    Redis is away, and inside a transaction that changed something itself.
    """

    def __init__(self, tag: str, make: Callable[[], T], rows_version: Callable[[], object]) -> None:
        self._tag = tag
        self._make = make
        self._rows_version = rows_version
        self._lock = threading.Lock()
        self._held: tuple[object, T] | None = None
        self._starting = threading.Lock()
        self._making: threading.Thread | None = None

    def current(self) -> T:
        """Asking costs one round trip to Redis. Raises what ``make`` raises."""
        token = self._token()
        held = self._held
        if held is not None and held[0] == token:
            return held[1]
        with self._lock:
            if self._held is None or self._held[0] != token:
                # The token was read before the rows: they are at least as new.
                self._held = (token, self._make())
            return self._held[1]

    def at_hand(self, patience_s: float) -> tuple[T, bool]:
        """As :meth:`current`, but nobody waits longer than ``patience_s`` for a picture that must be made again: that
        goes on in a thread of its own, and the one from before serves meanwhile.

        The second value: whether it is the present one. What is computed from an older one must not be cached.
        """
        token, held = self._token(), self._held
        if held is None or transaction_changed_something():
            return self.current(), True
        if held[0] == token:
            return held[1], True
        self._make_behind().join(patience_s)
        held = self._held
        assert held is not None
        return held[1], held[0] == token

    def _make_behind(self) -> threading.Thread:
        """The thread that makes it, which may have begun already."""
        with self._starting:
            making = self._making
            if making is None or not making.is_alive():
                making = self._making = threading.Thread(target=self._run, name=f"picture-{self._tag}", daemon=True)
                making.start()
            return making

    def _run(self) -> None:
        try:
            self.current()
        except Exception as error:  # The one from before serves on, and the next who asks tries again.
            log.warning("picture_not_made", tag=self._tag, error=repr(error)[:300])
        finally:
            connection.close()

    def _token(self) -> object:
        if not transaction_changed_something():
            try:
                return perform(tag_token(self._tag), _computes_nothing)
            except Untrusted:
                pass
        return self._rows_version()


def _computes_nothing(wanted: object) -> object:
    raise AssertionError
