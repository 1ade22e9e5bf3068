"""The REST API as a shop's engineer uses it."""

from __future__ import annotations

import asyncio
import uuid
from io import StringIO
from typing import Any

import orjson
import pytest
from django.core.management import call_command

from chat.assistant import AssistantSettings
from chat.models import Conversation, Feedback, Message, Turn
from escalation.models import Handoff
from mangaassist.dbthreads import in_database
from partners.models import ApiKey, KeySecret, create_api_key
from shop.models import Offer
from tests.escalation.people import at_desk
from tests.partners.conftest import Partner


async def test_a_conversation_from_opening_to_feedback(partner: Partner) -> None:
    opened = await partner.post("/conversations", {"locale": "en", "customer_id": "alice"})
    assert opened.status_code == 201
    conversation_id = opened.json()["conversation_id"]
    answered = await partner.post(f"/conversations/{conversation_id}/messages", {"text": "Is Berserk 3 in stock?"})
    assert answered.status_code == 200
    turn = answered.json()
    assert turn["status"] == "complete"
    assert "$14.99" in turn["content"]
    assert turn["cards"][0]["data"]["availability"] == "in_stock"
    listed = (await partner.get(f"/conversations/{conversation_id}/messages")).json()
    assert [message["role"] for message in listed["messages"]] == ["user", "assistant"]
    feedback = await partner.post(
        f"/conversations/{conversation_id}/feedback", {"message_id": turn["message_id"], "rating": "down"}
    )
    assert feedback.status_code == 202
    assert feedback.json()["status"] == "received"
    handoff = await partner.post(f"/conversations/{conversation_id}/handoff", {"reason": "please"})
    assert handoff.status_code == 202
    assert handoff.json()["estimated_wait"] is None


async def test_a_turn_as_server_sent_events(partner: Partner) -> None:
    conversation_id = (await partner.post("/conversations", {})).json()["conversation_id"]
    response = await partner.post(
        f"/conversations/{conversation_id}/messages", {"text": "hello"}, accept="text/event-stream"
    )
    text = b"".join([chunk async for chunk in response.streaming_content]).decode()
    events = [dict(line.split(": ", 1) for line in block.splitlines()) for block in text.strip().split("\n\n")]
    assert events[0]["event"] == "typing_indicator"
    assert events[-1]["event"] == "response"
    assert [int(event["id"]) for event in events] == list(range(1, len(events) + 1))
    assert orjson.loads(events[-1]["data"])["status"] == "complete"


async def events_of(partner: Partner, conversation_id: str, body: dict[str, str], **headers: str) -> list[Any]:
    response = await partner.post(
        f"/conversations/{conversation_id}/messages", body, accept="text/event-stream", **headers
    )
    assert response.status_code == 200
    text = b"".join([chunk async for chunk in response.streaming_content]).decode()
    return [dict(line.split(": ", 1) for line in block.splitlines()) for block in text.strip().split("\n\n")]


async def test_a_reader_who_has_more_events_than_the_turn_had_gets_its_end(partner: Partner) -> None:
    conversation_id = (await partner.post("/conversations", {})).json()["conversation_id"]
    body = {"text": "hello", "client_msg_id": str(uuid.uuid4())}
    end = (await events_of(partner, conversation_id, body))[-1]
    (again,) = await events_of(partner, conversation_id, body, **{"last-event-id": "900"})
    assert (again["event"], again["id"]) == ("response", "901")
    assert orjson.loads(again["data"]) == orjson.loads(end["data"]) | {"seq": 901}


async def test_a_slow_reader_of_events_never_waits_for_what_is_there(
    partner: Partner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("partners.api.conversations.HEARTBEAT_S", 600.0)
    conversation_id = (await partner.post("/conversations", {})).json()["conversation_id"]
    response = await partner.post(
        f"/conversations/{conversation_id}/messages", {"text": "hello"}, accept="text/event-stream"
    )
    seen = b""
    async with asyncio.timeout(60):
        async for chunk in response.streaming_content:
            seen += chunk
            # So long that the turn goes on, and ends, while the reader has its hands full.
            await asyncio.sleep(1)
    assert b"event: response" in seen


async def test_the_same_client_msg_id_has_one_answer(partner: Partner) -> None:
    conversation_id = (await partner.post("/conversations", {})).json()["conversation_id"]
    body = {"text": "hello", "client_msg_id": str(uuid.uuid4())}
    first = (await partner.post(f"/conversations/{conversation_id}/messages", body)).json()
    again = (await partner.post(f"/conversations/{conversation_id}/messages", body)).json()
    assert again["message_id"] == first["message_id"]
    assert again["content"] == first["content"]


async def test_products_carry_the_live_offer(partner: Partner) -> None:
    await Offer.objects.filter(pk="BERSERK-EN-1").aupdate(price="13.37")
    one = (await partner.get("/products/BERSERK-EN-1")).json()
    assert one["price"]["amount"] == "13.37"
    batch = (await partner.post("/products/batch", {"asins": ["YOTSUBA-EN-1", "NOPE"]})).json()
    assert [product["asin"] for product in batch["products"]] == ["YOTSUBA-EN-1"]
    assert batch["unknown"] == ["NOPE"]
    found = (await partner.get("/search", q="ベルセルク 2", language="ja")).json()
    assert found["items"][0]["asin"] == "BERSERK-JA-2"


async def test_an_order_is_its_customers_only(partner: Partner) -> None:
    assert (await partner.get("/orders/MA-10002", customer_id="alice")).json()["status"] == "shipped"
    foreign = await partner.get("/orders/MA-10002", customer_id="bob")
    unknown = await partner.get("/orders/MA-0", customer_id="bob")
    assert foreign.status_code == unknown.status_code == 404
    assert foreign.json() == unknown.json()


async def test_another_tenants_conversation_is_not_found(partner: Partner, other_partner: Partner) -> None:
    conversation_id = (await partner.post("/conversations", {})).json()["conversation_id"]
    for id in (conversation_id, str(uuid.uuid4()), "nonsense"):
        response = await other_partner.post(f"/conversations/{id}/messages", {"text": "hello"})
        assert response.status_code == 404
        assert response.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/conversations", b"{", 400),
        ("/conversations", {"locale": 7}, 422),
        ("/conversations", {"context": {"asin": 7}}, 422),
        ("/conversations", {"customer_id": "x" * 200}, 422),
        ("/conversations/{id}/messages", {}, 422),
        ("/conversations/{id}/messages", {"text": " "}, 422),
        ("/conversations/{id}/messages", {"text": "x" * 4001}, 422),
        ("/conversations/{id}/messages", {"text": "hi", "client_msg_id": "1"}, 422),
        ("/conversations/{id}/feedback", {"message_id": "1", "rating": "up"}, 422),
        ("/conversations/{id}/feedback", {"message_id": str(uuid.uuid4()), "rating": "best"}, 422),
        ("/conversations/{id}/feedback", {"message_id": str(uuid.uuid4()), "rating": "up"}, 404),
        ("/conversations", {"customer_id": "a\x00b"}, 422),
        ("/conversations/{id}/feedback", {"message_id": str(uuid.uuid4()), "rating": "up", "reason": "\x00"}, 422),
        ("/products/batch", {"asins": []}, 422),
        ("/products/batch", {"asins": ["x"] * 101}, 422),
    ],
)
async def test_bad_input_is_a_problem_that_names_it(partner: Partner, path: str, body: Any, status: int) -> None:
    conversation_id = (await partner.post("/conversations", {})).json()["conversation_id"]
    response = await partner.post(path.replace("{id}", conversation_id), body)
    assert response.status_code == status, response.content
    problem = response.json()
    assert problem["status"] == status
    assert problem["type"].startswith("/api/v1/docs#problem-")
    assert problem["detail"]


@pytest.mark.parametrize(
    ("body", "locale"),
    [
        (b"", "en"),
        ({}, "en"),
        ({"locale": None, "customer_id": None, "context": None}, "en"),
        ({"locale": "ja"}, "ja"),
        ({"locale": "ja-JP"}, "ja"),
        ({"locale": "fr"}, "en"),
        ({"context": {"locale": "ja", "query": "x" * 500, "device": "fridge"}}, "ja"),
        ({"locale": "en", "context": {"locale": "ja"}}, "en"),
    ],
)
async def test_everything_about_a_new_conversation_may_be_left_out(partner: Partner, body: Any, locale: str) -> None:
    opened = await partner.post("/conversations", body)
    assert opened.status_code == 201, opened.content
    assert (await Conversation.objects.aget(pk=opened.json()["conversation_id"])).locale == locale


async def test_a_reason_may_be_left_out(partner: Partner) -> None:
    conversation_id = (await partner.post("/conversations", b"")).json()["conversation_id"]
    turn = (await partner.post(f"/conversations/{conversation_id}/messages", {"text": "hello"})).json()
    opinion = {"message_id": turn["message_id"], "rating": "down", "reason": None, "comment": None}
    assert (await partner.post(f"/conversations/{conversation_id}/feedback", opinion)).status_code == 202
    assert (await partner.post(f"/conversations/{conversation_id}/handoff", b"")).status_code == 202


async def test_what_people_typed_is_stored_without_what_nobody_types(partner: Partner) -> None:
    conversation_id = (await partner.post("/conversations", b"")).json()["conversation_id"]
    turn = (await partner.post(f"/conversations/{conversation_id}/messages", {"text": "hel\x00lo"})).json()
    opinion = {"message_id": turn["message_id"], "rating": "down", "comment": "no\x00thing\u202e"}
    assert (await partner.post(f"/conversations/{conversation_id}/feedback", opinion)).status_code == 202
    assert (await partner.post(f"/conversations/{conversation_id}/handoff", {"reason": "\x00why"})).status_code == 202
    assert (await Message.objects.aget(role="user")).content == "hello"
    assert (await Feedback.objects.aget()).comment == "nothing"
    assert (await Handoff.objects.aget()).reason == "why"


async def test_asking_for_a_person_twice_finds_the_same_request(partner: Partner) -> None:
    conversation_id = (await partner.post("/conversations", {})).json()["conversation_id"]
    path = f"/conversations/{conversation_id}/handoff"
    await in_database(at_desk, "aiko")
    first = (await partner.post(path, {"reason": "my parcel"})).json()
    assert first == {
        "handoff_id": first["handoff_id"],
        "message": "I've put you in line for a person of our team. They'll be with you as soon as they can.",
        "estimated_wait": None,
        "position": 1,
    }
    again = (await partner.post(path, {"reason": "my parcel"})).json()
    assert again["handoff_id"] == first["handoff_id"]
    # Questions are then for the person: they are taken, and there is no turn.
    asked = (await partner.post(f"/conversations/{conversation_id}/messages", {"text": "hello?"})).json()
    assert asked["status"] == "with_agent"
    assert "Nobody has answered yet" in asked["content"]
    body = {"text": "hello?", "client_msg_id": str(uuid.uuid4())}
    for _ in range(2):
        sent = await partner.post(f"/conversations/{conversation_id}/messages", body)
        assert (sent.status_code, sent.json()["status"]) == (200, "with_agent")


async def test_while_a_person_is_to_answer_the_events_say_so_and_end(partner: Partner) -> None:
    conversation_id = (await partner.post("/conversations", {})).json()["conversation_id"]
    await partner.post(f"/conversations/{conversation_id}/handoff", {})
    body = {"text": "hello?", "client_msg_id": str(uuid.uuid4())}
    accepted, notice = await events_of(partner, conversation_id, body)
    assert (accepted["event"], notice["event"]) == ("accepted", "message")
    assert "id" not in accepted
    said = orjson.loads(accepted["data"])
    assert (said["status"], said["client_msg_id"], said["turn_id"]) == ("with_agent", body["client_msg_id"], None)
    assert "Nobody has answered yet" in orjson.loads(notice["data"])["content"]
    (again,) = await events_of(partner, conversation_id, body)
    assert orjson.loads(again["data"]) == said | {"duplicate": True}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"reason": "x" * 501}, 422),
        ({"reason": 7}, 422),
        (b"{", 400),
        ([], 422),
        ([1], 422),
        (b"null", 202),
        ({"reason": None}, 202),
        ({}, 202),
    ],
)
async def test_a_request_for_a_person_is_checked(partner: Partner, body: Any, status: int) -> None:
    conversation_id = (await partner.post("/conversations", {})).json()["conversation_id"]
    answer = await partner.post(f"/conversations/{conversation_id}/handoff", body)
    assert answer.status_code == status
    assert answer.headers["Content-Type"].startswith("application/" + ("json" if status == 202 else "problem+json"))


@pytest.mark.parametrize("body", [[], ["x"], "text", 7, True])
async def test_what_is_no_object_begins_no_conversation(partner: Partner, body: Any) -> None:
    answer = await partner.post("/conversations", orjson.dumps(body))
    assert answer.status_code == 422
    assert answer.json()["type"].endswith("problem-invalid")


async def test_what_the_shop_has_switched_off_is_refused_by_name_and_leaves_the_key_free(partner: Partner) -> None:
    conversation_id = (await partner.post("/conversations", {})).json()["conversation_id"]
    answer = (await partner.post(f"/conversations/{conversation_id}/messages", {"text": "hello"})).json()
    bodies: dict[str, Any] = {"handoff": {}, "feedback": {"message_id": answer["message_id"], "rating": "up"}}
    row = await AssistantSettings.objects.acreate(pk=AssistantSettings.THE_ROW, handoff=False, feedback=False)
    for what, body in bodies.items():
        refused = await partner.post(f"/conversations/{conversation_id}/{what}", body, **{"Idempotency-Key": what})
        assert refused.status_code == 409
        assert refused.json()["type"] == "/api/v1/docs#problem-switched-off"
    row.handoff = row.feedback = True
    await row.asave()
    for what, body in bodies.items():
        taken = await partner.post(f"/conversations/{conversation_id}/{what}", body, **{"Idempotency-Key": what})
        assert taken.status_code == 202


async def test_a_person_for_somebody_elses_conversation_is_not_found(partner: Partner) -> None:
    for id in (str(uuid.uuid4()), "mine"):
        assert (await partner.post(f"/conversations/{id}/handoff", {})).status_code == 404


async def test_messages_are_read_page_by_page_from_the_beginning(partner: Partner) -> None:
    conversation_id = (await partner.post("/conversations", {})).json()["conversation_id"]
    await Message.objects.abulk_create(
        [Message(conversation_id=conversation_id, role="user", content=f"m{number}") for number in range(120)]
    )
    read: list[str] = []
    after: str | None = ""
    while after is not None:
        page = (await partner.get(f"/conversations/{conversation_id}/messages", after=after)).json()
        read += [message["content"] for message in page["messages"]]
        after = page["next"]
    assert read == [f"m{number}" for number in range(120)]
    for wrong, status in ((str(uuid.uuid4()), 404), ("xyz", 422)):
        assert (await partner.get(f"/conversations/{conversation_id}/messages", after=wrong)).status_code == status


async def test_what_is_refused_before_an_operation_is_found_is_a_problem_too(partner: Partner) -> None:
    nowhere = await partner.get("/nope")
    wrong_method = await partner.get("/conversations")
    for response, status in ((nowhere, 404), (wrong_method, 405)):
        assert response.status_code == response.json()["status"] == status
        assert response.headers["Content-Type"] == "application/problem+json"
    assert wrong_method.headers["Allow"] == "POST"


async def test_a_surprise_is_a_problem_that_tells_nothing_of_the_inside(
    partner: Partner, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any, **kwargs: Any) -> Any:
        raise RuntimeError("the secret inside")

    monkeypatch.setattr("partners.api.catalogue.search_editions", fail)
    response = await partner.get("/search", q="Berserk")
    assert (response.status_code, response.headers["Content-Type"]) == (500, "application/problem+json")
    assert b"secret" not in response.content


async def test_a_key_is_needed_and_its_scopes_count(partner: Partner) -> None:
    assert (await Partner("ma_wrong").get("/products/BERSERK-EN-1")).status_code == 401
    _, secret = await _create("Reader", ["catalog:read"])
    reader = Partner(secret)
    assert (await reader.get("/products/BERSERK-EN-1")).status_code == 200
    assert (await reader.post("/conversations", {})).status_code == 403


async def test_a_revoked_key_is_no_key(partner: Partner) -> None:
    from django.utils import timezone

    await ApiKey.objects.all().aupdate(revoked_at=timezone.now())
    assert (await partner.get("/products/BERSERK-EN-1")).status_code == 401


async def _create(name: str, scopes: list[str]) -> tuple[ApiKey, str]:
    from asgiref.sync import sync_to_async

    return await sync_to_async(create_api_key)(name, scopes)


@pytest.mark.django_db
def test_create_api_key_prints_the_secret_last_and_stores_only_its_hash() -> None:
    out = StringIO()
    call_command("create_api_key", "A shop", stdout=out, stderr=StringIO())
    secret = out.getvalue().strip().splitlines()[-1]
    assert KeySecret.objects.find(secret) is not None
    assert secret not in str(KeySecret.objects.values().get())


async def test_two_questions_at_once_are_answered_one_after_the_other(partner: Partner, settings: Any) -> None:
    settings.TURN_LIMITS_S = dict.fromkeys(settings.TURN_LIMITS_S, 60)
    id = (await partner.post("/conversations", {})).json()["conversation_id"]
    asked = ("how much is Berserk volume 1?", "who wrote it?")
    answers = await asyncio.gather(*(partner.post(f"/conversations/{id}/messages", {"text": text}) for text in asked))
    assert [answer.status_code for answer in answers] == [200, 200]
    assert [answer.json()["status"] for answer in answers] == ["complete", "complete"]
    assert await Turn.objects.acount() == 2
    lines = [line async for line in Message.objects.order_by("pk")]
    questions = [line.turn_id for line in lines if line.role == Message.Role.USER]
    assert [line.turn_id for line in lines if line.role == Message.Role.ASSISTANT] == questions
