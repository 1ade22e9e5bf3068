"""Hits, misses and the rest, per kind: counted in the process, added up in Redis every few seconds."""

from __future__ import annotations

import threading
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from caching.behind import behind
from caching.redis_scripts import prefixed
from caching.trust import UNAVAILABLE, trust
from mangaassist.redis import sync_client

Event = Literal[
    "hit",
    "miss",
    "stale",
    "bypass",
    "corrupt",
    "stored",
    "stale_fill_refused",
    "value_refused",
    "too_large",
    "not_stored",
]

FLUSH_S = 2.0
KEEP_S = 48 * 3600


class Counters:
    """Thread-safe. What an outage of Redis or a crash loses is a few seconds of statistics."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[tuple[str, Event]] = Counter()
        self._flushed_at = time.monotonic()

    def add(self, kind: str, event: Event, number: int = 1) -> None:
        if not number:
            return
        with self._lock:
            self._counts[kind, event] += number
            due = time.monotonic() - self._flushed_at >= FLUSH_S
            if due:
                self._flushed_at = time.monotonic()
        if due:
            behind.submit(self.flush)

    def flush(self) -> None:
        """Adds what was counted here to the totals of this hour."""
        if trust.is_open():
            return
        with self._lock:
            counts, self._counts = self._counts, Counter()
        if not counts:
            return
        key = _hour_key(datetime.now(UTC))
        pipeline = sync_client("cache").pipeline(transaction=False)
        for (kind, event), number in counts.items():
            pipeline.hincrby(key, f"{kind}:{event}", number)
        pipeline.expire(key, KEEP_S)
        try:
            pipeline.execute()
        except UNAVAILABLE as error:
            trust.failed(error)

    def totals(self, hours: int) -> dict[str, Counter[Event]]:
        """By kind, over all processes, in the last ``hours`` (the current one included). Empty without Redis."""
        self.flush()
        found: dict[str, Counter[Event]] = {}
        now = datetime.now(UTC)
        try:
            for back in range(hours):
                row: Any = sync_client("cache").hgetall(_hour_key(now - timedelta(hours=back)))
                for field, number in row.items():
                    kind, _, event = field.decode().partition(":")
                    found.setdefault(kind, Counter())[event] += int(number)
        except UNAVAILABLE as error:
            trust.failed(error)
        return found


def _hour_key(at: datetime) -> str:
    return prefixed(f"cache:counters:{at:%Y%m%d%H}")


counters = Counters()
