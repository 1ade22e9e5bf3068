"""The cache's bookkeeping in Redis: names of keys and the scripts that move them atomically.

Written for Redis 6.2 and its relatives. Tag clocks, their index and the meta key have no expiry, so that a
``volatile-*`` eviction policy never takes them; a tag is forgotten once no entry can be older than its last
invalidation. The scripts build key names from tags, so they need all keys on one node (no cluster mode).
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import redis
from django.conf import settings

from caching.registry import MAX_TTL_S
from mangaassist.redis import sync_client
from mangaassist.redis_wire import Argument, acall, call

# Tags that are commands: the policies changed; forget everything.
POLICY_TAG = "policy:*"
EVERYTHING_TAG = "everything:*"

META = "cache:meta"
TAG = "cache:tag:"
BACKUP = "cache:backup:"
MARK = "cache:bumped:"
# Delivering an invalidation again costs a few computations, never a stale value.
KEEP_MARKS_MS = 3_600_000

# Longer than any entry lives, its stale time included.
KEEP_TAGS_MS = 2 * MAX_TTL_S * 1000 + 3_600_000


@dataclass(frozen=True, slots=True)
class Script:
    text: str
    sha: str


def script_of(text: str) -> Script:
    return Script(text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())


def prefixed(name: str) -> str:
    return f"{settings.CACHE_KEY_PREFIX}{name}"


def meta_key() -> str:
    return prefixed(META)


def tag_prefix() -> str:
    return prefixed(TAG)


def tags_key() -> str:
    return prefixed("cache:tags")


def backup_key(key: str) -> str:
    """Where the copy lies that may answer after ``key`` expired, if computing fails."""
    return prefixed(f"{BACKUP}{key}")


def lease_key(key: str) -> str:
    return prefixed(f"cache:lease:{key}")


def refs_prefix() -> str:
    return prefixed("product_cache_refs:")


def new_epoch() -> str:
    return secrets.token_hex(8)


# KEYS: meta, entries… ARGV: tag prefix. → [meta, entry 1, newest clock of its tags, entry 2, …]
READ = script_of("""
local values = redis.call('MGET', unpack(KEYS))
local reply = {values[1]}
for i = 2, #KEYS do
  local entry, newest = values[i], 0
  if entry then
    local head = string.match(entry, '^[^\\n]*')
    local clocks, field = {}, 0
    for part in string.gmatch(head, '[^\\t]+') do
      field = field + 1
      if field > 6 then clocks[#clocks + 1] = ARGV[1] .. part end
    end
    if #clocks > 0 then
      for _, clock in ipairs(redis.call('MGET', unpack(clocks))) do
        newest = math.max(newest, tonumber(clock or 0) or 0)
      end
    end
  end
  reply[#reply + 1] = entry
  reply[#reply + 1] = newest
end
return reply
""")

# KEYS: meta. ARGV: candidate epoch. → meta, made if it was missing or foreign.
START_EPOCH = script_of("""
local meta = redis.call('MGET', KEYS[1])[1]
if not meta or not string.match(meta, '^%x+ %d+ %d+$') then
  meta = ARGV[1] .. ' 0 0'
  redis.call('SET', KEYS[1], meta)
end
return meta
""")

# KEYS: meta, run. ARGV: the server's run id, a new epoch. A server that was restarted, or that took over from
# another one, may have lost its last invalidations: nothing stored before may be believed.
ADOPT = script_of("""
local before = redis.call('MGET', KEYS[2])[1]
if before == ARGV[1] then return 0 end
redis.call('SET', KEYS[2], ARGV[1])
local meta = redis.call('MGET', KEYS[1])[1]
if not before and not meta then return 0 end
local clock, version = string.match(meta or '', '^%x+ (%d+) (%d+)$')
redis.call('SET', KEYS[1], string.format('%s %.0f %.0f', ARGV[2], clock or 0, version or 0))
return 1
""")

# KEYS: meta, tags index. ARGV: candidate epoch, tag prefix, how long tags are kept (ms), prefix of marks, how
# long those are kept (ms), number of marks, marks…, tags… A mark says that an invalidation was delivered.
BUMP = script_of("""
local meta = redis.call('MGET', KEYS[1])[1]
local epoch, clock, version = string.match(meta or '', '^(%x+) (%d+) (%d+)$')
if not epoch then epoch, clock, version = ARGV[1], 0, 0 end
clock = clock + 1
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for i = 7, 6 + ARGV[6] do redis.call('SET', ARGV[4] .. ARGV[i], 1, 'PX', ARGV[5]) end
for i = 7 + ARGV[6], #ARGV do
  local tag = ARGV[i]
  if tag == 'policy:*' then version = version + 1
  elseif tag == 'everything:*' then epoch = ARGV[1]
  else
    redis.call('SET', ARGV[2] .. tag, string.format('%.0f', clock))
    redis.call('ZADD', KEYS[2], now, tag)
  end
end
local old = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now - ARGV[3], 'LIMIT', 0, 100)
for _, tag in ipairs(old) do
  redis.call('DEL', ARGV[2] .. tag)
  redis.call('ZREM', KEYS[2], tag)
end
redis.call('SET', KEYS[1], string.format('%s %.0f %.0f', epoch, clock, version))
return clock
""")

# KEYS: entry and lease, entry and lease, … ARGV: lease token, lease (ms), then for each entry the first bytes
# that the reader saw. → per entry: 0 yours; -1 the entry changed since (read again); else ms to wait at most.
CLAIM = script_of("""
local reply = {}
for i = 1, #KEYS, 2 do
  local seen = ARGV[2 + (i + 1) / 2]
  local here = redis.pcall('GETRANGE', KEYS[i], 0, 47)
  if type(here) == 'string' and here ~= seen then reply[#reply + 1] = -1
  elseif redis.call('SET', KEYS[i + 1], ARGV[1], 'NX', 'PX', ARGV[2]) then reply[#reply + 1] = 0
  else reply[#reply + 1] = math.max(1, redis.call('PTTL', KEYS[i + 1])) end
end
return reply
""")

# KEYS: meta, entry, lease, backup. ARGV: epoch, seq, lease token, tag prefix, refs prefix, life (ms), how much
# longer the backup lives (ms; 0: none), entry, tags… Gives the lease back in any case.
# → 1 stored; 0 refused, a tag moved meanwhile; -1 refused, another epoch.
STORE = script_of("""
if ARGV[3] ~= '' and redis.call('MGET', KEYS[3])[1] == ARGV[3] then redis.call('DEL', KEYS[3]) end
local meta = redis.call('MGET', KEYS[1])[1]
if not meta or string.match(meta, '^%S+') ~= ARGV[1] then return -1 end
local seq = tonumber(ARGV[2])
for i = 9, #ARGV do
  local clock = redis.call('MGET', ARGV[4] .. ARGV[i])[1]
  if clock and (tonumber(clock) or 0) > seq then return 0 end
end
redis.call('SET', KEYS[2], ARGV[8], 'PX', ARGV[6])
if tonumber(ARGV[7]) > 0 then redis.call('SET', KEYS[4], ARGV[8], 'PX', ARGV[6] + ARGV[7]) end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for i = 9, #ARGV do
  if string.sub(ARGV[i], 1, 5) == 'asin:' then
    local refs = ARGV[5] .. string.sub(ARGV[i], 6)
    if redis.call('TYPE', refs).ok ~= 'zset' then redis.call('DEL', refs) end
    redis.call('ZREMRANGEBYSCORE', refs, '-inf', now)
    redis.call('ZADD', refs, now + ARGV[6], KEYS[2])
    if redis.call('PTTL', refs) < tonumber(ARGV[6]) then redis.call('PEXPIRE', refs, ARGV[6]) end
  end
end
return 1
""")

# KEYS: lease. ARGV: token. Gives a lease back without storing.
RELEASE = script_of("""
if redis.call('MGET', KEYS[1])[1] == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
""")


def run(script: Script, keys: list[str], *args: Argument) -> Any:
    """One script call; sends its text only when the server does not know it. Raises ``redis.RedisError``."""
    try:
        return call("cache", "EVALSHA", script.sha, len(keys), *keys, *args)
    except redis.exceptions.NoScriptError:
        return call("cache", "EVAL", script.text, len(keys), *keys, *args)


async def arun(script: Script, keys: list[str], *args: Argument) -> Any:
    """:func:`run` on the event loop."""
    try:
        return await acall("cache", "EVALSHA", script.sha, len(keys), *keys, *args)
    except redis.exceptions.NoScriptError:
        return await acall("cache", "EVAL", script.text, len(keys), *keys, *args)


def adopt_server() -> None:
    """Starts a new epoch if this is not the server run that the epoch began on. Raises ``redis.RedisError``."""
    client: Any = sync_client("cache")
    try:
        run_id = client.info("server").get("run_id", "")
    except redis.ResponseError:
        # A hosted Redis may forbid INFO; then only its own promises about restarts hold.
        return
    run(ADOPT, [meta_key(), prefixed("cache:run")], run_id, new_epoch())


def bump(tags: Collection[str], marks: Collection[str]) -> None:
    """Moves the logical clock past every entry that carries one of these tags. Raises ``redis.RedisError``.

    ``marks`` are the ids of the invalidations that this delivers.
    """
    arguments: tuple[Argument, ...] = (
        new_epoch(),
        tag_prefix(),
        KEEP_TAGS_MS,
        prefixed(MARK),
        KEEP_MARKS_MS,
        len(marks),
        *marks,
    )
    run(BUMP, [meta_key(), tags_key()], *arguments, *sorted(tags))


def unmarked(marks: Sequence[str]) -> set[str]:
    """Those of these invalidations that were not delivered lately. Raises ``redis.RedisError``."""
    if not marks:
        return set()
    client: Any = sync_client("cache")
    found = client.mget([prefixed(MARK + mark) for mark in marks])
    return {mark for mark, value in zip(marks, found, strict=True) if value is None}
