"""What is taken back is neither told again to who retries, nor sent to who listens."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from chat.forgetting import erase_conversation
from mangaassist.dbthreads import in_database
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
