"""What was said is taken back wherever we keep it: one message's words, or a whole conversation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from django.apps import apps
from django.db import models

from caching.behind import behind
from chat.feedback import Opinion, save_feedback
from chat.forgetting import REDACTED, erase_conversation, redact_message
from chat.memory import load_memory
from chat.models import Conversation, Feedback, FeedbackCount, Message, Turn
from chat.plain import answer
from chat.sessions import Session, open_session
from chat.tokens import Claims, Shopper
from escalation.models import Handoff
from mangaassist.analytics.buffer import buffer
from mangaassist.analytics.models import AnalyticsEvent, UnansweredQuestion
from mangaassist.analytics.unanswered import unanswered
from mangaassist.dbthreads import in_database
from mangaassist.outbox.models import OutboxMessage
from mangaassist.outbox.relay import drain
from mangaassist.redis import sync_client
from tests.backends.dynamodb_memory import TABLE, dynamodb_memory
from tests.shop.catalogue import load_small_catalogue

pytestmark = pytest.mark.django_db(transaction=True)

# In no other text: where it stands, something was forgotten to be forgotten.
SECRET = "my neighbour zzyzxqua keeps my parcels"


@pytest.fixture(autouse=True)
def shop(transactional_db: None, settings: Any) -> None:
    load_small_catalogue()
    settings.OUTBOX_WAKE = False
    settings.TURN_LIMITS_S = dict.fromkeys(settings.TURN_LIMITS_S, 30)


@pytest.fixture
def dynamodb(settings: Any) -> Iterator[Any]:
    with dynamodb_memory(settings) as client:
        yield client


async def told_secret() -> tuple[Session, Message]:
    """A conversation in which the secret was said, answered, rated and handed to a person."""
    shopper = Shopper(session_id="s1")
    session = await in_database(open_session, Claims(shopper=shopper, context={}))
    await answer(session, "tell me about Berserk")
    await answer(session, SECRET)
    frame = await answer(session, "let me talk to a person")
    assert frame is not None
    conversation = await in_database(session.conversation)
    await in_database(save_feedback, conversation, frame["message_id"], Opinion(rating=-1, comment=SECRET))
    await behind.afinish()
    await in_database(store_analytics)
    return session, await Message.objects.aget(content=SECRET)


def store_analytics() -> None:
    buffer.flush()
    unanswered.flush()
    deliver()


def deliver() -> None:
    for topic in ("analytics", "memory", "feedback"):
        drain(topic)


def where(text: str) -> set[str]:
    """Tables and Redis databases that hold a text."""
    found = set()
    for model in apps.get_models():
        kinds = (models.TextField, models.CharField, models.JSONField)
        fields = [field.name for field in model._meta.concrete_fields if isinstance(field, kinds)]
        if fields and any(text in str(row) for row in model._base_manager.values_list(*fields)):
            found.add(model.__name__)
    for name in ("cache", "streams"):
        client: Any = sync_client(name)
        if any(text.encode() in _whole(client, key) for key in client.scan_iter("*")):
            found.add(name)
    return found


def _whole(client: Any, key: bytes) -> bytes:
    kind = client.type(key)
    if kind == b"stream":
        return repr(client.xrange(key)).encode()
    return client.get(key) or b"" if kind == b"string" else b""


async def test_a_messages_words_are_taken_out_of_everything() -> None:
    session, message = await told_secret()
    before = await in_database(where, "zzyzxqua")
    assert {"Message", "AnalyticsEvent", "HandoffLine", "Handoff", "cache"} <= before

    assert await in_database(redact_message, message.pk)

    # The opinion's own words are another text.
    assert await in_database(where, "zzyzxqua") - {"OutboxMessage", "QueuedMessage"} == {"Feedback"}
    assert not await in_database(redact_message, message.pk)
    await message.arefresh_from_db()
    assert (message.content, message.redacted_at is not None) == (REDACTED, True)
    turn = await Turn.objects.aget(messages=message)
    assert turn.trace["steps"]
    memory = await load_memory(
        session.conversation_id, after_turn=str((await Conversation.objects.aget()).last_turn_id)
    )
    assert [line.text for line in memory.lines if line.role == "user"] == [
        "tell me about Berserk", REDACTED, "let me talk to a person",
    ]  # fmt: skip


async def test_a_conversation_is_erased_everywhere() -> None:
    session, _ = await told_secret()
    shopper = Shopper(session_id="s2")
    other = await in_database(open_session, Claims(shopper=shopper, context={}))
    await answer(other, "tell me about One Piece")

    await in_database(erase_conversation, (await Conversation.objects.aget(session_id="s1")).pk)
    await in_database(deliver)

    assert await in_database(where, "zzyzxqua") == set()
    assert await in_database(where, session.conversation_id) <= {"OutboxMessage"}
    assert not await Handoff.objects.aexists()
    assert not await AnalyticsEvent.objects.filter(session_id=session.conversation_id).aexists()
    assert await Conversation.objects.acount() == 1
    assert await Message.objects.filter(conversation_id=other.conversation_id).acount() == 2


async def test_what_waits_for_analytics_is_forgotten_before_it_leaves() -> None:
    shopper = Shopper(session_id="s1")
    session = await in_database(open_session, Claims(shopper=shopper, context={}))
    await answer(session, SECRET)
    assert len(buffer)
    message = await Message.objects.aget(content=SECRET)

    await in_database(redact_message, message.pk)

    waiting = await OutboxMessage.objects.filter(topic="analytics").alast()
    assert waiting is not None
    told = [each for each in waiting.payload["records"] if each["event"] == "turn_finished"]
    assert [(each["message"], each["response"]) for each in told] == [(REDACTED, REDACTED)]


@pytest.mark.parametrize("way", ["redact", "erase"])
async def test_a_name_that_one_shopper_alone_asked_for_is_gone(way: str) -> None:
    session = await in_database(open_session, Claims(shopper=Shopper(session_id="s1"), context={}))
    await answer(session, "do you have Zorblatt Chronicles?")
    await in_database(unanswered.flush)
    assert await UnansweredQuestion.objects.filter(question__contains="zorblatt").aexists()
    if way == "erase":
        await in_database(erase_conversation, UUID(session.conversation_id))
    else:
        message = await Message.objects.aget(role="user")
        await in_database(redact_message, message.pk)
    assert not await UnansweredQuestion.objects.aexists()


async def test_what_many_have_asked_stays_counted() -> None:
    for session_id in ("s1", "s2"):
        shopper = Shopper(session_id=session_id)
        session = await in_database(open_session, Claims(shopper=shopper, context={}))
        await answer(session, "blorp the frobnicator quux")
    await in_database(unanswered.flush)
    asked = await UnansweredQuestion.objects.acount()
    conversation = await Conversation.objects.aget(session_id="s1")
    await in_database(erase_conversation, conversation.pk)
    assert await UnansweredQuestion.objects.acount() == asked


async def test_opinions_of_an_erased_conversation_stay_counted() -> None:
    await told_secret()
    conversation = await Conversation.objects.aget()
    await FeedbackCount.objects.aget_or_create(day="2026-01-01", down=1)
    await in_database(erase_conversation, conversation.pk)
    assert not await Feedback.objects.aexists()
    assert await FeedbackCount.objects.aexists()


class TestDynamo:
    async def test_redaction_puts_the_last_turns_there_again(self, dynamodb: Any) -> None:
        session, message = await told_secret()
        await in_database(redact_message, message.pk)
        await in_database(deliver)
        items = dynamodb.scan(TableName=TABLE)["Items"]
        assert [item["said"]["S"] for item in sorted(items, key=lambda each: int(each["turn"]["N"]))] == [
            "tell me about Berserk", REDACTED, "let me talk to a person",
        ]  # fmt: skip
        memory = await load_memory(
            session.conversation_id, after_turn=str((await Conversation.objects.aget()).last_turn_id)
        )
        assert len(memory.lines) == 6

    async def test_erasing_leaves_nothing_there(self, dynamodb: Any) -> None:
        await told_secret()
        await in_database(erase_conversation, (await Conversation.objects.aget()).pk)
        await in_database(deliver)
        assert dynamodb.scan(TableName=TABLE)["Items"] == []
