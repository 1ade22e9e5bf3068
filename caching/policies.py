"""The policies in force in this process: a copy of the table, renewed when the cache's meta key says so."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Any

import structlog
from django.db import DatabaseError

from caching.registry import CacheKind

log = structlog.get_logger(__name__)

# After the table could not be read, how long the last known policies are used before the next attempt.
RETRY_S = 1.0


@dataclass(frozen=True, slots=True)
class Policy:
    """What the operator decided for one kind. Times in seconds."""

    enabled: bool
    ttl_s: int
    negative_ttl_s: int
    jitter_percent: int
    # Entries of another generation are misses ("forget all of this kind").
    generation: int


def default_policy(kind: CacheKind[Any]) -> Policy:
    return Policy(True, kind.default_ttl_s, kind.negative_ttl_s, kind.jitter_percent, 0)


class Policies:
    """Thread-safe; replaced as a whole, so that a reader never sees half of a change."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._token: bytes | None = None
        self._by_kind: dict[str, Policy] = {}
        self._retry_at = 0.0

    def is_current(self, token: bytes) -> bool:
        return self._token == token or time.monotonic() < self._retry_at

    def load(self, token: bytes) -> None:
        """Reads the table. ``token`` was read from Redis before, so the rows are at least as new."""
        with self._lock:
            if self.is_current(token):
                return
            try:
                self._by_kind = _read_table()
            except (DatabaseError, RuntimeError) as error:
                self._retry_at = time.monotonic() + RETRY_S
                log.warning("cache_policies_unreadable", error=str(error))
            else:
                self._token = token

    def of(self, kind: CacheKind[Any]) -> Policy:
        policy = self._by_kind.get(kind.name)
        if policy is None:
            policy = self._by_kind[kind.name] = default_policy(kind)
        return policy


def _read_table() -> dict[str, Policy]:
    from caching.models import CachePolicy

    return {
        row.kind: Policy(row.enabled, row.ttl_s, row.negative_ttl_s, row.jitter_percent, row.generation)
        for row in CachePolicy.objects.all()
    }


policies = Policies()
