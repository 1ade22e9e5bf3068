"""Events gather in memory and are flushed as one outbox row a batch.

Nothing here is acknowledged to anybody: a crash may lose the last second, an outage of the stream nothing, and a
full buffer drops and counts, as does a record that no database takes. Appending never waits for anything.
"""

from __future__ import annotations

import atexit
import threading
import uuid
from collections import deque
from collections.abc import Callable
from typing import Any

import structlog
from django.db import DataError, close_old_connections, connection

from mangaassist.outbox.delivery import enqueue

log = structlog.get_logger(__name__)
TOPIC = "analytics"
# Of the flushing thread, until it ends.
QUIET_ROUNDS = 30
# A value that the database refuses, or that is none in JSON.
_UNSTORABLE = (DataError, TypeError, ValueError)


class EventBuffer:
    """Thread-safe. ``capacity`` records at most; flushed every ``interval_s`` by a thread of its own, ``batch`` by
    ``batch``, with ``store``. What that raises is tried again, unless no database would take it.
    """

    def __init__(
        self,
        *,
        capacity: int = 10_000,
        batch: int = 200,
        interval_s: float = 1.0,
        store: Callable[[list[dict[str, Any]]], object] = lambda records: enqueue(TOPIC, {"records": records}),
    ) -> None:
        self.dropped = 0
        self._store_batch = store
        self._capacity = capacity
        self._batch = batch
        self._interval_s = interval_s
        self._records: deque[dict[str, Any]] = deque()
        self._lock = threading.Lock()
        self._flushing = threading.Lock()
        self._thread: threading.Thread | None = None

    def append(self, record: dict[str, Any]) -> None:
        with self._lock:
            if len(self._records) >= self._capacity:
                self.dropped += 1
                return
            self._records.append(record | {"record_id": uuid.uuid4().hex})
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="analytics", daemon=True)
                self._thread.start()

    def __len__(self) -> int:
        return len(self._records)

    def flush(self) -> int:
        """Stores what has gathered, now; the number of records. What cannot be stored stays."""
        flushed = 0
        with self._flushing:
            while True:
                with self._lock:
                    batch = [self._records[place] for place in range(min(self._batch, len(self._records)))]
                if not batch:
                    return flushed
                flushed += self._store(batch)
                with self._lock:
                    for _ in batch:
                        self._records.popleft()

    def _store(self, batch: list[dict[str, Any]]) -> int:
        """The number stored. What can't be is found one by one and dropped: it would hold up all that follows."""
        try:
            self._store_batch(batch)
        except _UNSTORABLE as error:
            if len(batch) > 1:
                return sum(self._store([record]) for record in batch)
            log.warning("analytics_record_dropped", event_kind=batch[0].get("event"), error=repr(error)[:200])
            with self._lock:
                self.dropped += 1
            return 0
        return len(batch)

    def _run(self) -> None:
        """Ends after a quiet while; the next event starts it again."""
        quiet = 0
        pause = threading.Event()
        while not self._ends_after(quiet):
            pause.wait(self._interval_s)
            quiet = 0 if self._records else quiet + 1
            try:
                close_old_connections()
                self.flush()
            except Exception as error:  # The database is away: the records wait.
                log.warning("analytics_not_flushed", waiting=len(self._records), error=repr(error)[:200])

    def _ends_after(self, quiet: int) -> bool:
        """Decided under the lock: an event that comes now finds either this thread at work or none."""
        with self._lock:
            if quiet < QUIET_ROUNDS or self._records:
                return False
            self._thread = None
        connection.close()
        return True


buffer = EventBuffer()


def flush_at_exit(waiting: EventBuffer) -> None:
    """Before this process ends."""
    if len(waiting):
        try:
            waiting.flush()
        except Exception:  # Fire and forget, to the end.
            log.warning("analytics_lost_at_exit", records=len(waiting))


atexit.register(flush_at_exit, buffer)
