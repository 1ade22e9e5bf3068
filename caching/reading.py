"""Reading entries and judging them: epoch, tags, type, and age under the policy in force at this moment."""

from __future__ import annotations

import random
from functools import partial
from typing import Any

from django.conf import settings

from caching import entries
from caching.codec import CorruptEntry, codec_for
from caching.counters import counters
from caching.entries import SEEN_BYTES, Entry, Stamp
from caching.flights import Look, State
from caching.policies import Policy, policies
from caching.redis_scripts import BACKUP, META, READ, START_EPOCH, TAG, new_epoch
from caching.registry import Args, CacheKind, CacheTypeRefused, is_registered
from caching.steps import Blocking, Call, Get, Steps
from caching.trust import Untrusted, trust

# Clocks of two machines may differ by this much; an entry from further in the future counts as expired.
SKEW_MS = 5_000


def look_up(kind: CacheKind[Any], keys: dict[str, Args]) -> Steps[dict[str, Look] | None]:
    """What the cache has; None when it cannot or must not be asked."""
    if not is_registered(kind):
        raise CacheTypeRefused(f"Cache kind {kind.name!r} is not registered.")
    if trust.is_open():
        return None
    try:
        if not trust.is_settled():
            yield Blocking(trust.settle)
        looks = yield from read(kind, keys)
    except Untrusted:
        return None
    if not policies.of(kind).enabled:
        return None
    return looks


def tag_token(tag: str) -> Steps[tuple[bytes, int]]:
    """Changes whenever ``tag``, or everything, is invalidated. Raises :class:`Untrusted`."""
    if trust.is_open():
        raise Untrusted
    if not trust.is_settled():
        yield Blocking(trust.settle)
    prefix: str = settings.CACHE_KEY_PREFIX
    meta, clock = yield Get([f"{prefix}{META}", f"{prefix}{TAG}{tag}"])
    if entries.read_stamp(meta) is None:
        meta = yield Call(START_EPOCH, [f"{prefix}{META}"], (new_epoch(),))
    return _epoch(meta), _clock(clock)


_MISS: tuple[State, Any] = ("miss", None)

# Per key: the entry; the newest clock of all its tags; that of the tags known without it (None: unknown).
_Found = tuple[Entry | None, int, int | None]


def read(kind: CacheKind[Any], keys: dict[str, Args], *, backup: bool = False) -> Steps[dict[str, Look]]:
    """One look at each key, with the policies renewed first if they changed. Raises :class:`Untrusted`.

    ``backup``: look at the copies that outlive their keys instead.
    """
    prefix: str = settings.CACHE_KEY_PREFIX
    names = [f"{prefix}{BACKUP}{key}" for key in keys] if backup else [prefix + key for key in keys]
    found: list[_Found]
    if kind.known_tags is None:
        reply = yield Call(READ, [f"{prefix}{META}", *names], (prefix + TAG,))
        meta, raws = reply[0], reply[1::2]
        found = [(_entry(kind, raw), clock, None) for raw, clock in zip(raws, reply[2::2], strict=True)]
    else:
        tags = [entries.encoded_tags(kind.known_tags(*args)) for args in keys.values()]
        meta, raws, found = yield from _read_with_known_tags(kind, prefix, names, tags)
    stamp = entries.read_stamp(meta)
    if stamp is None:
        meta = yield Call(START_EPOCH, [f"{prefix}{META}"], (new_epoch(),))
        stamp = entries.read_stamp(meta)
        assert stamp is not None
    if not policies.is_current(stamp.token):
        yield Blocking(partial(policies.load, stamp.token))
    policy = policies.of(kind)
    looks = {}
    for key, raw, (entry, clock, newest) in zip(keys, raws, found, strict=True):
        state, value = _MISS if entry is None else _judge(kind, policy, entry, stamp, clock, backup)
        looks[key] = Look(state, value, stamp, newest, b"" if raw is None else raw[:SEEN_BYTES])
    return looks


def _read_with_known_tags(
    kind: CacheKind[Any], prefix: str, names: list[str], tags: list[tuple[bytes, ...]]
) -> Steps[tuple[bytes | None, list[bytes | None], list[_Found]]]:
    """One MGET; a second one only for tags that nobody but the entries themselves names."""
    union = tags[0] if len(tags) == 1 else tuple({tag for each in tags for tag in each})
    reply = yield Get([f"{prefix}{META}", *names, *[f"{prefix}{TAG}{tag.decode()}" for tag in union]])
    meta, raws = reply[0], reply[1 : 1 + len(names)]
    clock_of = dict(zip(union, map(_clock, reply[1 + len(names) :]), strict=True))
    found = [_entry(kind, raw) for raw in raws]
    further = {tag for entry in found if entry is not None for tag in entry.tags if tag not in clock_of}
    if further:
        again = yield Get([f"{prefix}{META}", *[f"{prefix}{TAG}{tag.decode()}" for tag in further]])
        if _epoch(again[0]) != _epoch(meta):
            # The epoch changed between the two reads: nothing of the first one may be believed.
            found = [None] * len(raws)
        clock_of |= zip(further, map(_clock, again[1:]), strict=True)
    judged: list[_Found] = []
    for entry, known in zip(found, tags, strict=True):
        newest = max([clock_of[tag] for tag in known], default=0)
        own = () if entry is None else entry.tags
        judged.append((entry, max([clock_of[tag] for tag in own], default=newest), newest))
    return meta, raws, judged


def _epoch(meta: bytes | None) -> bytes:
    return b"" if meta is None else meta.partition(b" ")[0]


def _clock(raw: bytes | None) -> int:
    # Foreign bytes under a tag: every entry with this tag is in doubt, so none is believed.
    if raw is None:
        return 0
    return int(raw) if raw.isdigit() else 2**63


def _entry(kind: CacheKind[Any], raw: bytes | None) -> Entry | None:
    if raw is None:
        return None
    try:
        return entries.unpack(raw)
    except CorruptEntry:
        counters.add(kind.name, "corrupt")
        return None


def _judge(
    kind: CacheKind[Any], policy: Policy, entry: Entry, stamp: Stamp, clock: int, backup: bool
) -> tuple[State, Any]:
    """Whether this entry may be served, now, under this policy; and its value."""
    if entry.epoch != stamp.epoch or clock > entry.seq or entry.schema != schema_of(kind, policy):
        return "miss", None
    state = _state_by_age(kind, policy, entry, backup)
    if state == "miss" or not entry.payload:
        return state, None
    try:
        return state, codec_for(kind.value_type).decode(entry.payload)
    except CorruptEntry:
        counters.add(kind.name, "corrupt")
        return "miss", None


def _state_by_age(kind: CacheKind[Any], policy: Policy, entry: Entry, backup: bool) -> State:
    age = entries.now_ms() - entry.stored_ms
    life = life_ms(policy, entry)
    if age < -SKEW_MS:
        return "miss"
    if age < life:
        return "due" if entries.refresh_is_due(age, life, entry.cost_ms, 1.0 - random.random()) else "fresh"
    return "stale" if backup and entry.payload and age < life + kind.stale_on_error_s * 1000 else "miss"


def life_ms(policy: Policy, entry: Entry) -> int:
    """How long this entry lives under this policy."""
    ttl_s = policy.ttl_s if entry.payload else policy.negative_ttl_s
    return entries.life_ms(ttl_s, policy.jitter_percent, entry.spread)


def schema_of(kind: CacheKind[Any], policy: Policy) -> bytes:
    """The type's shape and the policy's generation: an entry of another one is a miss."""
    return b"%b.%d" % (codec_for(kind.value_type).fingerprint, policy.generation)
