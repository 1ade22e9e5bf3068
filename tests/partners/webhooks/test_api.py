"""Partners make, watch, rotate, try and remove their webhooks, and hear of their own conversations only."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import connection
from django.utils import timezone

from chat.context import PageContext
from chat.handoff import ask_for_person
from chat.models import Conversation
from chat.sessions import start_conversation
from chat.tokens import Shopper
from escalation.actors import SYSTEM
from escalation.handoffs import close_handoff
from escalation.models import Handoff
from mangaassist.outbox.models import OutboxMessage
from partners.models import ApiKey, IdempotentRequest, create_api_key
from partners.webhooks.models import EVENTS, Webhook, WebhookMessage
from partners.webhooks.registering import MOST_PER_PARTNER
from tests.partners.conftest import Partner
from tests.partners.webhooks.conftest import send_all
from tests.partners.webhooks.receiver import Receiver
from tests.partners.webhooks.test_delivering import verifies

URL = "https://hooks.shop.example/mangaassist"
KEY = "Idempotency-Key"
sends = sync_to_async(send_all)


async def create(partner: Partner, url: str = URL, *events: str) -> dict[str, Any]:
    response = await partner.post("/webhooks", {"url": url, "events": list(events or EVENTS)})
    assert response.status_code == 201, response.content
    created: dict[str, Any] = response.json()
    return created


async def delete(partner: Partner, path: str) -> Any:
    return await partner.client.delete(f"/api/v1{path}", headers={"authorization": f"Bearer {partner.secret}"})


async def test_the_secret_is_shown_once(partner: Partner) -> None:
    created = await create(partner, URL, "feedback.received", "feedback.received", "conversation.started")
    secret = created.pop("secret")
    assert secret.startswith("whsec_")
    assert created["events"] == ["conversation.started", "feedback.received"]
    assert (created["active"], created["last_error"]) == (True, None)
    path = f"/webhooks/{created['webhook_id']}"
    assert (await partner.get(path)).json() == created
    assert (await partner.get("/webhooks")).json() == {"webhooks": [created]}
    assert (await delete(partner, path)).status_code == 204
    assert (await partner.get(path)).status_code == (await delete(partner, path)).status_code == 404
    assert (await partner.get("/webhooks")).json() == {"webhooks": []}


async def test_a_request_sent_again_makes_one_webhook_and_no_secret_is_stored(partner: Partner) -> None:
    body = {"url": URL, "events": ["handoff.requested"]}
    first, again = [await partner.post("/webhooks", body, **{KEY: "k-1"}) for _ in range(2)]
    assert first.content == again.content
    assert again.headers["Idempotency-Replayed"] == "true"
    assert await Webhook.objects.acount() == 1
    path = f"/webhooks/{first.json()['webhook_id']}/secret"
    rotated, once_more = [await partner.post(path, {"overlap_hours": 1}, **{KEY: "k-2"}) for _ in range(2)]
    assert rotated.content == once_more.content
    assert rotated.json()["secret"] != first.json()["secret"]
    stored = [each.answer async for each in IdempotentRequest.objects.all()]
    assert "secret" in "".join(stored)
    assert "whsec_" not in "".join(stored)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"url": "http://hooks.shop.example/", "events": ["handoff.closed"]}, "url"),
        ({"url": "https://127.0.0.1/", "events": ["handoff.closed"]}, "url"),
        ({"url": "https://169.254.169.254/latest/meta-data/", "events": ["handoff.closed"]}, "url"),
        ({"url": "https://user@shop.example/", "events": ["handoff.closed"]}, "url"),
        ({"url": "https://shop.example:6379/", "events": ["handoff.closed"]}, "url"),
        ({"url": "https://shop.example/\r\nHost: x", "events": ["handoff.closed"]}, "url"),
        ({"url": "https://shop.example/\x00", "events": ["handoff.closed"]}, "url"),
        ({"url": f"https://shop.example/{'a' * 2048}", "events": ["handoff.closed"]}, "url"),
        ({"url": 7, "events": ["handoff.closed"]}, "url"),
        ({"events": ["handoff.closed"]}, "url"),
        ({"url": URL}, "events"),
        ({"url": URL, "events": []}, "events"),
        ({"url": URL, "events": "handoff.closed"}, "events"),
        ({"url": URL, "events": ["handoff.lost"]}, "events.0"),
        ({"url": URL, "events": ["webhook.test"]}, "events.0"),
        ({"url": URL, "events": [None]}, "events.0"),
        ([URL], "body"),
    ],
)
async def test_bad_webhooks(partner: Partner, body: Any, field: str) -> None:
    refused = await partner.post("/webhooks", body)
    assert refused.status_code == 422
    assert refused.json()["type"] == "/api/v1/docs#problem-invalid"
    assert field in [each["field"] for each in refused.json()["errors"]]
    assert await Webhook.objects.acount() == 0


@pytest.mark.parametrize("hours", [-1, 169, 1.5, "2", True, None])
async def test_bad_overlaps(partner: Partner, hours: Any) -> None:
    created = await create(partner)
    refused = await partner.post(f"/webhooks/{created['webhook_id']}/secret", {"overlap_hours": hours})
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["field"] == "overlap_hours"


async def test_where_it_leads_is_looked_up_at_once(partner: Partner, settings: Any) -> None:
    # A name that leads nowhere yet may do so tomorrow: each connection looks again.
    await create(partner, "https://not-yet.shop.example/")
    # The setting opens loopback, and with it names of every form; what they lead to is still looked at.
    settings.WEBHOOK_LOOPBACK = True
    refused = await partner.post("/webhooks", {"url": "http://10.1.2.3/", "events": ["handoff.closed"]})
    assert refused.status_code == 422
    assert refused.json()["errors"] == [
        {"field": "url", "message": "leads to an address that is not public", "pointer": "#/url"}
    ]


async def test_others_see_and_touch_nothing(partner: Partner, other_partner: Partner) -> None:
    created = await create(partner)
    assert (await other_partner.get("/webhooks")).json() == {"webhooks": []}
    unknown = await other_partner.get(f"/webhooks/{uuid.uuid4()}")
    for id in (created["webhook_id"], "no-uuid"):
        path = f"/webhooks/{id}"
        answers = [await other_partner.get(path), await delete(other_partner, path)]
        answers += [await other_partner.post(f"{path}/{verb}", b"") for verb in ("secret", "test", "activate")]
        assert {answer.status_code for answer in answers} == {404}
        assert answers[0].content == unknown.content
    assert await Webhook.objects.acount() == 1


async def test_the_scope_is_needed(partner: Partner) -> None:
    _, secret = await sync_to_async(create_api_key)("Small", ["conversations"])
    small = Partner(secret)
    for answer in (
        await small.get("/webhooks"),
        await small.post("/webhooks", {"url": URL, "events": ["handoff.closed"]}),
    ):
        assert (answer.status_code, answer.json()["detail"]) == (403, "This key lacks the scope webhooks.")


async def test_no_more_than_a_partner_may_have_also_at_once(partner: Partner) -> None:
    answers = await asyncio.gather(
        *(partner.post("/webhooks", {"url": URL, "events": ["handoff.closed"]}) for _ in range(MOST_PER_PARTNER + 3))
    )
    codes = [answer.status_code for answer in answers]
    assert sorted(codes) == [201] * MOST_PER_PARTNER + [409] * 3
    assert {answer.json()["type"] for answer in answers if answer.status_code == 409} == {"/api/v1/docs#problem-limit"}
    assert await Webhook.objects.acount() == MOST_PER_PARTNER


async def test_what_failures_switched_off_the_partner_switches_on_and_an_operators_off_stays(partner: Partner) -> None:
    created = await create(partner)
    path = f"/webhooks/{created['webhook_id']}"
    now = timezone.now()
    await Webhook.objects.aupdate(is_active=False, switched_off_because="Nothing has reached it.", failing_since=now)
    assert (await partner.get(path)).json()["last_error"] == "Nothing has reached it."
    activated = (await partner.post(f"{path}/activate", b"")).json()
    assert (activated["active"], activated["failing_since"], activated["last_error"]) == (True, None, None)
    await Webhook.objects.aupdate(is_active=False)
    assert (await partner.post(f"{path}/activate", b"")).status_code == 403


class TestWhatIsHeard:
    async def test_a_whole_conversation(
        self, partner: Partner, other_partner: Partner, receivers: Callable[[], Receiver]
    ) -> None:
        mine, theirs = receivers(), receivers()
        secret = (await create(partner, mine.url))["secret"]
        await create(other_partner, theirs.url)
        opened = await partner.post("/conversations", {"customer_id": "alice", "locale": "ja"})
        conversation_id = opened.json()["conversation_id"]
        path = f"/conversations/{conversation_id}"
        turn = (await partner.post(f"{path}/messages", {"text": "ベルセルク3巻はありますか"})).json()
        feedback = {"message_id": turn["message_id"], "rating": "down", "reason": "other"}
        comment = "write to alice@example.com or 090-1234-5678"
        await partner.post(f"{path}/feedback", feedback | {"comment": comment})
        handoff_id = (await partner.post(f"{path}/handoff", {"reason": "my parcel"})).json()["handoff_id"]
        # Asked again it is the same request.
        await partner.post(f"{path}/handoff", {})
        await sync_to_async(close_handoff)(handoff_id, by=SYSTEM, reason=Handoff.CloseReason.RESOLVED)
        await sends()
        about = {"conversation_id": conversation_id, "customer_id": "alice"}
        told = [each.event for each in mine.received]
        assert [(each["type"], each["schema"]) for each in told] == [
            ("conversation.started", 1), ("feedback.received", 1), ("handoff.requested", 1), ("handoff.closed", 1),
        ]  # fmt: skip
        started, opinion, requested, closed = [each["data"] for each in told]
        assert started == about | {"locale": "ja", "channel": "partner"}
        assert opinion == about | {
            "feedback_id": opinion["feedback_id"], "message_id": turn["message_id"], "turn_id": turn["turn_id"],
            "rating": "down", "reason": "other", "comment": "write to [email] or [phone]",
        }  # fmt: skip
        assert requested == about | {"handoff_id": handoff_id, "trigger": "asked", "language": "ja", "by_email": False}
        assert closed == about | {"handoff_id": handoff_id, "outcome": "closed", "reason": "resolved"}
        assert all(verifies(secret, each) for each in mine.received)
        assert theirs.received == []

    async def test_an_opinion_that_is_changed_is_told_again(
        self, partner: Partner, receivers: Callable[[], Receiver]
    ) -> None:
        shop = receivers()
        await create(partner, shop.url, "feedback.received")
        conversation_id = (await partner.post("/conversations", {})).json()["conversation_id"]
        turn = (await partner.post(f"/conversations/{conversation_id}/messages", {"text": "hello"})).json()
        for rating in ("up", "down"):
            body = {"message_id": turn["message_id"], "rating": rating}
            await partner.post(f"/conversations/{conversation_id}/feedback", body)
        await sends()
        told = [each.event["data"] for each in shop.received]
        assert [(each["rating"], each["customer_id"]) for each in told] == [("up", None), ("down", None)]
        assert len({each["feedback_id"] for each in told}) == 1

    async def test_our_own_pages_are_nobody_elses(self, partner: Partner, receivers: Callable[[], Receiver]) -> None:
        shop = receivers()
        await create(partner, shop.url)

        def on_our_page() -> None:
            conversation = start_conversation(
                Shopper(session_id="s-1"), PageContext(), channel=Conversation.Channel.WIDGET
            )
            ask_for_person(str(conversation.pk), reason="", language="en")

        await sync_to_async(on_our_page)()
        assert not await WebhookMessage.objects.aexists()

    @pytest.mark.skipif(connection.vendor != "sqlite", reason="the trigger that stands for a full disk is SQLite's")
    async def test_what_cannot_be_written_down_did_not_happen(self, partner: Partner) -> None:
        """One transaction: a conversation whose message cannot be stored is not answered as if it were."""
        await create(partner)

        def refuse() -> None:
            with connection.cursor() as cursor:
                cursor.execute(
                    "CREATE TRIGGER no_room BEFORE INSERT ON partners_webhookmessage BEGIN SELECT RAISE(FAIL, 'full'); END"
                )

        def relent() -> None:
            with connection.cursor() as cursor:
                cursor.execute("DROP TRIGGER no_room")

        await sync_to_async(refuse)()
        try:
            refused = await partner.post("/conversations", {}, **{KEY: "k-1"})
            assert (refused.status_code, refused.headers["Retry-After"]) == (503, "2")
            assert not await Conversation.objects.aexists()
        finally:
            await sync_to_async(relent)()
        assert (await partner.post("/conversations", {}, **{KEY: "k-1"})).status_code == 201
        assert await WebhookMessage.objects.acount() == 1

    async def test_a_test_event(self, partner: Partner, receivers: Callable[[], Receiver]) -> None:
        shop = receivers()
        created = await create(partner, shop.url, "handoff.closed")
        sent = await partner.post(f"/webhooks/{created['webhook_id']}/test", b"")
        assert sent.status_code == 202
        await sends()
        (got,) = shop.received
        assert got.id == sent.json()["message_id"]
        assert got.event["data"] == {"webhook_id": created["webhook_id"], "message": "It works."}
        assert verifies(created["secret"], got)

    async def test_nobody_tests_all_day(self, partner: Partner) -> None:
        path = f"/webhooks/{(await create(partner))['webhook_id']}/test"
        answers = [await partner.post(path, b"") for _ in range(11)]
        assert [answer.status_code for answer in answers] == [202] * 10 + [429]
        assert answers[-1].headers["Retry-After"] == "60"

    async def test_who_is_deleted_with_its_key_leaves_nothing(self, partner: Partner, receivers: Any) -> None:
        shop = receivers()
        await create(partner, shop.url)
        await partner.post("/conversations", {})
        await ApiKey.objects.all().adelete()
        await sends()
        assert shop.received == []
        assert not await OutboxMessage.objects.filter(topic="webhook").exclude(status="discarded").aexists()
