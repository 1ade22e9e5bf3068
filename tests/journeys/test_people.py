"""Shoppers and people of the shop in one conversation, as both have it. The desk's side is its verbs."""

from __future__ import annotations

import asyncio
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chat.models import Conversation, Turn
from chat.turn import STATE_BELIEVED_S
from escalation.actors import Actor
from escalation.handoffs import close_handoff, return_handoff, take_handoff, transfer_handoff
from escalation.lines import agent_types, say
from escalation.models import Handoff, HandoffLine
from mangaassist.dbthreads import in_database
from mangaassist.doorbell import Ring, hearing
from tests.escalation.people import at_desk, who
from tests.journeys import patient_generator
from tests.journeys.shopper import Frame, Socket, token

pytestmark = pytest.mark.usefixtures("shop")


async def queue_up(socket: Socket) -> str:
    """Asks for a person by the button; the handoff's id."""
    await socket.send(type="handoff", client_msg_id=str(uuid.uuid4()))
    await socket.next("saved")
    state = await socket.next("handoff_state")
    assert state["state"] == "queued"
    return str(state["handoff_id"])


async def says(id: str, text: str, by: Actor, **fields: Any) -> HandoffLine:
    return await in_database(lambda: say(id, text, by=by, client_id=uuid.uuid4(), **fields))


async def keep_typing(id: str, by: Actor) -> None:
    """As a page does: again and again, because each sign may get lost."""
    while True:
        await in_database(agent_types, id, by=by, active=True)
        await asyncio.sleep(0.3)


async def ask_a_person(socket: Socket, text: str) -> Frame:
    """Says something that the assistant does not answer; the ``accepted`` frame."""
    await socket.send(type="user_message", client_msg_id=str(uuid.uuid4()), text=text)
    accepted = await socket.next("accepted")
    assert accepted["turn_id"] is None
    return accepted


async def test_from_the_queue_to_an_agent_and_back() -> None:
    async with Socket() as socket:
        await socket.hello(token())
        await socket.answer("is Berserk volume 3 in stock?")
        aiko = await in_database(at_desk, "aiko")
        await socket.send(type="handoff", client_msg_id=str(uuid.uuid4()), reason="my parcel")
        await socket.next("saved")
        state = await socket.next("handoff_state")
        assert (
            state["message"]
            == "I've put you in line for a person of our team. They'll be with you as soon as they can."
        )
        assert (state["state"], state["position"], state["estimated_wait"]) == ("queued", 1, None)
        id = state["handoff_id"]
        await in_database(take_handoff, id, by=aiko)
        taken = await socket.next("handoff_state")
        assert (taken["state"], taken["agent_name"]) == ("agent", "Aiko")
        typing = asyncio.create_task(keep_typing(id, aiko))
        assert await socket.next("typing") == {"type": "typing", "active": True, "name": "Aiko"}
        typing.cancel()
        card = {"card_id": "product-BERSERK-EN-1", "kind": "product", "id": "BERSERK-EN-1", "reason": ""}
        await says(id, "This one?", aiko, cards=[card])
        word = await socket.next("message")
        assert (word["role"], word["name"], word["content"]) == ("agent", "Aiko", "This one?")
        # With what is true now.
        assert word["cards"][0]["data"]["price"]["amount"] == "14.99"
        await ask_a_person(socket, "yes, that one")
        assert await HandoffLine.objects.filter(handoff_id=id, role="shopper", text="yes, that one").acount() == 1
        await in_database(close_handoff, id, by=aiko)
        closed = await socket.next("handoff_state")
        assert (closed["state"], closed["rate"]) == ("bot", True)
        assert (await socket.answer("how much is Berserk volume 1?"))["status"] == "complete"


async def test_two_clicks_and_two_tabs_make_one_request() -> None:
    async with Socket() as one, Socket() as two:
        ready = await one.hello(token())
        await two.hello(token(conversation_id=ready["conversation_id"]))
        ids = {await queue_up(one), await queue_up(one), await queue_up(two)}
        assert len(ids) == 1
        assert await Handoff.objects.acount() == 1
        await one.send(type="handoff", client_msg_id=str(uuid.uuid4()), cancel=True)
        while (await two.next("handoff_state"))["state"] != "bot":
            pass


async def test_a_request_that_is_sent_again_asks_and_withdraws_once() -> None:
    """A page resends what was not answered before its connection broke, also when much has happened since."""
    ask, withdraw = ({"type": "handoff", "client_msg_id": str(uuid.uuid4()), "cancel": each} for each in (False, True))
    async with Socket() as socket:
        ready = await socket.hello(token())
        await socket.send(**ask)
        id = (await socket.next("handoff_state"))["handoff_id"]
        await in_database(take_handoff, id, by=await who())
        await in_database(close_handoff, id, by=await who())
    async with Socket() as socket:
        await socket.hello(token(conversation_id=ready["conversation_id"]))
        await socket.send(**ask)
        assert (await socket.next("saved"))["client_msg_id"] == ask["client_msg_id"]
        now = await socket.next("handoff_state")
        assert (now["state"], now["handoff_id"], now["rate"]) == ("bot", id, True)
        second = await queue_up(socket)
        await socket.send(**withdraw)
        while (await socket.next("handoff_state"))["state"] != "bot":
            pass
        third = await queue_up(socket)
    async with Socket() as socket:
        await socket.hello(token(conversation_id=ready["conversation_id"]))
        await socket.send(**withdraw)
        await socket.next("saved")
    states = {str(each.pk): each.status async for each in Handoff.objects.all()}
    assert states == {id: "closed", second: "cancelled", third: "queued"}


async def test_while_they_wait_the_assistant_is_silent_but_offers_to_go_on() -> None:
    async with Socket() as socket:
        await socket.hello(token())
        id = await queue_up(socket)
        await ask_a_person(socket, "it is about order MD-1")
        offer = await socket.next("message")
        assert offer["role"] == "system"
        assert offer["quick_replies"] == ["Go on with the assistant"]
        await ask_a_person(socket, "hello?")
        lines = HandoffLine.objects.filter(handoff_id=id, role="shopper").values_list("text", flat=True)
        assert [text async for text in lines] == ["it is about order MD-1", "hello?"]
        assert not await Turn.objects.aexists()
        # The way out for those who have no button.
        await ask_a_person(socket, "Go on with the assistant.")
        assert "taken you out of the line" in (await socket.next("message"))["content"]
        assert (await Handoff.objects.aget()).status == "cancelled"
        assert "in stock" in (await socket.answer("is Berserk volume 3 in stock?"))["content"]


@pytest.mark.parametrize(
    ("attended", "promised"),
    [(True, "I've put you in line for a person of our team."), (False, "Nobody of our team is free just now")],
)
async def test_asking_in_words_opens_the_request_and_is_answered(attended: bool, promised: str) -> None:
    if attended:
        await in_database(at_desk, "aiko")
    async with Socket() as socket:
        await socket.hello(token())
        response = await socket.answer("I want to talk to a human")
        assert response["content"].startswith(promised)
        assert response["status"] == "complete"
        assert (await Conversation.objects.aget()).state == "queued"


async def test_a_resent_word_reaches_the_agent_once() -> None:
    async with Socket() as socket:
        await socket.hello(token())
        id = await queue_up(socket)
        word = str(uuid.uuid4())
        for duplicate in (False, True):
            await socket.send(type="user_message", client_msg_id=word, text="hello?")
            assert (await socket.next("accepted"))["duplicate"] is duplicate
        assert await HandoffLine.objects.filter(handoff_id=id, role="shopper").acount() == 1


async def test_an_agent_who_leaves_or_hands_on_is_replaced_and_the_shopper_told() -> None:
    async with Socket() as socket:
        await socket.hello(token())
        id, aiko, ben = await queue_up(socket), await who(), await in_database(at_desk, "ben")
        await in_database(take_handoff, id, by=aiko)
        assert (await socket.next("handoff_state"))["agent_name"] == "Aiko"
        await in_database(transfer_handoff, id, to=ben, by=aiko)
        assert (await socket.next("handoff_state"))["agent_name"] == "Ben"
        await in_database(return_handoff, id, by=ben)
        again = await socket.next("handoff_state")
        assert (again["state"], again["position"]) == ("queued", 1)
        assert "in line again" in again["message"]


async def test_a_shopper_who_comes_back_reads_what_was_said_meanwhile() -> None:
    async with Socket() as socket:
        ready = await socket.hello(token())
        id, aiko = await queue_up(socket), await who()
    await in_database(take_handoff, id, by=aiko)
    await says(id, "Are you there?", aiko)
    async with Socket() as socket:
        back = await socket.hello(token(conversation_id=ready["conversation_id"]))
        assert back["state"] == "agent"
        assert [(message["role"], message["content"]) for message in back["messages"]] == [("agent", "Are you there?")]
        state = await socket.next("handoff_state")
        assert (state["state"], state["agent_name"]) == ("agent", "Aiko")
        await says(id, "Good.", aiko)
        # Told once: what came with the greeting does not come again.
        assert (await socket.next("message"))["content"] == "Good."


async def test_with_redis_gone_an_agents_words_still_arrive() -> None:
    from mangaassist import breaker

    async with Socket() as socket:
        await socket.hello(token())
        id, aiko = await queue_up(socket), await who()
        # An open breaker rings no bell: what is left is looking by itself.
        for _ in range(2):
            breaker.registry["doorbell"].failed()
        await in_database(take_handoff, id, by=aiko)
        await says(id, "Hello!", aiko)
        assert (await socket.next("handoff_state"))["state"] == "agent"
        assert (await socket.next("message"))["content"] == "Hello!"


@pytest.mark.parametrize(("before", "said"), [(0, "taken over"), (1, "One moment, please.")])
async def test_what_was_not_said_before_the_take_over_stays_unsaid(before: int, said: str, settings: Any) -> None:
    """Asked of the assistant, then taken by a person while it still writes: the state counts when it is sent."""
    settings.GENERATORS = {"default": {"BACKEND": "tests.journeys.patient_generator.PatientGenerator"}}
    settings.TURN_LIMITS_S = settings.TURN_LIMITS_S | {"first_token": 60, "token_gap": 60}
    patient_generator.allowed.append(asyncio.Semaphore(before))
    async with Socket() as socket:
        await socket.hello(token())
        await socket.send(type="user_message", client_msg_id=str(uuid.uuid4()), text="hello")
        await socket.next("delta" if before else "typing_indicator")
        id = await queue_up(socket)
        await in_database(take_handoff, id, by=await who())
        await asyncio.sleep(STATE_BELIEVED_S)
        for _ in patient_generator.PIECES:
            patient_generator.allowed[-1].release()
        response = await socket.next("response")
        assert response["status"] == "stopped"
        assert said in response["content"]
        assert "Here" not in response["content"]
        assert (await Turn.objects.aget()).status == "stopped"


async def test_while_somebody_waits_what_was_asked_before_is_still_answered(settings: Any) -> None:
    settings.GENERATORS = {"default": {"BACKEND": "tests.journeys.patient_generator.PatientGenerator"}}
    settings.TURN_LIMITS_S = settings.TURN_LIMITS_S | {"first_token": 60, "token_gap": 60}
    patient_generator.allowed.append(asyncio.Semaphore(0))
    async with Socket() as socket:
        await socket.hello(token())
        await socket.send(type="user_message", client_msg_id=str(uuid.uuid4()), text="hello")
        await socket.next("typing_indicator")
        await queue_up(socket)
        for _ in patient_generator.PIECES:
            patient_generator.allowed[-1].release()
        assert (await socket.next("response"))["status"] == "complete"


async def test_the_desk_sees_the_shopper_type() -> None:
    heard: asyncio.Queue[Ring] = asyncio.Queue()
    hearing().listen("shopper-types", heard.put_nowait)
    async with Socket() as socket:
        ready = await socket.hello(token())
        await socket.send(type="typing", active=True)  # Nobody is asked: nobody is told.
        await queue_up(socket)
        await socket.send(type="typing", active=True)
        while not (ring := await asyncio.wait_for(heard.get(), 10)).about:
            pass
        assert (ring.about, ring.said) == (ready["conversation_id"], {"active": True})
    hearing().leave("shopper-types", heard.put_nowait)


RATINGS = [
    ({"csat": 5, "comment": "quick"}, ""),
    ({"csat": 0}, "bad_csat"),
    ({"csat": 6}, "bad_csat"),
    ({"csat": "5"}, "bad_csat"),
    ({"csat": True}, "bad_csat"),
    ({}, "bad_csat"),
    ({"csat": 3, "comment": "x" * 2001}, "bad_comment"),
    ({"csat": 3, "handoff_id": "mine"}, "bad_handoff_id"),
    ({"csat": 3, "handoff_id": str(uuid.uuid4())}, "not_found"),
]


@pytest.mark.parametrize(("fields", "code"), RATINGS)
async def test_what_the_shopper_thinks_of_it(fields: dict[str, Any], code: str) -> None:
    async with Socket() as socket:
        await socket.hello(token())
        id, aiko = await queue_up(socket), await who()
        await in_database(take_handoff, id, by=aiko)
        await in_database(close_handoff, id, by=aiko)
        frame = {"type": "action", "action": "rate_handoff", "client_msg_id": str(uuid.uuid4()), "handoff_id": id}
        await socket.send(**frame | fields)
        if code:
            assert (await socket.receive_error())["code"] == code
        else:
            await socket.next("saved")
            handoff = await Handoff.objects.aget()
            assert (handoff.csat, handoff.csat_comment) == (5, "quick")


async def test_who_was_away_at_the_end_is_told_and_asked_on_their_return() -> None:
    async with Socket() as socket:
        ready = await socket.hello(token())
        id, aiko = await queue_up(socket), await who()
    await in_database(take_handoff, id, by=aiko)
    await says(id, "Bye!", aiko)
    await in_database(close_handoff, id, by=aiko)
    back = token(conversation_id=ready["conversation_id"])
    async with Socket() as socket:
        told = (await socket.hello(back))["messages"]
        assert [(each["role"], each["content"]) for each in told] == [
            ("agent", "Bye!"),
            ("system", "You're with the assistant again."),
        ]
        state = await socket.next("handoff_state")
        assert (state["state"], state["rate"], state["handoff_id"]) == ("bot", True, id)
        rated: Frame = {"type": "action", "action": "rate_handoff", "handoff_id": id, "csat": 5}
        await socket.send(**rated, client_msg_id=str(uuid.uuid4()))
        await socket.next("saved")
    for csat, ago in ((5, timedelta(0)), (None, timedelta(hours=3))):  # Rated, or long ago: nobody is asked again.
        await Handoff.objects.aupdate(csat=csat, closed_at=datetime.now(UTC) - ago)
        async with Socket() as socket:
            await socket.hello(back)
            await socket.send(type="ping", t=1)
            kinds = [(await socket.receive())["type"] for _ in range(2)]
            assert sorted(kinds) == ["pong", "token"]
