"""The hot copy of a conversation's memory: quick when it is there, never believed when it is not the last one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import async_to_sync

from caching.behind import behind
from caching.inspection import inspect_key
from caching.invalidation import bump_now
from caching.models import CachePolicy
from chat.backends.database import DatabaseMemory
from chat.memory import load_memory, remember
from chat.memory_types import Memory
from mangaassist.redis import sync_client

pytestmark = pytest.mark.django_db(transaction=True)

KEY = "memory:c1"
FIRST = Memory().after("Do you have Nana?", "Yes: {{title:B1}}, {{price:B1}}.", {"shown": ["B1"]})
SECOND = FIRST.after("And volume 2?", "Yes.", {"shown": ["B2"]})


@pytest.fixture
def durable(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which conversations were read from the durable copy; it holds SECOND."""
    asked: list[str] = []

    def load(self: DatabaseMemory, conversation_id: str, *, after_turn: str) -> Memory:
        asked.append(conversation_id)
        return SECOND

    monkeypatch.setattr(DatabaseMemory, "load", load)
    return asked


async def remembered(memory: Memory, after_turn: str) -> None:
    remember("c1", memory, after_turn=after_turn)
    await behind.afinish()


async def test_the_next_turn_reads_the_hot_copy(durable: list[str]) -> None:
    await remembered(FIRST, "t1")
    assert await load_memory("c1", after_turn="t1") == FIRST
    assert durable == []
    assert 3200 < sync_client("cache").ttl(KEY) <= 3600
    assert b"{{price:B1}}" in (sync_client("cache").get(KEY) or b"")


def test_operators_who_look_an_entry_up_do_not_read_what_was_said() -> None:
    async_to_sync(remembered)(FIRST, "t1")
    found = inspect_key(KEY)
    assert found.is_served
    assert "Nana" not in found.value
    assert "about a person" in found.value


async def test_the_copy_of_another_turn_is_not_believed(durable: list[str]) -> None:
    await remembered(FIRST, "t1")
    assert await load_memory("c1", after_turn="t2") == SECOND
    assert durable == ["c1"]


async def test_a_conversation_that_begins_reads_nothing(durable: list[str]) -> None:
    assert await load_memory("c1", after_turn="") == Memory()
    assert durable == []


@pytest.mark.parametrize(
    "lose",
    [
        lambda: sync_client("cache").delete(KEY),
        lambda: sync_client("cache").set(KEY, b"\x00foreign"),
        lambda: bump_now(["everything:*"]),
        lambda: bump_now(["conversation:c1"]),
        lambda: CachePolicy.with_defaults("memory").forget_entries(),
        lambda: CachePolicy.objects.filter(pk="memory").update(enabled=False),
    ],
    ids=["lost", "foreign", "everything forgotten", "conversation forgotten", "kind forgotten", "switched off"],
)
def test_without_the_hot_copy_the_durable_one_answers(durable: list[str], lose: Callable[[], Any]) -> None:
    CachePolicy.objects.create_missing()
    async_to_sync(remembered)(SECOND, "t2")
    lose()
    assert async_to_sync(load_memory)("c1", after_turn="t2") == SECOND
    assert durable == ["c1"]
