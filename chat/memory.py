"""Conversation memory: a hot copy in Redis, the durable copy behind role MEMORY.

Memory is state and no cache: the durable copy is written first, in the turn's own transaction, and the hot copy
behind the answer. A lost or failing Redis costs one query.
"""

from __future__ import annotations

from chat.backends.base import MemoryStore
from chat.memory_types import Memory
from mangaassist.backends import BackendHandler
from mangaassist.dbthreads import in_database

stores: BackendHandler[MemoryStore] = BackendHandler("MEMORY", MemoryStore)


async def load_memory(conversation_id: str) -> Memory:
    return await in_database(stores["default"].load, conversation_id)


def remember(conversation_id: str, memory: Memory) -> None: ...
