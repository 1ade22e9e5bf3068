"""When the cache may be believed: its breaker, and the invalidations that Redis has not heard of yet.

An invalidation that could not be delivered is kept twice: in this process, and as an outbox row that every
process can see. After any failure of Redis, and after a second without a word from it (an outage may have
passed unseen), a process first delivers all of them, and only then reads. Until then its callers compute.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable

import redis
import structlog
from django.db import DatabaseError, connection

from caching.redis_scripts import EVERYTHING_TAG, adopt_server, bump, unmarked
from mangaassist.breaker import Breaker

log = structlog.get_logger(__name__)

# After this long without an answer from Redis, look for undelivered invalidations before the next read.
SILENCE_S = 1.0
# How often the background thread asks a silent Redis whether it is back.
PROBE_S = 0.1

# The outbox topic of invalidations.
TOPIC = "cache.invalidate"
MOST_ROWS = 1_000

UNAVAILABLE = (redis.RedisError, OSError)


class Untrusted(Exception):
    """Redis is away, or not all invalidations have reached it: compute without the cache."""


class Trust:
    """One per process. Thread-safe."""

    def __init__(self) -> None:
        # One failure opens it: the next caller must not pay another timeout. A thread probes, never a caller.
        self.breaker = Breaker("cache", failures=1, pause_s=PROBE_S)
        self._lock = threading.Lock()
        # Invalidations that this process still has to deliver: tags by id.
        self._pending: dict[str, frozenset[str]] = {}
        self._failures = 0
        self._failures_settled = 0
        self._heard_at = float("-inf")
        self._prober: threading.Thread | None = None
        os.register_at_fork(after_in_child=self._after_fork)

    def is_open(self) -> bool:
        """Whether Redis is to be left alone now; sees to it that somebody probes it."""
        if self.breaker.state == "closed":
            return False
        self._probe_in_background()
        return True

    def is_settled(self) -> bool:
        """Whether a read may be believed without looking for undelivered invalidations first."""
        return self._failures == self._failures_settled and time.monotonic() - self._heard_at < SILENCE_S

    def heard(self) -> None:
        """Redis answered just now."""
        self._heard_at = time.monotonic()

    def failed(self, error: BaseException) -> None:
        """Redis did not answer, or answered with an error."""
        with self._lock:
            self._failures += 1
        if self.breaker.state == "closed":
            log.warning("cache_unavailable", error=str(error))
        self.breaker.failed()
        self._probe_in_background()

    def settle(self) -> None:
        """Delivers every outstanding invalidation. Raises :class:`Untrusted` if that was not possible."""
        with self._lock:
            failures = self._failures
            pending = dict(self._pending)
        stored = self._undelivered(seen_failure=not self._no_failure())
        try:
            adopt_server()
            waiting = pending | {id: stored[id] for id in unmarked(list(stored))}
            if waiting:
                bump(frozenset().union(*waiting.values()), waiting)
        except UNAVAILABLE as error:
            self.failed(error)
            raise Untrusted from error
        with self._lock:
            for id in pending:
                self._pending.pop(id, None)
            self._failures_settled = failures
        self.heard()

    def invalidate(self, tags: Iterable[str], id: str) -> bool:
        """Bumps the clock now (True), or keeps the tags until that can be done (False)."""
        wanted = frozenset(tags)
        with self._lock:
            self._pending[id] = wanted
        if self.is_open():
            return False
        try:
            bump(wanted, [id])
        except UNAVAILABLE as error:
            self.failed(error)
            return False
        with self._lock:
            self._pending.pop(id, None)
        return True

    def _no_failure(self) -> bool:
        return self._failures == self._failures_settled

    def _undelivered(self, *, seen_failure: bool) -> dict[str, frozenset[str]]:
        try:
            return undelivered()
        except (DatabaseError, RuntimeError) as error:
            # Without the database nothing new was committed either: only an outage of Redis forbids trust.
            if seen_failure:
                raise Untrusted from error
            return {}

    def _probe_in_background(self) -> None:
        with self._lock:
            if self._prober is not None and self._prober.is_alive():
                return
            self._prober = threading.Thread(target=self._probe, name="cache-probe", daemon=True)
            self._prober.start()

    def _probe(self) -> None:
        while self.breaker.state != "closed":
            time.sleep(PROBE_S)
            try:
                self.settle()
            except Untrusted:
                continue
            finally:
                connection.close()
            if self._no_failure():
                self.breaker.succeeded()

    def _after_fork(self) -> None:
        # Threads and held locks do not survive a fork; pending tags do, and bumping them twice does no harm.
        self._lock = threading.Lock()
        self._prober = None
        self._heard_at = float("-inf")


def undelivered() -> dict[str, frozenset[str]]:
    """Invalidations whose outbox rows are not done: tags by id. Raises ``DatabaseError``."""
    from mangaassist.outbox.models import OutboxMessage

    states = (OutboxMessage.Status.WAITING, OutboxMessage.Status.CLAIMED, OutboxMessage.Status.PARKED)
    rows = OutboxMessage.objects.filter(topic=TOPIC, status__in=states).values_list("payload", flat=True)
    found = {row["id"]: frozenset(row["tags"]) for row in rows[: MOST_ROWS + 1]}
    if len(found) <= MOST_ROWS:
        return found
    # So many that emptying the cache is cheaper than reading them all at each look.
    return {id: frozenset({EVERYTHING_TAG}) for id in found}


trust = Trust()
