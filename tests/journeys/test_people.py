"""Shoppers and people of the shop in one conversation, as both have it. The desk's side is its verbs."""

from __future__ import annotations

import asyncio
import uuid
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from chat.models import Conversation, Turn
from chat.turn import STATE_BELIEVED_S
from escalation.actors import Actor
from escalation.handoffs import close_handoff, return_handoff, take_handoff, transfer_handoff
from escalation.lines import agent_types, say
from escalation.models import EscalationRule, Handoff, HandoffLine, OfficeHours
from escalation.presence import set_presence
from mangaassist.dbthreads import in_database
from mangaassist.doorbell import Ring, hearing
from tests.escalation.people import agent, at_desk
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


async def who(name: str = "aiko") -> Actor:
    return await in_database(agent, name)


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


async def wait_in_line(socket: Socket) -> Frame:
    """Asks for a person in words; the answer, once the socket was told that it waits (before the answer or after)."""
    frames = await socket.ask("I want to talk to a human")
    if not any(frame["type"] == "handoff_state" for frame in frames):
        await socket.next("handoff_state")
    return frames[-1]


async def leave_address(socket: Socket, text: str) -> str:
    """Until the assistant is back; what the shopper was told. The state may come before the word is accepted."""
    await socket.send(type="user_message", client_msg_id=str(uuid.uuid4()), text=text)
    told, is_back = "", False
    while not (told and is_back):
        frame = await socket.receive()
        told = frame["content"] if frame["type"] == "message" else told
        is_back = is_back or (frame["type"] == "handoff_state" and frame["state"] == "bot")
    return told


async def test_from_the_queue_to_an_agent_and_back() -> None:
    async with Socket() as socket:
        await socket.hello(token())
        await socket.answer("is Berserk volume 3 in stock?")
        await socket.send(type="handoff", client_msg_id=str(uuid.uuid4()), reason="my parcel")
        await socket.next("saved")
        state = await socket.next("handoff_state")
        assert state["message"] == "I've connected you with a support agent. They'll be with you shortly."
        assert (state["state"], state["position"], state["estimated_wait"]) == ("queued", 1, None)
        id, aiko = state["handoff_id"], await who()
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


async def test_asking_in_words_opens_the_request_and_is_answered() -> None:
    async with Socket() as socket:
        await socket.hello(token())
        response = await socket.answer("I want to talk to a human")
        assert response["content"].startswith("I've connected you with a support agent.")
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


async def test_outside_office_hours_an_address_is_enough(settings: Any) -> None:
    # Open for one minute a week, and not this one.
    now = datetime.now(UTC)
    day = (now.weekday() + 3) % 7
    await OfficeHours.objects.acreate(weekday=day, opens=time(9), closes=time(9, 1), zone="UTC")
    async with Socket() as socket:
        await socket.hello(token())
        response = await wait_in_line(socket)
        assert "Our team is away until" in response["content"]
        assert "09:00 UTC" in response["content"]
        told = await leave_address(socket, "my address is ada@shop.example.")
        assert "our team will write to ada@shop.example" in told
        assert "in stock" in (await socket.answer("is Berserk volume 3 in stock?"))["content"]
    assert (await Handoff.objects.aget()).status == "queued"


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


async def test_who_left_an_address_and_asks_again_waits_in_the_chat() -> None:
    async with Socket() as socket:
        await socket.hello(token())
        await wait_in_line(socket)
        await leave_address(socket, "ada@shop.example")
        await socket.send(type="handoff", client_msg_id=str(uuid.uuid4()))
        state = await socket.next("handoff_state")
        assert (state["state"], "write to" in state["message"]) == ("queued", False)
    handoff = await Handoff.objects.aget()
    assert (handoff.status, handoff.email) == ("queued", "")
    assert [each.detail async for each in handoff.transitions.all()][2:] == ["waits in the chat again"]
    assert (await Conversation.objects.aget()).state == "queued"


async def test_when_all_agents_have_left_nobody_is_promised() -> None:
    await in_database(set_presence, await who(), status="offline")
    async with Socket() as socket:
        await socket.hello(token())
        assert "Nobody of our team is free" in (await socket.answer("I want to talk to a human"))["content"]


async def recent_ones(waited: timedelta) -> None:
    """Somebody is at work, and three were answered so soon."""
    await in_database(set_presence, await who(), status="available")
    now = datetime.now(UTC)
    for number in range(3):
        await Handoff.objects.acreate(
            conversation_id=f"earlier {number}",
            status="closed",
            opened_at=now - timedelta(minutes=60),
            taken_at=now - timedelta(minutes=60) + waited,
            closed_at=now - timedelta(minutes=50),
        )


async def test_the_wait_is_told_in_minutes_and_seconds() -> None:
    await recent_ones(timedelta(minutes=3))
    async with Socket() as socket:
        ready = await socket.hello(token())
        response = await socket.answer("I want to talk to a human")
        assert response["content"].endswith("Expect to wait about 3 minutes.")
    async with Socket() as socket:
        await socket.hello(token(conversation_id=ready["conversation_id"]))
        state = await socket.next("handoff_state")
        assert state["estimated_wait"] == 180


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("I want to talk to a human", "Expect to wait about a minute."),
        ("人と話したい", "長くはお待たせしない見込みです。"),
    ],
)
async def test_a_short_wait_is_about_a_minute(text: str, said: str) -> None:
    await recent_ones(timedelta(seconds=20))
    async with Socket() as socket:
        await socket.hello(token())
        assert (await socket.answer(text))["content"].endswith(said)


async def test_at_night_no_wait_is_promised_though_an_agent_is_still_there() -> None:
    await recent_ones(timedelta(minutes=3))
    tomorrow = datetime.now(UTC).date() + timedelta(days=1)
    await OfficeHours.objects.acreate(weekday=tomorrow.weekday(), opens=time(9), closes=time(17))
    async with Socket() as socket:
        await socket.hello(token())
        assert "wait about" not in (await socket.answer("I want to talk to a human"))["content"]
        await socket.send(type="handoff", client_msg_id=str(uuid.uuid4()))
        await socket.next("saved")
        assert (await socket.next("handoff_state"))["estimated_wait"] is None


async def test_the_agent_gets_what_was_asked_tried_and_shown() -> None:
    async with Socket() as socket:
        await socket.hello(token())
        await socket.answer("is Berserk volume 3 in stock?")
        await socket.answer("reach me at ada@shop.example or 4111 1111 1111 1111")
        await socket.answer("I want to talk to a human")
    handoff = await Handoff.objects.aget()
    package = handoff.package
    assert package["products"] == ["BERSERK-EN-3"]
    assert package["tried"][0] == {
        "text": "is Berserk volume 3 in stock?", "intent": "availability", "outcome": "complete",
    }  # fmt: skip
    assert "Products: Berserk, Vol. 3." in handoff.summary
    assert "商品: Berserk, Vol. 3。" in package["summary"]["ja"]
    lines = [line async for line in handoff.lines.all()]
    assert [line.role for line in lines] == ["shopper", "assistant", "shopper", "assistant", "shopper"]
    everything = handoff.summary + str(package) + "".join(line.text for line in lines)
    assert "ada@" not in everything
    assert "4111" not in everything


WORDS = [
    ("you are useless, you never understand me", "frustration", "bot"),
    ("my book arrived with torn pages", "complaint", "bot"),
    ("my lawyer will write to you", "safety", "queued"),
    ("I want to die", "safety", "queued"),
    ("もう死にたいです", "safety", "queued"),
    ("is the chargeback desk open?", "rule", "queued"),
    ("人と話したい", "asked", "queued"),
]


@pytest.mark.parametrize(("text", "trigger", "state"), WORDS)
async def test_a_person_is_brought_in_or_offered(text: str, trigger: str, state: str) -> None:
    await EscalationRule.objects.acreate(name="money back", keywords="chargeback")
    async with Socket() as socket:
        await socket.hello(token())
        response = await socket.answer(text)
        assert (await Conversation.objects.aget()).state == state
        if state == "bot":
            assert "I can bring a person of our team into this if you like." in response["content"]
            assert response["quick_replies"][0] == "Talk to a person"
            return
        handoff = await Handoff.objects.aget()
        assert handoff.trigger == trigger
        if "死" in text:
            assert "救急へお電話ください" in response["content"]
        elif "die" in text:
            assert "emergency number" in response["content"]


async def test_who_complains_twice_need_not_ask() -> None:
    async with Socket() as socket:
        await socket.hello(token())
        await socket.answer("my book arrived with torn pages")
        await socket.answer("and the box was crushed when my order arrived, I want to complain")
        handoff = await Handoff.objects.aget()
        assert (handoff.trigger, handoff.priority) == ("complaint", 1)


CALM = [
    "do you replace damaged books?",
    "I'm torn, hardcover or paperback",
    "how do you pack box sets so that nothing gets bent",
]


@pytest.mark.parametrize("text", CALM)
async def test_nobody_is_told_that_we_are_sorry_for_what_they_do_not_complain_of(text: str) -> None:
    async with Socket() as socket:
        await socket.hello(token())
        response = await socket.answer(text)
        assert "sorry" not in response["content"]
        assert response["content"]
        assert not await Handoff.objects.aexists()


async def test_who_sounds_angry_again_and_again_is_offered_a_person_and_not_given_one() -> None:
    async with Socket() as socket:
        await socket.hello(token())
        for text in ("honestly this is pathetic", "why do you keep showing me things I already own"):
            response = await socket.answer(text)
            assert "Talk to a person" in response["quick_replies"]
        assert not await Handoff.objects.aexists()


async def test_after_two_bad_answers_a_person_is_offered() -> None:
    async with Socket() as socket:
        await socket.hello(token())
        for _ in range(2):
            response = await socket.answer("is Berserk volume 3 in stock?")
            assert "I can bring a person" not in response["content"]
            thumb = {"message_id": response["message_id"], "rating": "down"}
            await socket.send(type="feedback", client_msg_id=str(uuid.uuid4()), **thumb)
            await socket.next("saved")
        assert "I can bring a person" in (await socket.answer("how much is Berserk volume 1?"))["content"]


async def test_a_rule_that_an_operator_writes_holds_at_once() -> None:
    async with Socket() as socket:
        await socket.hello(token())
        await socket.answer("hello")  # The rules have been read: there are none.
        await EscalationRule.objects.acreate(name="money back", keywords="chargeback")
        await socket.answer("is the chargeback desk open?")
        assert (await Handoff.objects.aget()).trigger == "rule"
