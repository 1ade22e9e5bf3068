"""One entry under the lens: what lies under a key, and why it would, or would not, be served now."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings

from caching import entries
from caching.census import kind_of
from caching.codec import CorruptEntry, codec_for
from caching.entries import Entry, Stamp
from caching.policies import policies
from caching.reading import life_ms, schema_of
from caching.redis_scripts import meta_key, tag_prefix
from caching.registry import CacheKind
from mangaassist.redis import sync_client

MOST_TEXT = 4_000


@dataclass(frozen=True, slots=True)
class Inspection:
    """Times in seconds. ``verdict``: what the next read does with it, in words."""

    key: str
    kind: str
    verdict: str
    is_served: bool
    bytes: int = 0
    age_s: float | None = None
    life_s: float | None = None
    remaining_s: float | None = None
    expires_in_s: float | None = None
    # Each tag, and whether it was invalidated after this entry.
    tags: list[tuple[str, bool]] = field(default_factory=list)
    value: str = ""


def inspect_key(key: str) -> Inspection:
    """``key`` with or without the installation's prefix. Raises ``redis.RedisError``."""
    name = key.strip().removeprefix(settings.CACHE_KEY_PREFIX)
    kind = kind_of(name)
    if kind is None:
        return Inspection(name, "–", "No kind of cached value has such a key.", False)
    client: Any = sync_client("cache")
    full = f"{settings.CACHE_KEY_PREFIX}{name}"
    if client.type(full) not in (b"string", b"none"):
        return Inspection(name, kind.label, "Something foreign lies there. It is treated as absent.", False)
    meta, raw = client.mget([meta_key(), full])
    if raw is None:
        return Inspection(name, kind.label, "Nothing is kept under this key.", False)
    try:
        entry = entries.unpack(raw)
    except CorruptEntry:
        return Inspection(name, kind.label, "Not an entry of ours. It is treated as absent.", False, len(raw))
    stamp = entries.read_stamp(meta)
    if stamp is not None and not policies.is_current(stamp.token):
        policies.load(stamp.token)
    tags = _tags(client, entry)
    age = entries.now_ms() - entry.stored_ms
    life = life_ms(policies.of(kind), entry)
    verdict = _why_not(kind, entry, stamp, tags, age, life)
    return Inspection(
        name,
        kind.label,
        verdict or "It is served.",
        not verdict,
        bytes=len(raw),
        age_s=age / 1000,
        life_s=life / 1000,
        remaining_s=0.0 if verdict else (life - age) / 1000,
        expires_in_s=max(0, client.pttl(full)) / 1000,
        tags=tags,
        value=_shown(kind, entry),
    )


def _tags(client: Any, entry: Entry) -> list[tuple[str, bool]]:
    if not entry.tags:
        return []
    clocks = client.mget([f"{tag_prefix()}{tag.decode()}" for tag in entry.tags])
    return [
        (tag.decode(), clock is not None and not (clock.isdigit() and int(clock) <= entry.seq))
        for tag, clock in zip(entry.tags, clocks, strict=True)
    ]


def _why_not(
    kind: CacheKind[Any], entry: Entry, stamp: Stamp | None, tags: list[tuple[str, bool]], age: int, life: int
) -> str:
    policy = policies.of(kind)
    moved = [tag for tag, is_newer in tags if is_newer]
    if not policy.enabled:
        return "Not served: this kind is switched off."
    if stamp is None or entry.epoch != stamp.epoch:
        return "Not served: the whole cache was forgotten since."
    if moved:
        return f"Not served: invalidated since ({', '.join(moved)})."
    if entry.schema != schema_of(kind, policy):
        return "Not served: this kind was forgotten, or its values have another shape now."
    if age >= life:
        return "Not served: it is older than its time to live."
    return ""


def _shown(kind: CacheKind[Any], entry: Entry) -> str:
    if kind.is_personal:
        return "Not shown: it is about a person."
    if not entry.payload:
        return "There is no such thing (a negative entry)."
    try:
        codec_for(kind.value_type).decode(entry.payload)
        text = json.dumps(json.loads(entry.payload), ensure_ascii=False, indent=1)
    except (CorruptEntry, ValueError):
        return "Unreadable."
    return text if len(text) <= MOST_TEXT else f"{text[:MOST_TEXT]}…"
