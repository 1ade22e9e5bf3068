"""Conversation memory: a hot copy in Redis, the durable copy behind role MEMORY.

Memory is state and no cache: the durable copy is written first, in the turn's own transaction, and the hot copy
behind the answer. The hot copy names the turn it was written after, and counts only if that is the conversation's
last one: a lost write or a Redis restored from yesterday costs one query and is never believed.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

import orjson
import structlog
from django.conf import settings
from redis import RedisError

from caching.policies import policies
from caching.registry import CacheKind, register_kind
from chat.backends.base import MemoryStore
from chat.memory_types import Memory, Remembered
from mangaassist.backends import BackendHandler
from mangaassist.breaker import Breaker, BreakerOpen
from mangaassist.dbthreads import in_database
from mangaassist.redis import async_client

stores: BackendHandler[MemoryStore] = BackendHandler("MEMORY", MemoryStore)
log = structlog.get_logger(__name__)
_breaker = Breaker("memory")


@dataclass(frozen=True, slots=True, kw_only=True)
class HotMemory:
    """What lies in Redis. ``dialogue``: the dialogue state as JSON text; ``after_turn``: the last turn in it."""

    after_turn: str
    lines: tuple[Remembered, ...]
    dialogue: str


MEMORY_KIND: CacheKind[HotMemory] = register_kind(
    CacheKind(
        name="memory",
        label="Conversation memory",
        description="The hot copy of a conversation's last turns. Lost, it is read from the durable copy.",
        key=lambda conversation_id: f"memory:{conversation_id}",
        value_type=HotMemory,
        tags=lambda memory: frozenset(),
        default_ttl_s=3600,
        min_ttl_s=5,
        max_ttl_s=24 * 3600,
    )
)


async def load_memory(conversation_id: str, *, after_turn: str) -> Memory:
    """The conversation's memory. ``after_turn``: its last finished turn, empty for none."""
    if not after_turn:
        return Memory()
    hot = await _read_hot(conversation_id)
    if hot is not None and hot.after_turn == after_turn:
        return Memory(lines=hot.lines, dialogue=orjson.loads(hot.dialogue))
    return await in_database(stores["default"].load, conversation_id)


async def _read_hot(conversation_id: str) -> HotMemory | None:
    policy = policies.of(MEMORY_KIND)
    if not policy.enabled:
        return None
    try:
        _breaker.check()
        raw = await async_client("cache").get(_key(conversation_id))
    except BreakerOpen:
        return None
    except (RedisError, OSError):
        _breaker.failed()
        return None
    _breaker.succeeded()
    if raw is None:
        return None
    try:
        stored_at, after_turn, lines, dialogue = orjson.loads(raw)
        if time.time() - stored_at > policy.ttl_s:
            return None
        remembered = tuple(Remembered(role=role, text=text) for role, text in lines)
        return HotMemory(after_turn=after_turn, lines=remembered, dialogue=dialogue)
    except (ValueError, TypeError):
        return None


def remember(conversation_id: str, memory: Memory, *, after_turn: str) -> None:
    """Puts the hot copy behind the answer; nothing waits for it and its failure costs nothing."""
    task = asyncio.get_running_loop().create_task(_write_hot(conversation_id, memory, after_turn))
    _writing.add(task)
    task.add_done_callback(_writing.discard)


_writing: set[asyncio.Task[None]] = set()


async def _write_hot(conversation_id: str, memory: Memory, after_turn: str) -> None:
    policy = policies.of(MEMORY_KIND)
    if not policy.enabled:
        return
    lines = [(line.role, line.text) for line in memory.lines]
    value = orjson.dumps([time.time(), after_turn, lines, orjson.dumps(memory.dialogue).decode()])
    try:
        _breaker.check()
        await async_client("cache").set(_key(conversation_id), value, ex=policy.ttl_s)
    except BreakerOpen:
        return
    except (RedisError, OSError):
        _breaker.failed()
    else:
        _breaker.succeeded()


def _key(conversation_id: str) -> str:
    return settings.CACHE_KEY_PREFIX + MEMORY_KIND.key(conversation_id)
