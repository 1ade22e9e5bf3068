"""An entry as it lies in Redis, and the judgement whether it may be believed.

``epoch \\t seq \\t stored_ms \\t cost_ms \\t spread \\t schema \\t tag … \\n payload``

The *epoch* is random and dies with the cache's meta key. ``seq`` is the logical clock that the reader saw
*before* it computed; the clock moves only when something is invalidated, and each tag remembers the clock of
its last invalidation. So an entry is valid exactly when its epoch is the current one and no tag of it has moved
past ``seq``: what was read before an invalidation can never be served after it, however late it is stored.
"""

from __future__ import annotations

import math
import time
import zlib
from collections.abc import Collection
from functools import lru_cache
from typing import NamedTuple

from caching.codec import CorruptEntry

# A new epoch starts with clock 0 and policy version 0: ``epoch clock policy_version``.
Meta = bytes

# How much of an entry tells it from every other one (epoch, seq and time of storing).
SEEN_BYTES = 48


class Stamp(NamedTuple):
    """What a reader noted before computing. ``token`` names the policies that are in force."""

    epoch: bytes
    seq: int
    token: bytes


# Named tuples here and in caching.flights: a hit makes three of them, and they cost a third.
class Entry(NamedTuple):
    epoch: bytes
    seq: int
    stored_ms: int
    # What computing the value took: dear values are refreshed earlier (see refresh_is_due).
    cost_ms: int
    # 0-999, random per entry: spreads the expiry of entries that were stored together.
    spread: int
    schema: bytes
    tags: tuple[bytes, ...]
    # Empty for "there is no such thing".
    payload: bytes

    def pack(self) -> bytes:
        head = b"%b\t%d\t%d\t%d\t%d\t%b" % (
            self.epoch,
            self.seq,
            self.stored_ms,
            self.cost_ms,
            self.spread,
            self.schema,
        )
        return b"\t".join((head, *self.tags)) + b"\n" + self.payload


def unpack(raw: bytes) -> Entry:
    """Raises :class:`CorruptEntry` for bytes that we did not write."""
    head, newline, payload = raw.partition(b"\n")
    fields = head.split(b"\t")
    if not newline or len(fields) < 6:
        raise CorruptEntry("not an entry")
    try:
        return Entry(
            fields[0],
            int(fields[1]),
            int(fields[2]),
            int(fields[3]),
            int(fields[4]),
            fields[5],
            tuple(fields[6:]),
            payload,
        )
    except ValueError as error:
        raise CorruptEntry(str(error)) from error


def read_stamp(meta: bytes | None) -> Stamp | None:
    """None when the meta key is missing or foreign: then nothing stored before may be believed."""
    if meta is None:
        return None
    parts = meta.split(b" ")
    if len(parts) != 3 or not parts[1].isdigit():
        return None
    return Stamp(parts[0], int(parts[1]), parts[0] + b" " + parts[2])


def clean_tag(tag: str) -> str:
    """A tag without the characters that separate tags."""
    return " ".join(tag.split())


@lru_cache(maxsize=65_536)
def _encoded(tag: str) -> bytes:
    return clean_tag(tag).encode()


def encoded_tags(tags: Collection[str]) -> tuple[bytes, ...]:
    if len(tags) == 1:
        (tag,) = tags
        return (_encoded(tag),)
    return tuple(sorted({_encoded(tag) for tag in tags}))


def spread_of(key: str, stored_ms: int) -> int:
    return zlib.crc32(b"%b %d" % (key.encode(), stored_ms)) % 1000


def life_ms(ttl_s: int, jitter_percent: int, spread: int) -> int:
    """This entry's time to live: the policy's, shortened by up to ``jitter_percent``."""
    return max(1, round(ttl_s * (1000 - spread * jitter_percent / 100)))


def refresh_is_due(age_ms: int, life: int, cost_ms: int, draw: float) -> bool:
    """Whether this read should renew a value before it expires.

    Optimal probabilistic early expiration (Vattani, Chierichetti, Lowenstein, VLDB 2015): with ``draw``
    uniform in (0, 1], one reader among many renews it about one computation before its end.
    """
    return age_ms - cost_ms * math.log(draw) >= life


def now_ms() -> int:
    return time.time_ns() // 1_000_000
