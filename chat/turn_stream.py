"""A turn's frames in a Redis stream, so that any web process can tell them: entry ``0-n`` is the frame with ``seq`` n.

One script call appends frames, rings the turn's bell and renews the expiry. The stream is never trimmed, hence its
length is its last ``seq``; an append that would leave a hole or repeat a frame does neither, whatever was lost or sent
again. It is delivery and no cache: nothing but that turn is ever made from it, and it expires in ten minutes.

Keys: ``turn:{id}`` the stream · ``turn:{id}:attempt`` who may append (chat.leases). The braces are Redis Cluster's
hash tag. Runs on Redis 6.2, whose ``XADD`` knows no ``0-*``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from hashlib import sha1
from typing import TypeVar

import orjson
import redis
from django.conf import settings

from chat.events import Frame
from mangaassist.breaker import Breaker, BreakerOpen
from mangaassist.doorbell import peal
from mangaassist.redis import sync_client
from mangaassist.redis_wire import Argument, acall

T = TypeVar("T")
EXPIRES_S = 600
# Frames of one XRANGE; a turn has some dozens.
PAGE = 500
_APPEND = """
local allowed = tonumber(redis.call('GET', KEYS[2]) or 0)
if tonumber(ARGV[1]) < allowed then return -1 end
local seq = redis.call('XLEN', KEYS[1])
local first = tonumber(ARGV[2])
if first <= seq + 1 then
  for n = seq - first + 7, #ARGV do
    seq = seq + 1
    redis.call('XADD', KEYS[1], '0-' .. seq, 'f', ARGV[n])
  end
end
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
redis.call('PUBLISH', ARGV[4], ARGV[5])
return seq
"""
_APPEND_SHA = sha1(_APPEND.encode(), usedforsecurity=False).hexdigest()
_breaker = Breaker("turn-streams", failures=3, pause_s=0.5)


class StreamUnavailable(Exception):
    """Redis is down, hangs, or was asked too lately to be asked again."""


class Superseded(Exception):
    """Another process has taken this turn over; what this one still says of it is not to be heard."""


def bell_of(turn_id: str) -> str:
    """Rung in the database ``streams`` at each append."""
    return f"turn:{turn_id}"


def _key(turn_id: str) -> str:
    return f"{settings.CACHE_KEY_PREFIX}turn:{{{turn_id}}}"


async def append(turn_id: str, attempt: int, first: int, frames: Sequence[bytes]) -> int:
    """Appends ``frames`` (JSON) from ``seq`` ``first`` on → the stream's last ``seq``.

    Frames that are there already are passed over. When those before ``first`` are not there (Redis lost them), nothing
    is appended: the answer then says where to begin. Without frames it only claims the stream for ``attempt``.
    Raises :class:`Superseded` and :class:`StreamUnavailable`.
    """
    key = _key(turn_id)
    channel, message = peal(bell_of(turn_id), turn_id)
    arguments: list[Argument] = [2, key, f"{key}:attempt", attempt, first, EXPIRES_S * 1000, channel, message, *frames]

    async def call() -> int:
        try:
            return int(await acall("streams", "EVALSHA", _APPEND_SHA, *arguments))
        except redis.exceptions.NoScriptError:
            return int(await acall("streams", "EVAL", _APPEND, *arguments))

    last = await _asked(call)
    if last < 0:
        raise Superseded(turn_id)
    return last


async def read(turn_id: str, after: int) -> list[Frame]:
    """The frames behind ``seq`` ``after``, contiguous. Raises :class:`StreamUnavailable`."""
    frames: list[Frame] = []
    while True:
        start = f"(0-{after + len(frames)}"
        page = await _asked(partial(acall, "streams", "XRANGE", _key(turn_id), start, "+", "COUNT", PAGE))
        frames += [orjson.loads(fields[1]) for _, fields in page]
        if len(page) < PAGE:
            return frames


async def read_whole(turn_id: str) -> list[Frame]:
    """All frames of a turn that has ended; none when they are not all there, or cannot be read."""
    try:
        frames = await read(turn_id, 0)
    except StreamUnavailable:
        return []
    return frames if frames and frames[-1]["type"] == "response" else []


def forget(turn_ids: Iterable[str]) -> None:
    """Removes streams before they expire. Raises ``redis.RedisError``."""
    keys = [key for id in turn_ids for key in (_key(id), f"{_key(id)}:attempt")]
    if keys:
        sync_client("streams").delete(*keys)


async def _asked(call: Callable[[], Awaitable[T]]) -> T:
    try:
        _breaker.check()
        answer = await call()
    except BreakerOpen as error:
        raise StreamUnavailable(str(error)) from error
    except (redis.RedisError, OSError) as error:
        _breaker.failed()
        raise StreamUnavailable(str(error)) from error
    _breaker.succeeded()
    return answer
