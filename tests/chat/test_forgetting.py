"""What was said is taken back wherever we keep it: one message's words, or a whole conversation."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.utils import timezone

from caching.behind import behind
from chat.asking import begin_turn
from chat.audience import ToldTurn
from chat.feedback import Opinion, save_feedback
from chat.forgetting import erase_conversation, redact_message, redact_opinion
from chat.leases import take_over
from chat.memory import load_memory
from chat.models import Conversation, Feedback, FeedbackCount, FeedbackNote, Message, Turn
from chat.plain import answer
from chat.records import accept_message
from chat.runner import runner
from chat.sessions import Session, open_session
from chat.tokens import Claims, Shopper
from escalation.models import Handoff
from mangaassist.analytics.buffer import buffer
from mangaassist.analytics.models import AnalyticsEvent, UnansweredQuestion
from mangaassist.analytics.unanswered import unanswered
from mangaassist.dbthreads import in_database
from mangaassist.outbox.models import OutboxMessage
from mangaassist.privacy.erasing import AGAIN_AFTER, erase, finish_due
from mangaassist.privacy.models import Erasure
from mangaassist.privacy.shoppers import find_shopper
from mangaassist.privacy.words import REDACTED
from mangaassist.redis import sync_client
from tests.backends.dynamodb_memory import TABLE, dynamodb_memory
from tests.chat.unhurried import open_unhurried_shop
from tests.journeys import patient_generator
from tests.mangaassist.remains import SECRET, deliver, settle, where

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def shop(transactional_db: None, settings: Any) -> None:
    open_unhurried_shop(settings)


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
    await in_database(settle)
    return session, await Message.objects.aget(content=SECRET)


def redact(message_id: int) -> Erasure | None:
    return redact_message(message_id, by="operator")


def erase_all(conversation_id: UUID) -> Erasure:
    return erase_conversation(conversation_id, by="operator")


def look_once_more() -> None:
    """What the worker does two minutes later."""
    finish_due(timezone.now() + AGAIN_AFTER + timedelta(seconds=1))


@pytest.fixture
def patient(settings: Any) -> asyncio.Semaphore:
    """The model writes a piece for each release."""
    settings.GENERATORS = {"default": {"BACKEND": "tests.journeys.patient_generator.PatientGenerator"}}
    patient_generator.allowed.append(asyncio.Semaphore(0))
    return patient_generator.allowed[-1]


async def begun(session: Session, text: str) -> ToldTurn:
    """The turn of a question, at the point where the model is to write."""
    asked = asyncio.Event()
    patient_generator.begun[:] = [asked]
    accepted = await in_database(accept_message, session.conversation_id, str(uuid4()), text)
    told = begin_turn(session, accepted, text, str(uuid4()), hint="en")
    assert told is not None
    async with asyncio.timeout(60):
        await asked.wait()
    return told


async def test_a_messages_words_are_taken_out_of_everything() -> None:
    session, message = await told_secret()
    before = await in_database(where, "zzyzxqua")
    assert {"Message", "AnalyticsEvent", "HandoffLine", "Handoff", "cache"} <= before

    assert await in_database(redact, message.pk)

    # The opinion's own words are another text.
    assert await in_database(where, "zzyzxqua") - {"OutboxMessage", "QueuedMessage"} == {"Feedback"}
    assert not await in_database(redact, message.pk)
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

    await in_database(erase_all, (await Conversation.objects.aget(session_id="s1")).pk)
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

    await in_database(redact, message.pk)

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
        await in_database(erase_all, UUID(session.conversation_id))
    else:
        message = await Message.objects.aget(role="user")
        await in_database(redact, message.pk)
    assert not await UnansweredQuestion.objects.aexists()


async def test_what_many_have_asked_stays_counted() -> None:
    for session_id in ("s1", "s2"):
        shopper = Shopper(session_id=session_id)
        session = await in_database(open_session, Claims(shopper=shopper, context={}))
        await answer(session, "blorp the frobnicator quux")
    await in_database(unanswered.flush)
    asked = await UnansweredQuestion.objects.acount()
    conversation = await Conversation.objects.aget(session_id="s1")
    await in_database(erase_all, conversation.pk)
    assert await UnansweredQuestion.objects.acount() == asked


async def test_opinions_of_an_erased_conversation_stay_counted() -> None:
    await told_secret()
    conversation = await Conversation.objects.aget()
    await FeedbackCount.objects.aget_or_create(day="2026-01-01", down=1)
    await in_database(erase_all, conversation.pk)
    assert not await Feedback.objects.aexists()
    assert await FeedbackCount.objects.aexists()


async def read_to_its_end(told: ToldTurn) -> list[Any]:
    async with asyncio.timeout(60):
        return [frame async for frame in told.read()]


class TestWhileATurnRuns:
    async def test_what_is_redacted_does_not_come_back_with_its_answer(self, patient: asyncio.Semaphore) -> None:
        session = await in_database(open_session, Claims(shopper=Shopper(session_id="s1"), context={}))
        told = await begun(session, f"recommend something dark, {SECRET}")
        message = await Message.objects.aget(role="user")

        erasure = await in_database(redact, message.pk)
        for _ in patient_generator.PIECES:
            patient.release()
        frames = await read_to_its_end(told)
        await behind.afinish()
        await in_database(settle)

        assert erasure is not None
        assert erasure.error == ""
        assert frames[-1]["status"] == "complete"
        assert await in_database(where, "zzyzxqua") == set()
        turn = await Turn.objects.aget()
        assert (turn.is_redacted, turn.dialogue, turn.trace["slots"]) == (True, {}, [])
        memory = await load_memory(session.conversation_id, after_turn=str(turn.pk))
        assert [line.text for line in memory.lines if line.role == "user"] == [REDACTED]

    async def test_nor_with_that_of_a_later_question(self, settings: Any) -> None:
        session = await in_database(open_session, Claims(shopper=Shopper(session_id="s1"), context={}))
        await answer(session, SECRET)
        settings.GENERATORS = {"default": {"BACKEND": "tests.journeys.patient_generator.PatientGenerator"}}
        patient_generator.allowed.append(asyncio.Semaphore(0))
        told = await begun(session, "recommend something dark")
        message = await Message.objects.filter(role="user").afirst()
        assert message is not None

        await in_database(redact, message.pk)
        for _ in patient_generator.PIECES:
            patient_generator.allowed[-1].release()
        await read_to_its_end(told)
        await behind.afinish()
        await in_database(settle)

        assert await in_database(where, "zzyzxqua") == set()
        memory = await load_memory(
            session.conversation_id, after_turn=str((await Conversation.objects.aget()).last_turn_id)
        )
        assert [line.text for line in memory.lines if line.role == "user"] == [REDACTED, "recommend something dark"]

    async def test_nobody_takes_over_a_question_that_was_redacted(self) -> None:
        session = await in_database(open_session, Claims(shopper=Shopper(session_id="s1"), context={}))
        accepted = await in_database(accept_message, session.conversation_id, str(uuid4()), SECRET)
        message = await Message.objects.aget()
        await in_database(redact, message.pk)
        # Its process has died.
        await Turn.objects.aupdate(alive_at=timezone.now() - timedelta(minutes=1))
        assert await in_database(take_over, accepted.turn_id) is None
        turn = await Turn.objects.aget()
        assert (turn.status, turn.is_redacted) == ("failed", True)
        assert [each.content async for each in Message.objects.filter(role="user")] == [REDACTED]

    async def test_erasing_its_conversation_ends_it(self, patient: asyncio.Semaphore) -> None:
        session = await in_database(open_session, Claims(shopper=Shopper(session_id="s1"), context={}))
        told = await begun(session, f"recommend something dark, {SECRET}")

        await in_database(erase_all, UUID(session.conversation_id))
        async with asyncio.timeout(60):
            await told.finished.wait()

        assert session.conversation_id not in runner.conversations()
        # The model was let write nothing.
        assert not any(frame["type"] == "delta" for frame in told.frames)
        await in_database(look_once_more)
        assert await in_database(where, "zzyzxqua", session.conversation_id) <= {"OutboxMessage"}
        assert await in_database(lambda: Erasure.objects.get().done_at) is not None


class TestTheSecondLook:
    async def test_of_one_conversation_finds_what_was_under_way(self) -> None:
        session, _ = await told_secret()
        turn = await Turn.objects.afirst()
        assert turn is not None
        await in_database(erase_all, UUID(session.conversation_id))
        # Another process's buffer and cache, a moment later.
        record = {"event": "turn_finished", "session_id": session.conversation_id, "message": SECRET}
        await AnalyticsEvent.objects.acreate(
            record_id="late", event="turn_finished", session_id=session.conversation_id, body=record
        )
        sync_client("cache").set(f"memory:{session.conversation_id}", SECRET)
        sync_client("streams").xadd(f"turn:{{{turn.pk}}}", {"f": SECRET})
        await in_database(look_once_more)
        assert await in_database(where, "zzyzxqua") == set()
        erasure = await Erasure.objects.aget()
        assert (erasure.kind, erasure.subject, erasure.passes, erasure.error) == ("conversation", "", 2, "")

    async def test_of_words_as_well(self) -> None:
        session, message = await told_secret()
        await in_database(redact, message.pk)
        body = {"event": "turn_finished", "turn_id": str(message.turn_id), "message": SECRET, "response": "x"}
        await AnalyticsEvent.objects.acreate(
            record_id="late", event="turn_finished", session_id=session.conversation_id, body=body
        )
        await in_database(look_once_more)
        late = await AnalyticsEvent.objects.aget(record_id="late")
        assert late.body["message"] == REDACTED
        erasure = await Erasure.objects.aget()
        assert (erasure.kind, erasure.subject, erasure.done_at is not None) == ("words", "", True)

    async def test_what_could_not_be_reached_is_told_and_tried_again(self, settings: Any) -> None:
        session, message = await told_secret()
        urls = settings.REDIS_URLS
        settings.REDIS_URLS = dict.fromkeys(urls, "redis://127.0.0.1:1/0")
        erasure = await in_database(redact, message.pk)
        assert erasure is not None
        assert erasure.error.startswith("chat: ")
        # The rows are done all the same.
        assert not await Message.objects.filter(content=SECRET).aexists()
        settings.REDIS_URLS = urls
        assert "cache" in await in_database(where, "zzyzxqua")
        for _ in range(2):
            await in_database(look_once_more)
        await erasure.arefresh_from_db()
        assert (erasure.error, erasure.done_at is not None) == ("", True)
        # The opinion's own words, and its delivery.
        assert await in_database(where, "zzyzxqua") == {"Feedback", "OutboxMessage", "QueuedMessage"}


class TestOpinions:
    async def test_a_comment_is_taken_out_of_everything(self) -> None:
        _, message = await told_secret()
        opinion = await Feedback.objects.aget()
        await FeedbackNote.objects.acreate(feedback=opinion, by="aya", text=f"They say: {SECRET}. Really?")
        # Not delivered yet, as with the queue away.
        await OutboxMessage.objects.filter(topic="feedback").aupdate(status="parked")
        assert {"Feedback", "OutboxMessage"} <= await in_database(where, "zzyzxqua")
        await in_database(redact, message.pk)

        erasure = await in_database(lambda: redact_opinion(opinion.pk, by="operator"))

        assert erasure is not None
        assert await in_database(where, "zzyzxqua") == set()
        await opinion.arefresh_from_db()
        assert (opinion.comment, opinion.rating) == (REDACTED, -1)
        assert (await FeedbackNote.objects.aget()).text == f"They say: {REDACTED}. Really?"
        assert await in_database(lambda: redact_opinion(opinion.pk, by="operator")) is None

    async def test_a_reason_of_a_partners_own_goes_and_is_counted_as_before(self) -> None:
        session = await in_database(open_session, Claims(shopper=Shopper(session_id="s1"), context={}))
        frame = await answer(session, "tell me about Berserk")
        assert frame is not None
        conversation = await in_database(session.conversation)
        await in_database(save_feedback, conversation, frame["message_id"], Opinion(rating=-1, reason=SECRET))
        await in_database(deliver)
        counts = [each async for each in FeedbackCount.objects.values()]
        await in_database(lambda: redact_opinion(Feedback.objects.get().pk, by="operator"))
        await in_database(look_once_more)
        assert (await Feedback.objects.aget()).reason == "other"
        assert await in_database(where, "zzyzxqua") == set()
        assert [each async for each in FeedbackCount.objects.values()] == counts


async def test_what_the_dialogue_has_known_since_goes_with_the_words() -> None:
    session = await in_database(open_session, Claims(shopper=Shopper(session_id="s1"), context={}))
    await answer(session, "tell me about Berserk")
    await answer(session, "recommend me something under 7 dollars for my child who is 9")
    await answer(session, "only in Japanese")
    last = await Turn.objects.alast()
    assert last is not None
    assert {"age", "budget", "edition_language"} <= set(last.dialogue)
    told = await Message.objects.aget(content__contains="my child")

    await in_database(redact, told.pk)

    for turn in [each async for each in Turn.objects.all()][1:]:
        assert not {"age", "budget"} & set(turn.dialogue)
    await last.arefresh_from_db()
    # What was said later stays.
    assert last.dialogue["edition_language"] == "ja"


async def test_a_question_that_one_shopper_asked_twice_is_gone() -> None:
    for _ in range(2):
        session = await in_database(open_session, Claims(shopper=Shopper(session_id="s1"), context={}))
        await answer(session, "do you have Zorblatt Chronicles?")
        await answer(session, "do you have Zorblatt Chronicles?")
    await in_database(unanswered.flush)
    assert await UnansweredQuestion.objects.filter(asked=4).aexists()
    shopper = await in_database(lambda: find_shopper(session_id="s1"))
    await in_database(lambda: erase(shopper, by="operator"))
    assert not await UnansweredQuestion.objects.aexists()


class TestDynamo:
    async def test_redaction_puts_the_last_turns_there_again(self, dynamodb: Any) -> None:
        session, message = await told_secret()
        await in_database(redact, message.pk)
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
        await in_database(erase_all, (await Conversation.objects.aget()).pk)
        await in_database(deliver)
        assert dynamodb.scan(TableName=TABLE)["Items"] == []
