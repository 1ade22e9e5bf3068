"""How soon cached values are asked for again, and how often they changed in between: a sample of keys, as a record
that forecasts are made from (caching/forecast.py).

Of some keys, chosen by their hash, *each* read is noted, behind the answer: the key's hash, the time, and
whether a tag of what the read before it showed was invalidated since. So the record knows what another TTL would
have done. Per kind it is a capped list, ``cache:trace:{kind}``, of ``{key's hash} {unix ms} {what}``;
``cache:sample:{key's hash}`` keeps what the last read saw.
"""

from __future__ import annotations

import os
import threading
import zlib
from collections import deque
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import redis

from caching import entries
from caching.entries import Stamp
from caching.later import Later
from caching.redis_scripts import prefixed, run, script_of, tag_prefix
from caching.registry import Args, CacheKind
from caching.trust import UNAVAILABLE, trust
from mangaassist.redis import sync_client

# What one process notes between two flushes at most, and what a kind's record holds.
MOST_NOTES = 2_000
MOST_EVENTS = 5_000
KEEP_MS = 7 * 24 * 3_600_000

What = Literal["first", "same", "changed", "stored"]


def is_recorded(kind: CacheKind[Any], key: str) -> bool:
    """The same answer in every process."""
    return kind.recorded_one_in == 1 or _hash(key) % kind.recorded_one_in == 0


def _hash(key: str) -> int:
    return zlib.crc32(key.encode())


class Event(NamedTuple):
    """One read of a recorded key. ``what``: nothing is known before it; its value stayed; its value changed.

    Or no read, but a value that was put there (``stored``).
    """

    key: str
    at_ms: int
    what: What


class _Note(NamedTuple):
    kind: str
    key: str
    at_ms: int
    stamp: Stamp
    tags: tuple[bytes, ...]
    is_store: bool


# KEYS: sample, trace. ARGV: tag prefix, key's hash, time (ms), epoch, clock at the read, how long to keep (ms),
# the trace's cap, 1 for a store, tags…
_NOTE = script_of("""
local what, before = 'first', redis.call('GET', KEYS[1])
if before then
  local fields = {}
  for field in string.gmatch(before, '[^\\t]+') do fields[#fields + 1] = field end
  what = fields[1] == ARGV[4] and 'same' or 'changed'
  local seq = tonumber(fields[2]) or 0
  for i = 3, #fields do
    local clock = redis.call('MGET', ARGV[1] .. fields[i])[1]
    if clock and (tonumber(clock) or 0) > seq then what = 'changed' end
  end
end
if ARGV[8] == '1' then what = 'stored' end
local now = {ARGV[4], ARGV[5]}
for i = 9, #ARGV do now[#now + 1] = ARGV[i] end
redis.call('SET', KEYS[1], table.concat(now, '\\t'), 'PX', ARGV[6])
redis.call('RPUSH', KEYS[2], ARGV[2] .. ' ' .. ARGV[3] .. ' ' .. what)
redis.call('LTRIM', KEYS[2], -ARGV[7], -1)
redis.call('PEXPIRE', KEYS[2], ARGV[6])
return what
""")


class Reuse:
    """Thread-safe; one per process. An outage of Redis or a crash loses a few seconds of the sample."""

    def __init__(self) -> None:
        self._later = Later(self.flush)
        self._notes: deque[_Note] = deque()
        self._start_over()
        os.register_at_fork(after_in_child=self._start_over)

    def note(
        self, kind: CacheKind[Any], key: str, args: Args, value: Any, stamp: Stamp, *, is_store: bool = False
    ) -> None:
        """A caller got, or stored, ``value`` for a recorded key."""
        if len(self._notes) >= MOST_NOTES:
            return
        tags = kind.known_tags(*args) if kind.known_tags is not None else frozenset()
        try:
            tags |= kind.tags(value) if value is not None else frozenset()
        except (AttributeError, TypeError):
            # Not a value of this kind's type: it is not stored, and the store says so.
            return
        self._notes.append(
            _Note(kind.name, f"{_hash(key):08x}", entries.now_ms(), stamp, entries.encoded_tags(tags), is_store)
        )
        self._later.soon()

    def flush(self) -> None:
        """Writes down what was noted here."""
        with self._lock:
            notes, self._notes = self._notes, deque()
        if not notes or trust.is_open():
            return
        try:
            _write(sync_client("cache"), notes)
        except UNAVAILABLE as error:
            trust.failed(error)

    def record(self, kind: CacheKind[Any]) -> list[Event]:
        """What is known of this kind, oldest first. Raises ``redis.RedisError``."""
        self.flush()
        client: Any = sync_client("cache")
        found = (line.decode().split(" ") for line in client.lrange(_trace_key(kind.name), 0, -1))
        return sorted((Event(key, int(at_ms), what) for key, at_ms, what in found), key=lambda event: event.at_ms)

    def _start_over(self) -> None:
        self._lock = threading.Lock()
        self._notes = deque()


def _write(client: redis.Redis, notes: Sequence[_Note]) -> None:
    calls: list[tuple[list[str], tuple[Any, ...]]] = [
        (
            [prefixed(f"cache:sample:{note.kind}:{note.key}"), _trace_key(note.kind)],
            (
                tag_prefix(),
                note.key,
                note.at_ms,
                note.stamp.epoch,
                note.stamp.seq,
                KEEP_MS,
                MOST_EVENTS,
                int(note.is_store),
                *note.tags,
            ),
        )
        for note in notes
    ]
    # The first call makes the script known, the others go in one round trip.
    run(_NOTE, calls[0][0], *calls[0][1])
    pipeline = client.pipeline(transaction=False)
    for keys, arguments in calls[1:]:
        pipeline.evalsha(_NOTE.sha, len(keys), *keys, *arguments)
    pipeline.execute()


def _trace_key(kind: str) -> str:
    return prefixed(f"cache:trace:{kind}")


reuse = Reuse()
