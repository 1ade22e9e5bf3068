"""Reading entries and judging them: epoch, tags, type, and age under the policy in force at this moment."""

from __future__ import annotations

import random
from functools import partial
from typing import Any

from caching import entries
from caching.codec import CorruptEntry, codec_for
from caching.counters import counters
from caching.entries import SEEN_BYTES, Entry, Stamp
from caching.flights import Look
from caching.policies import Policy, policies
from caching.redis_scripts import READ, START_EPOCH, meta_key, new_epoch, prefixed, tag_prefix
from caching.registry import Args, CacheKind, CacheTypeRefused, is_registered
from caching.steps import Blocking, Call, Get, Steps
from caching.trust import Untrusted, trust

# Clocks of two machines may differ by this much; an entry from further in the future counts as expired.
SKEW_MS = 5_000


def look(kind: CacheKind[Any], keys: dict[str, Args]) -> Steps[dict[str, Look] | None]:
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
    hits = sum(found.state in ("fresh", "due") for found in looks.values())
    counters.add(kind.name, "hit", hits)
    counters.add(kind.name, "miss", len(looks) - hits)
    return looks


def read(kind: CacheKind[Any], keys: dict[str, Args]) -> Steps[dict[str, Look]]:
    """One look at each key, with the policies renewed first if they changed. Raises :class:`Untrusted`."""
    names = [prefixed(key) for key in keys]
    newest: dict[str, int | None] = dict.fromkeys(keys)
    if kind.known_tags is None:
        reply = yield Call(READ, [meta_key(), *names], (tag_prefix(),))
        meta, raws, clocks = reply[0], reply[1::2], dict(zip(keys, reply[2::2], strict=True))
    else:
        tags = {key: entries.encoded_tags(kind.known_tags(*args)) for key, args in keys.items()}
        union = sorted({tag for each in tags.values() for tag in each})
        reply = yield Get([meta_key(), *names, *(tag_prefix() + tag.decode() for tag in union)])
        meta, raws = reply[0], reply[1 : 1 + len(names)]
        clock_of = {tag: _clock(raw) for tag, raw in zip(union, reply[1 + len(names) :], strict=True)}
        raws, clock_of = yield from _read_further_tags(raws, clock_of, meta)
        newest = {key: max((clock_of[tag] for tag in each), default=0) for key, each in tags.items()}
        clocks = {
            key: max((clock_of[tag] for tag in (*tags[key], *_tags_of(raw))), default=0)
            for key, raw in zip(keys, raws, strict=True)
        }
    stamp = entries.read_stamp(meta)
    if stamp is None:
        meta = yield Call(START_EPOCH, [meta_key()], (new_epoch(),))
        stamp = entries.read_stamp(meta)
        assert stamp is not None
    if not policies.is_current(stamp.token):
        yield Blocking(partial(policies.load, stamp.token))
    policy = policies.of(kind)
    return {
        key: _judge(kind, policy, raw, stamp, clock=clocks[key], newest=newest[key])
        for key, raw in zip(keys, raws, strict=True)
    }


def _read_further_tags(
    raws: list[bytes | None], clock_of: dict[bytes, int], meta: bytes | None
) -> Steps[tuple[list[bytes | None], dict[bytes, int]]]:
    """The clocks of tags that only the entries themselves name (a product's series)."""
    further = sorted({tag for raw in raws for tag in _tags_of(raw)} - clock_of.keys())
    if not further:
        return raws, clock_of
    reply = yield Get([meta_key(), *(tag_prefix() + tag.decode() for tag in further)])
    if reply[0] is None or meta is None or reply[0].split(b" ")[0] != meta.split(b" ")[0]:
        # The epoch changed between the two reads: nothing of the first one may be believed.
        return [None] * len(raws), dict.fromkeys(further, 0) | clock_of
    return raws, clock_of | {tag: _clock(raw) for tag, raw in zip(further, reply[1:], strict=True)}


def _clock(raw: bytes | None) -> int:
    # Foreign bytes under a tag: every entry with this tag is in doubt, so none is believed.
    if raw is None:
        return 0
    return int(raw) if raw.isdigit() else 2**63


def _tags_of(raw: bytes | None) -> list[bytes]:
    return [] if raw is None else raw.partition(b"\n")[0].split(b"\t")[6:]


def _judge(
    kind: CacheKind[Any], policy: Policy, raw: bytes | None, stamp: Stamp, *, clock: int, newest: int | None
) -> Look:
    """Whether this entry may be served, now, under this policy."""
    if raw is None:
        return Look("miss", None, stamp, newest)
    miss = Look("miss", None, stamp, newest, raw[:SEEN_BYTES])
    try:
        entry = entries.unpack(raw)
        if entry.epoch != stamp.epoch or clock > entry.seq or entry.schema != schema_of(kind, policy):
            return miss
        state = _state_by_age(kind, policy, entry)
        if state == "miss":
            return miss
        value = codec_for(kind.value_type).decode(entry.payload) if entry.payload else None
    except CorruptEntry:
        counters.add(kind.name, "corrupt")
        return miss
    return Look(state, value, stamp, newest, raw[:SEEN_BYTES])


def _state_by_age(kind: CacheKind[Any], policy: Policy, entry: Entry) -> Any:
    age = entries.now_ms() - entry.stored_ms
    life = life_ms(policy, entry)
    if age < -SKEW_MS:
        return "miss"
    if age < life:
        draw = 1.0 - random.random()
        return "due" if entries.refresh_is_due(age, life, entry.cost_ms, draw) else "fresh"
    return "stale" if entry.payload and age < life + kind.stale_on_error_s * 1000 else "miss"


def life_ms(policy: Policy, entry: Entry) -> int:
    ttl_s = policy.ttl_s if entry.payload else policy.negative_ttl_s
    return entries.life_ms(ttl_s, policy.jitter_percent, entry.spread)


def schema_of(kind: CacheKind[Any], policy: Policy) -> bytes:
    return f"{codec_for(kind.value_type).fingerprint}.{policy.generation}".encode()
