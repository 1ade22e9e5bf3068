"""Conversation memory's durable copy: what every store promises, and a conversation that outlives DynamoDB's outages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async

from chat.backends.base import MemoryUnavailable, RememberedTurn
from chat.backends.database import DatabaseMemory
from chat.backends.dynamodb import DynamoMemory
from chat.memory import TOPIC, load_memory, stores
from chat.memory_types import REMEMBERED_TURNS, Memory
from chat.models import Conversation, Message, Turn
from chat.records import fail_abandoned
from mangaassist.outbox.models import OutboxMessage
from mangaassist.outbox.relay import drain
from mangaassist.outbox.topics import NotYet
from mangaassist.redis import sync_client
from tests.backends.dynamodb_memory import BACKEND, TABLE, dynamodb_memory
from tests.journeys.shopper import Socket, token
from tests.shop.catalogue import lay_small_catalogue

pytestmark = pytest.mark.django_db(transaction=True)

NOW = datetime.now(UTC)


@pytest.fixture
def table(settings: Any) -> Iterator[Any]:
    settings.OUTBOX_WAKE = False
    with dynamodb_memory(settings) as client:
        yield client


def turn(conversation: Conversation, number: int, **more: Any) -> RememberedTurn:
    """A turn as chat stores it, in our own rows and as what memory keeps of it."""
    at = NOW + timedelta(seconds=number)
    row = Turn.objects.create(
        conversation=conversation, status="complete", dialogue={"shown": [f"B{number}"]}, started_at=at, finished_at=at
    )
    for role, text in (("user", f"question {number}"), ("assistant", f"answer {number} {{{{price:B{number}}}}}")):
        Message.objects.create(conversation=conversation, turn=row, role=role, content=text, template=text)
    known: dict[str, Any] = {
        "conversation_id": str(conversation.pk), "number": number, "turn_id": str(row.pk), "at": at,
        "said": f"question {number}", "answered": f"answer {number} {{{{price:B{number}}}}}",
        "dialogue": {"shown": [f"B{number}"]},
    }  # fmt: skip
    return RememberedTurn(**known | more)


@pytest.fixture(params=["database", "dynamodb"])
def store(request: pytest.FixtureRequest, table: Any) -> DatabaseMemory | DynamoMemory:
    return DatabaseMemory() if request.param == "database" else DynamoMemory(table=TABLE)


@pytest.fixture
def conversation() -> Conversation:
    return Conversation.objects.create(session_id="s1")


class TestEveryStore:
    def test_the_last_turns_in_their_order_with_the_last_state(self, store: Any, conversation: Conversation) -> None:
        turns = [turn(conversation, number) for number in range(1, 10)]
        assert store.append(turns) == {}

        memory = store.load(str(conversation.pk), after_turn=turns[-1].turn_id)

        assert memory.dialogue == {"shown": ["B9"]}
        assert len(memory.lines) == 2 * REMEMBERED_TURNS
        assert (memory.lines[0].text, memory.lines[-1].text) == ("question 4", "answer 9 {{price:B9}}")
        assert [line.role for line in memory.lines[:2]] == ["user", "assistant"]

    def test_twice_or_in_another_order_is_the_same(self, store: Any, conversation: Conversation) -> None:
        turns = [turn(conversation, number) for number in (1, 2, 3)]
        for each in ([turns[2]], [turns[0], turns[1]], turns):
            assert store.append(each) == {}

        memory = store.load(str(conversation.pk), after_turn=turns[2].turn_id)

        assert [line.text for line in memory.lines[::2]] == ["question 1", "question 2", "question 3"]

    def test_another_conversation_is_another_memory(self, store: Any, conversation: Conversation) -> None:
        other = Conversation.objects.create(session_id="s2")
        mine, theirs = turn(conversation, 1), turn(other, 1, said="theirs")
        store.append([mine, theirs])

        assert store.load(str(conversation.pk), after_turn=mine.turn_id).lines[0].text == "question 1"

    def test_what_is_forgotten_is_gone_but_for_the_turns_own_rows(self, store: Any, conversation: Conversation) -> None:
        other = Conversation.objects.create(session_id="s2")
        turns, kept = [turn(conversation, number) for number in (1, 2)], turn(other, 1)
        store.append([*turns, kept])

        store.forget(str(conversation.pk))
        store.forget(str(conversation.pk))

        if store.embedded:
            assert store.load(str(conversation.pk), after_turn=turns[1].turn_id).lines
        else:
            with pytest.raises(MemoryUnavailable):
                store.load(str(conversation.pk), after_turn=turns[1].turn_id)
        assert store.load(str(other.pk), after_turn=kept.turn_id).lines[0].text == "question 1"


class TestDynamo:
    def test_what_has_expired_is_not_read_though_it_is_there(self, table: Any, conversation: Conversation) -> None:
        store = DynamoMemory(table=TABLE, ttl_days=1)
        old, new = turn(conversation, 1, at=NOW - timedelta(days=2)), turn(conversation, 2)
        store.append([old, new])

        assert store.load(str(conversation.pk), after_turn=new.turn_id).lines[0].text == "question 2"
        item = table.get_item(
            TableName=TABLE, Key={"conversation_id": {"S": str(conversation.pk)}, "turn": {"N": "2"}}
        )["Item"]
        assert int(item["expires_at"]["N"]) == pytest.approx(new.at.timestamp() + 86_400, abs=2)

    def test_a_turn_that_it_does_not_know_yet_is_not_made_up(self, table: Any, conversation: Conversation) -> None:
        store = DynamoMemory(table=TABLE)
        store.append([turn(conversation, 1)])

        with pytest.raises(MemoryUnavailable):
            store.load(str(conversation.pk), after_turn=turn(conversation, 2).turn_id)

    def test_a_state_without_bounds_loses_only_itself(self, table: Any, conversation: Conversation) -> None:
        store = DynamoMemory(table=TABLE)
        huge = turn(conversation, 1, dialogue={"shown": ["x" * 500_000]})

        assert store.append([huge]) == {}
        assert store.load(str(conversation.pk), after_turn=huge.turn_id).dialogue == {}

    def test_of_two_turns_with_one_number_none_is_lost(self, table: Any, conversation: Conversation) -> None:
        store = DynamoMemory(table=TABLE)
        turns = [turn(conversation, 1), *(replace(turn(conversation, number), number=number - 1) for number in (2, 3))]
        for each in turns * 2:
            assert store.append([each]) == {}

        memory = store.load(str(conversation.pk), after_turn=turns[2].turn_id)

        assert [line.text for line in memory.lines[::2]] == ["question 1", "question 2", "question 3"]
        assert table.scan(TableName=TABLE)["Count"] == 3

    def test_a_turn_that_finds_no_number_is_not_taken_for_stored(self, table: Any, conversation: Conversation) -> None:
        store = DynamoMemory(table=TABLE)
        turns = [replace(turn(conversation, number), number=1) for number in range(1, 12)]

        failed = store.append(turns)

        assert list(failed) == [turns[-1].turn_id]
        assert failed[turns[-1].turn_id].startswith("ConditionalCheckFailedException")

    def test_no_table_is_said(self, table: Any, conversation: Conversation) -> None:
        store = DynamoMemory(table="no-such-table")
        one = turn(conversation, 1)

        failed = store.append([one])
        assert failed == {one.turn_id: "ResourceNotFoundException: Requested resource not found"}
        assert isinstance(failed[one.turn_id], NotYet)
        with pytest.raises(MemoryUnavailable, match="ResourceNotFound"):
            store.load(str(conversation.pk), after_turn=one.turn_id)


@pytest.fixture
def shop() -> None:
    lay_small_catalogue()


async def ask(*texts: str, conversation_id: str = "") -> tuple[list[dict[str, Any]], str]:
    async with Socket() as socket:
        ready = await socket.hello(token(conversation_id=conversation_id))
        return [await socket.answer(text) for text in texts], ready["conversation_id"]


@pytest.mark.usefixtures("shop")
class TestConversation:
    async def test_it_goes_on_from_dynamodb_when_redis_is_lost(self, table: Any, monkeypatch: Any) -> None:
        _, conversation_id = await ask("do you have Berserk volume 3?")
        await sync_to_async(drain)(TOPIC)
        await sync_to_async(sync_client("cache").flushdb)()
        read: list[str] = []
        original: Callable[..., Memory] = DynamoMemory.load

        def load(self: DynamoMemory, conversation_id: str, **more: Any) -> Memory:
            read.append(conversation_id)
            return original(self, conversation_id, **more)

        monkeypatch.setattr(DynamoMemory, "load", load)

        (answer,), _ = await ask("how much is it?", conversation_id=conversation_id)

        assert read == [conversation_id]
        assert "Berserk" in answer["content"]
        items = table.query(
            TableName=TABLE, KeyConditionExpression="conversation_id = :id",
            ExpressionAttributeValues={":id": {"S": conversation_id}},
        )["Items"]  # fmt: skip
        assert [item["turn"]["N"] for item in items] == ["1"]
        assert "$" not in items[0]["answered"]["S"]

    async def test_a_turn_is_numbered_after_those_that_ended_by_a_clock_ahead_of_ours(self, table: Any) -> None:
        _, conversation_id = await ask("do you have Berserk volume 3?")
        await Turn.objects.filter(conversation_id=conversation_id).aupdate(finished_at=NOW + timedelta(minutes=5))
        await ask("how much is it?", conversation_id=conversation_id)

        rows = OutboxMessage.objects.filter(topic=TOPIC).order_by("created_at")
        assert [row.payload["number"] async for row in rows] == [1, 2]

    async def test_a_turn_whose_process_died_is_remembered_like_any_other(self, table: Any) -> None:
        _, conversation_id = await ask("do you have Berserk volume 3?")

        def die() -> str:
            turn = Turn.objects.create(conversation_id=conversation_id, alive_at=NOW - timedelta(hours=1))
            Message.objects.create(conversation_id=conversation_id, turn=turn, role="user", content="how much is it?")
            assert fail_abandoned(str(turn.pk), "Sorry, please ask again.")
            drain(TOPIC)
            return str(turn.pk)

        last = await sync_to_async(die)()
        memory = await sync_to_async(stores["default"].load)(conversation_id, after_turn=last)
        assert [line.text for line in memory.lines[2:]] == ["how much is it?", "Sorry, please ask again."]
        assert memory.dialogue["language"]
        assert memory == await sync_to_async(DatabaseMemory().load)(conversation_id, after_turn=last)

    async def test_before_it_is_delivered_the_rows_answer(self, table: Any) -> None:
        _, conversation_id = await ask("do you have Berserk volume 3?")
        await sync_to_async(sync_client("cache").flushdb)()

        (answer,), _ = await ask("how much is it?", conversation_id=conversation_id)

        assert "Berserk" in answer["content"]

    async def test_with_dynamodb_down_turns_are_answered_and_written_later(
        self, table: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        up = settings.MEMORY
        monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:9")
        settings.MEMORY = {"default": {"BACKEND": BACKEND, "OPTIONS": {"table": TABLE, "ttl_days": 29}}}
        answers, conversation_id = await ask("do you have Berserk volume 3?", "how much is it?")
        await sync_to_async(sync_client("cache").flushdb)()
        (third,), _ = await ask("and volume 4?", conversation_id=conversation_id)
        assert [each["status"] for each in (*answers, third)] == ["complete"] * 3
        assert await OutboxMessage.objects.filter(topic=TOPIC).exclude(status="done").acount() == 3

        monkeypatch.delenv("AWS_ENDPOINT_URL_DYNAMODB")
        settings.MEMORY = up
        await sync_to_async(drain)(TOPIC)

        last = await Turn.objects.filter(conversation_id=conversation_id).alatest("started_at")
        memory = await sync_to_async(stores["default"].load)(conversation_id, after_turn=str(last.pk))
        assert [line.text for line in memory.lines[::2]] == [
            "do you have Berserk volume 3?", "how much is it?", "and volume 4?"
        ]  # fmt: skip
        assert await load_memory(conversation_id, after_turn=str(last.pk)) == memory
