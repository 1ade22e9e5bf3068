"""How much a key may ask in a minute and in a day, and the headers that say so.

Headers: ``RateLimit-Policy`` and ``RateLimit`` of draft-ietf-httpapi-ratelimit-headers-10, and for older clients
``RateLimit-Limit``, ``-Remaining`` and ``-Reset`` of its versions up to 07. Both count clock minutes and days in UTC.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from django.conf import settings

from mangaassist.redis_wire import acall
from partners.key_version import version_key
from partners.models import ApiKey

MINUTE_S = 60
DAY_S = 86_400
# What is refused for its pace does not count against the day.
_COUNT = """
local version = redis.call('GET', KEYS[1]) or ''
local minute = redis.call('INCR', KEYS[2])
if minute == 1 then redis.call('EXPIRE', KEYS[2], ARGV[2]) end
local day = 0
if minute <= tonumber(ARGV[1]) then
  day = redis.call('INCR', KEYS[3])
  if day == 1 then redis.call('EXPIRE', KEYS[3], ARGV[3]) end
else
  day = tonumber(redis.call('GET', KEYS[3]) or '0')
end
return {version, minute, day}
"""


@dataclass(frozen=True, slots=True)
class Usage:
    """A key's requests in this minute and day, the one at hand included. ``at``: seconds since the epoch."""

    rate: int
    cap: int | None
    minute: int
    day: int
    at: float
    version: bytes = b""

    @property
    def wait_s(self) -> int:
        """Until it may ask again; 0: it may."""
        if self.cap is not None and self.day > self.cap:
            return _left(self.at, DAY_S)
        return _left(self.at, MINUTE_S) if self.minute > self.rate else 0

    def headers(self) -> dict[str, str]:
        remaining, reset = max(0, self.rate - self.minute), _left(self.at, MINUTE_S)
        policies = [f'"minute";q={self.rate};w={MINUTE_S}']
        states = [f'"minute";r={remaining};t={reset}']
        if self.cap is not None:
            left_today = max(0, self.cap - self.day)
            policies.append(f'"day";q={self.cap};w={DAY_S}')
            states.append(f'"day";r={left_today};t={_left(self.at, DAY_S)}')
            if left_today < remaining:
                remaining, reset = left_today, _left(self.at, DAY_S)
        return {
            "RateLimit-Policy": ", ".join(policies),
            "RateLimit": ", ".join(states),
            "RateLimit-Limit": str(self.rate),
            "RateLimit-Remaining": str(remaining),
            "RateLimit-Reset": str(reset),
        }


def _left(at: float, window_s: int) -> int:
    return int(window_s - at % window_s) or 1


async def count_in_redis(key: ApiKey) -> Usage:
    """Counts one request, for all processes. Raises what Redis raises."""
    at = time.time()
    base = f"{settings.CACHE_KEY_PREFIX}quota:{key.pk}"
    version, minute, day = await acall(
        "streams", "EVAL", _COUNT, 3,
        version_key(), f"{base}:m{int(at // MINUTE_S)}", f"{base}:d{int(at // DAY_S)}",
        key.rate_per_minute, 2 * MINUTE_S, DAY_S + MINUTE_S,
    )  # fmt: skip
    return Usage(key.rate_per_minute, key.daily_cap, minute, day, at, version)


# {(key, "minute" or "day"): [which one, requests]}
_here: dict[tuple[int, str], list[int]] = {}


def count_here(key: ApiKey) -> Usage:
    """Counts one request in this process alone, for while Redis is away."""
    at = time.time()
    minute = _add(key.pk, "minute", int(at // MINUTE_S), 1)
    day = _add(key.pk, "day", int(at // DAY_S), int(minute <= key.rate_per_minute))
    return Usage(key.rate_per_minute, key.daily_cap, minute, day, at)


def _add(key_id: int, window: str, number: int, amount: int) -> int:
    counter = _here.setdefault((key_id, window), [number, 0])
    if counter[0] != number:
        counter[:] = [number, 0]
    counter[1] += amount
    return counter[1]
