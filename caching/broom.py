"""Sweeping up: entries that show a product and can never be served again are unlinked, a few at a time.

The clock already made them misses; this only gives their memory back. The index ``product_cache_refs:{asin}``
says where to look.
"""

from __future__ import annotations

import time
from typing import Any

from django.conf import settings

from caching.redis_scripts import BACKUP, Script, meta_key, refs_prefix, run, script_of, tag_prefix
from mangaassist.redis import sync_client

CHUNK = 200
# Redis serves others in between.
REST_S = 0.002

# KEYS: refs, meta, entries… ARGV: tag clock's key, key prefix, backups' prefix. Unlinks entries older than the
# clock, or of another epoch, with their backups;
# takes them and those that are gone from the index. → how many were unlinked.
SWEEP: Script = script_of("""
local clock = tonumber(redis.call('MGET', ARGV[1])[1] or 0) or 0
local epoch = string.match(redis.call('MGET', KEYS[2])[1] or '', '^%x+')
local unlinked = 0
for i = 3, #KEYS do
  local head = redis.pcall('GETRANGE', KEYS[i], 0, 63)
  local its_epoch, seq = string.match(type(head) == 'string' and head or '', '^(%x+)\\t(%d+)\\t')
  if not its_epoch or its_epoch ~= epoch or tonumber(seq) < clock then
    redis.call('UNLINK', ARGV[2] .. ARGV[3] .. string.sub(KEYS[i], #ARGV[2] + 1))
    if its_epoch then unlinked = unlinked + redis.call('UNLINK', KEYS[i]) end
    redis.call('ZREM', KEYS[1], KEYS[i])
  end
end
return unlinked
""")


def sweep(asin: str) -> int:
    """Unlinks this product's dead entries; the number of them. Raises ``redis.RedisError``."""
    client: Any = sync_client("cache")
    refs = f"{refs_prefix()}{asin}"
    unlinked, cursor = 0, 0
    while True:
        cursor, members = client.zscan(refs, cursor, count=CHUNK)
        if members:
            keys = [refs, meta_key(), *(member.decode() for member, _ in members)]
            unlinked += run(SWEEP, keys, f"{tag_prefix()}asin:{asin}", settings.CACHE_KEY_PREFIX, BACKUP)
        if cursor == 0:
            return unlinked
        time.sleep(REST_S)


def showing(asin: str) -> list[str]:
    """The keys that show this product now, soonest to expire first. Raises ``redis.RedisError``."""
    found: Any = sync_client("cache").zrangebyscore(f"{refs_prefix()}{asin}", time.time() * 1000, "+inf")
    return [key.decode() for key in found]
