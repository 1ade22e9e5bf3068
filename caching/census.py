"""How many entries of each kind there are, and what memory they take: counted by walking through the keys.

SCAN meets keys in the order of their hashes, so a walk cut short by its budget has seen a fair sample: its counts
are extrapolated to the whole.
"""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import redis
from django.conf import settings

from caching.redis_scripts import BACKUP
from caching.registry import CacheKind, key_pattern, registered_kinds
from mangaassist.redis import sync_client

BUDGET_S = 0.25
CHUNK = 1_000
# Of so many entries of a kind the memory is measured.
WEIGHED = 40


@dataclass(frozen=True, slots=True)
class Held:
    """``bytes``: memory of the entries and of the copies that may answer after them; None if Redis does not tell."""

    entries: int
    bytes: int | None


@dataclass(frozen=True, slots=True)
class Census:
    keys: int
    is_complete: bool
    by_kind: dict[str, Held]


def take(budget_s: float = BUDGET_S) -> Census:
    """Raises ``redis.RedisError``."""
    client: Any = sync_client("cache")
    prefix: str = settings.CACHE_KEY_PREFIX
    until = time.monotonic() + budget_s
    found: defaultdict[str, set[bytes]] = defaultdict(set)
    seen, cursor = 0, 0
    while True:
        cursor, keys = client.scan(cursor, count=CHUNK)
        seen += len(keys)
        for key in keys:
            name = key.decode(errors="replace").removeprefix(prefix)
            kind = kind_of(name.removeprefix(BACKUP))
            if kind is not None:
                found[f"{BACKUP}{kind.name}" if name.startswith(BACKUP) else kind.name].add(key)
        if cursor == 0 or time.monotonic() > until:
            break
    total = seen if cursor == 0 else max(seen, client.dbsize())
    scale = total / seen if seen else 1.0
    by_kind = {}
    for kind in registered_kinds():
        sizes = [_bytes(client, found[name]) for name in (kind.name, f"{BACKUP}{kind.name}")]
        memory = None if None in sizes else round(sum(size or 0 for size in sizes) * scale)
        by_kind[kind.name] = Held(round(len(found[kind.name]) * scale), memory)
    return Census(total, cursor == 0, by_kind)


def kind_of(key: str) -> CacheKind[Any] | None:
    """The kind that this key (without prefix) belongs to."""
    fitting = [kind for kind in registered_kinds() if key.startswith(key_pattern(kind).partition("{")[0])]
    return max(fitting, key=lambda kind: len(key_pattern(kind).partition("{")[0]), default=None)


def _bytes(client: Any, keys: set[bytes]) -> float | None:
    sample = list(keys)[:WEIGHED]
    if not sample:
        return 0
    pipeline = client.pipeline(transaction=False)
    for key in sample:
        pipeline.memory_usage(key)
    try:
        sizes = [size for size in pipeline.execute() if size is not None]
    except redis.ResponseError:
        # A hosted Redis may forbid it.
        return None
    return sum(sizes) / len(sizes) * len(keys) if sizes else 0
