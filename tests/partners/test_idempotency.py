"""The same request twice: one effect, one answer."""

from __future__ import annotations

import asyncio
import uuid
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.utils import timezone

from chat.models import Conversation, Feedback, Message, Turn
from escalation.models import Handoff
from partners import tasks
from partners.models import IdempotentRequest
from recommendations.models import Interaction
from shop.models import Offer
from tests.partners.conftest import Partner

KEY = "Idempotency-Key"


async def _asked(partner: Partner) -> tuple[str, dict[str, Any]]:
    conversation_id = (await partner.post("/conversations", {})).json()["conversation_id"]
    turn = (await partner.post(f"/conversations/{conversation_id}/messages", {"text": "Is Berserk 3 in stock?"})).json()
    return conversation_id, turn


async def test_a_conversation_is_opened_once_and_the_answer_is_the_same(partner: Partner) -> None:
    first = await partner.post("/conversations", {"locale": "ja"}, **{KEY: "k-1"})
    again = await partner.post("/conversations", {"locale": "ja"}, **{KEY: "k-1"})
    assert first.status_code == again.status_code == 201
    assert first.content == again.content
    assert (first.headers.get("Idempotency-Replayed"), again.headers["Idempotency-Replayed"]) == (None, "true")
    assert await Conversation.objects.acount() == 1


async def test_every_post_with_an_effect_has_it_once(partner: Partner) -> None:
    conversation_id, turn = await _asked(partner)
    at = {"at": "2026-11-01T12:00:00Z"}
    sent: list[tuple[str, Any, Any]] = [
        (f"/conversations/{conversation_id}/feedback", {"message_id": turn["message_id"], "rating": "up"}, Feedback),
        ("/events", [{"type": "view", "asin": "BERSERK-EN-1", "customer_id": "erin", **at}], Interaction),
        (f"/conversations/{conversation_id}/handoff", {"reason": "please"}, Handoff),
    ]
    for path, body, model in sent:
        answers = [await partner.post(path, body, **{KEY: path}) for _ in range(2)]
        assert answers[0].status_code == answers[1].status_code == 202, answers[0].content
        assert answers[0].content == answers[1].content
        assert answers[1].headers["Idempotency-Replayed"] == "true"
        assert await model.objects.acount() == 1


async def test_a_key_belongs_to_its_first_request(partner: Partner, other_partner: Partner) -> None:
    opened = await partner.post("/conversations", {"locale": "ja"}, **{KEY: "k-1"})
    for path, body in (
        ("/conversations", {"locale": "en"}),
        ("/conversations", b""),
        (f"/conversations/{opened.json()['conversation_id']}/handoff", {"locale": "ja"}),
    ):
        refused = await partner.post(path, body, **{KEY: "k-1"})
        assert (refused.status_code, refused.json()["type"]) == (409, "/api/v1/docs#problem-key-reused")
    # Another tenant's same word is another key.
    assert (await other_partner.post("/conversations", {"locale": "en"}, **{KEY: "k-1"})).status_code == 201
    assert await Conversation.objects.acount() == 2


class TestMessages:
    async def test_a_replayed_answer_is_the_original_with_its_times(self, partner: Partner) -> None:
        conversation_id, _ = await _asked(partner)
        path, body = f"/conversations/{conversation_id}/messages", {"text": "How much is Berserk 3?"}
        first = await partner.post(path, body, **{KEY: "k-1"})
        await Offer.objects.all().aupdate(price="99.99")
        again = await partner.post(path, body, **{KEY: "k-1"})
        assert first.content == again.content
        assert again.json()["cards"][0]["data"]["price"]["as_of"]
        assert again.headers["Idempotency-Replayed"] == "true"
        assert await Turn.objects.acount() == 2

    async def test_a_streamed_answer_sent_again_is_the_same_turn(self, partner: Partner) -> None:
        conversation_id, _ = await _asked(partner)
        path, body = f"/conversations/{conversation_id}/messages", {"text": "hello"}

        async def streamed() -> list[bytes]:
            response = await partner.post(path, body, **{KEY: "k-1", "accept": "text/event-stream"})
            assert response.status_code == 200
            return [chunk async for chunk in response.streaming_content]

        first, again = await streamed(), await streamed()
        assert again[-1].startswith(b"event: response")
        assert again == first
        # Also for who takes the whole at once now.
        answer = (await partner.post(path, body, **{KEY: "k-1"})).json()
        assert answer["message_id"].encode() in again[-1]
        refused = await partner.post(path, {"text": "bye"}, **{KEY: "k-1", "accept": "text/event-stream"})
        assert refused.status_code == 409
        assert await Message.objects.filter(role="user", content="hello").acount() == 1

    async def test_a_crash_after_the_question_finds_its_answer(self, partner: Partner) -> None:
        conversation_id, _ = await _asked(partner)
        path, body = f"/conversations/{conversation_id}/messages", {"text": "hello"}
        first = (await partner.post(path, body, **{KEY: "k-1"})).json()
        # As the row is when the process dies before it stores the answer, and its time is over.
        await IdempotentRequest.objects.aupdate(status=None, answer="", claimed_until=timezone.now())
        again = (await partner.post(path, body, **{KEY: "k-1"})).json()
        assert again["message_id"] == first["message_id"]
        assert await Message.objects.filter(role="user", content="hello").acount() == 1


async def test_reads_are_never_replayed(partner: Partner) -> None:
    body = {"asins": ["BERSERK-EN-1"]}
    await partner.post("/products/batch", body, **{KEY: "k-1"})
    await Offer.objects.filter(pk="BERSERK-EN-1").aupdate(price="13.37")
    again = await partner.post("/products/batch", body, **{KEY: "k-1"})
    assert again.json()["products"][0]["price"]["amount"] == "13.37"
    assert "Idempotency-Replayed" not in again.headers


async def test_what_is_refused_leaves_the_key_free(partner: Partner) -> None:
    conversation_id, turn = await _asked(partner)
    path = f"/conversations/{conversation_id}/feedback"
    wrong = {"message_id": str(uuid.uuid4()), "rating": "up"}
    assert (await partner.post(path, wrong, **{KEY: "k-1"})).status_code == 404
    right = {"message_id": turn["message_id"], "rating": "up"}
    assert (await partner.post(path, right, **{KEY: "k-1"})).status_code == 202


async def test_one_that_is_being_answered_is_told_to_come_back(partner: Partner) -> None:
    await partner.post("/conversations", {}, **{KEY: "k-1"})
    await IdempotentRequest.objects.aupdate(status=None, answer="")
    refused = await partner.post("/conversations", {}, **{KEY: "k-1"})
    assert (refused.status_code, refused.json()["type"]) == (409, "/api/v1/docs#problem-in-progress")
    assert refused.headers["Retry-After"] == "1"
    # Its process died before there was any effect: once its time is over, the key is free.
    await IdempotentRequest.objects.aupdate(claimed_until=timezone.now() - timedelta(seconds=1))
    assert (await partner.post("/conversations", {}, **{KEY: "k-1"})).status_code == 201


async def test_a_day_later_a_key_is_new(partner: Partner) -> None:
    await partner.post("/conversations", {}, **{KEY: "k-1"})
    await IdempotentRequest.objects.aupdate(created_at=timezone.now() - timedelta(hours=25))
    assert (await partner.post("/conversations", {"locale": "ja"}, **{KEY: "k-1"})).status_code == 201
    assert await Conversation.objects.acount() == 2
    await partner.post("/conversations", {}, **{KEY: "k-2"})
    await IdempotentRequest.objects.filter(key="k-1").aupdate(created_at=timezone.now() - timedelta(hours=25))
    await sync_to_async(tasks.purge_idempotent_requests)()
    assert [row.key async for row in IdempotentRequest.objects.all()] == ["k-2"]


@pytest.mark.parametrize("key", ["", "x" * 256, "schlüssel", "a\tb", "a\x7fb"])
async def test_a_key_that_is_none_is_refused(partner: Partner, key: str) -> None:
    refused = await partner.post("/conversations", {}, **{KEY: key})
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["field"] == "Idempotency-Key"
    assert not await Conversation.objects.aexists()


async def test_three_hundred_at_once_have_one_effect(partner: Partner) -> None:
    async def send() -> Any:
        return await partner.post("/conversations", {"locale": "ja"}, **{KEY: "k-1"})

    # The quota of a key's minute is not what is tested.
    from partners.models import ApiKey

    await ApiKey.objects.aupdate(rate_per_minute=100_000)
    answers = await asyncio.gather(*(send() for _ in range(300)))
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.content for answer in answers if answer.status_code == 201}) == 1
    assert all("Retry-After" in answer.headers for answer in answers if answer.status_code == 409)
    assert await Conversation.objects.acount() == 1
    assert (await send()).status_code == 201
