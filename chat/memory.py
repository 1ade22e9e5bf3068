"""Conversation memory: a hot copy in Redis, the durable copy behind role MEMORY.

Memory is state and no cache: the durable copy is written first, in the turn's own transaction (of a store outside the
row of the outbox that carries it there), and the hot copy behind the answer. The hot copy names the turn it was
written after, and counts only if that is the conversation's last one: a lost write or a Redis restored from yesterday
costs one query and is never believed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial

import orjson
import structlog

from caching.policy_cache import policy_cache
from caching.redis_scripts import backup_key, prefixed
from caching.registry import CacheKind, register_kind
from chat.backends.base import MemoryStore, MemoryUnavailable, RememberedTurn
from chat.backends.database import DatabaseMemory
from chat.memory_types import Memory, Remembered
from mangaassist.backends import BackendHandler
from mangaassist.breaker import BoundedExecutor, ExecutorFull
from mangaassist.dbthreads import in_database
from mangaassist.outbox.delivery import enqueue
from mangaassist.outbox.topics import Delivery, NotYet, Topic, register_topic
from mangaassist.redis import sync_client

log = structlog.get_logger(__name__)
TOPIC = "memory"
# A store outside that hangs takes these threads and no others.
_outside = BoundedExecutor("memory", threads=4, queue=64)
stores: BackendHandler[MemoryStore] = BackendHandler("MEMORY", MemoryStore)


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
        known_tags=lambda conversation_id: frozenset({f"conversation:{conversation_id}"}),
        default_ttl_s=3600,
        is_personal=True,
        min_ttl_s=5,
        max_ttl_s=24 * 3600,
    )
)


async def load_memory(conversation_id: str, *, after_turn: str) -> Memory:
    """The conversation's memory. ``after_turn``: its last finished turn, empty for none."""
    if not after_turn:
        return Memory()

    async def from_durable_copy() -> HotMemory:
        return _hot(await _from_durable_copy(conversation_id, after_turn), after_turn)

    hot = await policy_cache.aget_or_compute(MEMORY_KIND, (conversation_id,), from_durable_copy)
    if hot is None or hot.after_turn != after_turn:
        hot = await from_durable_copy()
    return Memory(lines=hot.lines, dialogue=orjson.loads(hot.dialogue))


async def _from_durable_copy(conversation_id: str, after_turn: str) -> Memory:
    """From the configured store; from the turns' own rows when it fails or does not know the last turn yet."""
    if memory_is_outside():
        try:
            return await _outside.run(partial(stores["default"].load, conversation_id, after_turn=after_turn))
        except (MemoryUnavailable, ExecutorFull) as error:
            log.warning("memory_from_rows", conversation=conversation_id, error=str(error))
    return await in_database(DatabaseMemory().load, conversation_id, after_turn=after_turn)


def remember(conversation_id: str, memory: Memory, *, after_turn: str) -> None:
    """Puts the hot copy behind the answer; nothing waits for it and its failure costs nothing."""
    policy_cache.put_behind(MEMORY_KIND, (conversation_id,), _hot(memory, after_turn))


def memory_is_outside() -> bool:
    """Whether the turns' own rows are not the durable copy."""
    return not stores["default"].embedded


def write_durably(turn: RememberedTurn) -> None:
    """Through the outbox, in the transaction that stores the turn."""
    enqueue(TOPIC, asdict(turn) | {"at": turn.at.isoformat()}, key=turn.conversation_id)


def forget_hot(conversation_id: str) -> None:
    """Removes the hot copy from Redis; its tag must have been invalidated. Raises ``redis.RedisError``."""
    key = MEMORY_KIND.key(conversation_id)
    sync_client("cache").delete(prefixed(key), backup_key(key))


def forget_outside(conversation_id: str, then: Iterable[RememberedTurn]) -> None:
    """Has the store outside forget a conversation and keep ``then`` in its place; through the outbox, in its order."""
    if memory_is_outside():
        enqueue(TOPIC, {"forget": conversation_id}, key=conversation_id)
        for turn in then:
            write_durably(turn)


def deliver(deliveries: Sequence[Delivery]) -> Mapping[str, str]:
    """The outbox's handler. Of one conversation there is one delivery at a time."""
    failed: dict[str, str] = {}
    turns: dict[str, RememberedTurn] = {}
    for delivery in deliveries:
        if "forget" in delivery.payload:
            try:
                stores["default"].forget(delivery.payload["forget"])
            except MemoryUnavailable as error:
                failed[delivery.id] = NotYet(str(error))
        else:
            body = delivery.payload | {"at": datetime.fromisoformat(delivery.payload["at"])}
            turns[delivery.id] = RememberedTurn(**body)
    refused = stores["default"].append(list(turns.values()))
    return failed | {id: refused[turn.turn_id] for id, turn in turns.items() if turn.turn_id in refused}


def register() -> None:
    register_topic(Topic(name=TOPIC, handler=deliver, batch_size=50, in_order=True))


def _hot(memory: Memory, after_turn: str) -> HotMemory:
    return HotMemory(after_turn=after_turn, lines=memory.lines, dialogue=orjson.dumps(memory.dialogue).decode())
