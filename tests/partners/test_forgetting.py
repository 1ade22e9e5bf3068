"""What is taken back is neither told again to who retries, nor sent to who listens."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest

from chat.forgetting import erase_conversation, redact_message, redact_opinion
from chat.models import Feedback, Message
from mangaassist.dbthreads import in_database
from mangaassist.privacy.words import REDACTED
from partners.models import ApiKey, IdempotentRequest
from partners.webhooks.models import EVENTS, Webhook, WebhookMessage
from tests.partners.conftest import Partner

QUESTION = {"text": "Is Berserk 3 in stock?"}


@pytest.fixture(autouse=True)
def at_rest(settings: Any) -> None:
    settings.OUTBOX_WAKE = False


async def ask(partner: Partner, conversation_id: str) -> Any:
    return await partner.post(f"/conversations/{conversation_id}/messages", QUESTION, **{"Idempotency-Key": "k"})


async def test_of_an_erased_conversation_nothing_is_kept_for_partners(partner: Partner) -> None:
    key = await ApiKey.objects.aget()
    await Webhook.objects.acreate(key=key, url="https://hooks.example.com/", events=list(EVENTS))
    opened = await partner.post("/conversations", {}, **{"Idempotency-Key": "open"})
    conversation_id = opened.json()["conversation_id"]
    await ask(partner, conversation_id)
    other = (await partner.post("/conversations", {}, **{"Idempotency-Key": "another"})).json()["conversation_id"]
    await in_database(lambda: erase_conversation(UUID(conversation_id), by="operator"))
    assert [each.key async for each in IdempotentRequest.objects.all()] == ["another"]
    assert {each.conversation_id async for each in WebhookMessage.objects.all()} == {other}
    assert (await ask(partner, conversation_id)).status_code == 404


async def test_a_redacted_answer_is_not_given_again_to_who_retries(partner: Partner) -> None:
    conversation_id = (await partner.post("/conversations", {})).json()["conversation_id"]
    told = (await ask(partner, conversation_id)).json()
    message = await Message.objects.aget(role="assistant")
    assert told["content"] == message.content
    await in_database(lambda: redact_message(message.pk, by="operator"))
    again = await ask(partner, conversation_id)
    assert again.json()["content"] == REDACTED
    assert again.json()["turn_id"] == told["turn_id"]


async def test_a_redacted_comment_is_not_sent_to_who_listens(partner: Partner) -> None:
    key = await ApiKey.objects.aget()
    await Webhook.objects.acreate(key=key, url="https://hooks.example.com/", events=["feedback.received"])
    conversation_id = (await partner.post("/conversations", {})).json()["conversation_id"]
    message_id = (await ask(partner, conversation_id)).json()["message_id"]
    opinion = {"message_id": message_id, "rating": "down", "comment": "My neighbour aya@example.com knows better"}
    await partner.post(f"/conversations/{conversation_id}/feedback", opinion)
    feedback = await Feedback.objects.aget()
    waiting = await WebhookMessage.objects.aget()
    assert json.loads(waiting.body)["data"]["comment"] == "My neighbour [email] knows better"

    await in_database(lambda: redact_opinion(feedback.pk, by="operator"))

    await waiting.arefresh_from_db()
    told = json.loads(waiting.body)["data"]
    assert (told["comment"], told["rating"], told["feedback_id"]) == (REDACTED, "down", str(feedback.pk))
