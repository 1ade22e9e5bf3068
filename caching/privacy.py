"""Copies in Redis: whatever key or index entry names a shopper is removed at once."""

from __future__ import annotations

import time
from typing import Any

from caching.redis_scripts import refs_prefix, tags_key
from mangaassist.privacy.registry import Counts, Holder, TopicData, register_holder
from mangaassist.privacy.subject import Subject
from mangaassist.redis import sync_client

CHUNK = 500
# Redis serves others in between.
REST_S = 0.002


def _without_tags(payload: dict[str, Any], subject: Subject) -> dict[str, Any] | None:
    """The entries themselves are gone by now, so that nothing is left to be made wrong."""
    left = [tag for tag in payload["tags"] if not subject.is_named_in(tag)]
    return payload | {"tags": left} if left else None


def _erase(subject: Subject) -> Counts:
    """Looks at every key, a few at a time. Raises ``redis.RedisError``: then it is done again later."""
    names = [name.encode() for name in subject.names]
    return {"copies": sum(_sweep(database, names) for database in ("cache", "streams"))} if names else {}


def _sweep(database: Any, names: list[bytes]) -> int:
    client: Any = sync_client(database)
    indexes = (refs_prefix().encode(), tags_key().encode())
    removed = cursor = 0
    while True:
        cursor, keys = client.scan(cursor, count=CHUNK)
        ours = [key for key in keys if is_of(key, names)]
        if ours:
            removed += client.unlink(*ours)
        for key in keys:
            if key.startswith(indexes) and client.type(key) == b"zset":
                members = [member for member, _ in client.zscan_iter(key, count=CHUNK) if is_of(member, names)]
                if members:
                    client.zrem(key, *members)
        if cursor == 0:
            return removed
        time.sleep(REST_S)


def is_of(key: bytes, names: list[bytes]) -> bool:
    """Whether one of the names stands in a key between its colons (and braces)."""
    plain = b":" + key.replace(b"{", b"").replace(b"}", b"") + b":"
    return any(b":" + name + b":" in plain for name in names)


def register() -> None:
    register_holder(
        Holder(
            app="caching",
            impersonal=("CachePolicy",),
            topics={"cache.invalidate": TopicData(_without_tags, at_any_time=True)},
            erase=_erase,
            stage=2,
        )
    )
