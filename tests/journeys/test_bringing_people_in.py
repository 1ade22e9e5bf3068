"""When the assistant brings a person in or offers one, what that person gets to read, and when it does neither."""

from __future__ import annotations

import uuid

import pytest

from chat.models import Conversation
from escalation.models import EscalationRule, Handoff
from tests.journeys.shopper import Socket, token

pytestmark = pytest.mark.usefixtures("shop")


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
