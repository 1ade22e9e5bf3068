"""A setting that is saved is in force at the very next turn, in every process, Redis or not."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from chat.assistant import AssistantSettings, ModelSpend, count_spend
from chat.models import Turn
from chat.understanding import intents
from escalation.models import EscalationRule, Handoff, HandoffPolicy
from mangaassist.dbthreads import in_database
from tests.backends.openai_fake import FakeOpenAI, answer, fake_openai
from tests.journeys.shopper import Socket, token

pytestmark = pytest.mark.usefixtures("shop")
PRICE_LINE = "{{title:BERSERK-EN-1}} costs {{price:BERSERK-EN-1}} and is {{stock:BERSERK-EN-1}}. "
OWN_WORDS = "A fine place to meet its lone mercenary."
HOW_MUCH = "how much is Berserk volume 1?"


@pytest.fixture(scope="module", autouse=True)
def understanding() -> None:
    intents.warm()


@pytest.fixture(autouse=True)
def patience(settings: Any) -> None:
    """The machine of a test may be slow."""
    settings.TURN_LIMITS_S = dict.fromkeys(settings.TURN_LIMITS_S, 25)


@pytest.fixture
def model(settings: Any) -> Iterator[FakeOpenAI]:
    with fake_openai() as fake:
        options = {"base_url": fake.url, "model": "qwen", "input_price": 1, "output_price": 2}
        settings.GENERATORS = {"default": {"BACKEND": "chat.backends.openai.OpenAIGenerator", "OPTIONS": options}}
        fake.pieces = answer(PRICE_LINE, OWN_WORDS)
        yield fake


def save(**fields: Any) -> None:
    AssistantSettings.objects.update_or_create(pk=AssistantSettings.THE_ROW, defaults=fields)


async def change(**fields: Any) -> None:
    await in_database(save, **fields)


async def last_generation() -> dict[str, Any]:
    turn = await Turn.objects.order_by("-started_at").afirst()
    assert turn is not None
    return dict(turn.trace["generation"])


async def test_a_greeting_is_said_at_the_next_turn_and_told_to_the_next_socket() -> None:
    async with Socket() as socket:
        ready = await socket.hello(token())
        assert ready["assistant"]["greeting"] == {}
        await change(greeting_en="Welcome to the Ink Cellar, open since 1998!", quick_replies_en="New this week?")
        told = await socket.answer("hello")
        assert told["content"].startswith("Welcome to the Ink Cellar, open since 1998!")
        assert told["quick_replies"] == ["New this week?"]
    async with Socket() as socket:
        assistant = (await socket.hello(token()))["assistant"]
        assert assistant["greeting"] == {"en": "Welcome to the Ink Cellar, open since 1998!"}
        assert assistant["replies"] == {"en": ["New this week?"]}
        assert (assistant["languages"], assistant["off"]) == (["en", "ja"], "")


async def test_what_is_switched_off_is_off_from_the_next_word_on() -> None:
    async with Socket() as socket:
        await socket.hello(token())
        assert (await socket.answer("recommend me something dark"))["cards"]
        await change(recommendations=False, promotions=False, handoff=False, feedback=False)
        told = await socket.answer("recommend me something dark")
        assert "I don't recommend titles at the moment" in told["content"]
        assert told["cards"] == []
        assert "promotions at the moment" in (await socket.answer("what's on offer?"))["content"]
        person = await socket.answer("I want to talk to a human")
        assert "can't be reached through this chat" in person["content"]
        await socket.send(type="handoff", client_msg_id="6b1d7f57-4a8e-4f62-9a6c-0f9f36a9d2a1")
        state = await socket.next("handoff_state")
        assert (state["state"], "can't be reached" in state["message"]) == ("bot", True)
        await socket.send(
            type="feedback",
            client_msg_id="6b1d7f57-4a8e-4f62-9a6c-0f9f36a9d2a2",
            message_id=told["message_id"],
            rating="up",
        )
        assert (await socket.receive_error())["code"] == "not_found"
    assert not await Handoff.objects.aexists()


async def test_who_may_be_in_danger_is_told_where_help_is_though_nobody_comes() -> None:
    await change(handoff=False)
    async with Socket() as socket:
        await socket.hello(token())
        told = await socket.answer("I want to kill myself")
    assert "please call your local emergency number" in told["content"]
    assert not await Handoff.objects.aexists()


async def test_only_the_offered_language_is_answered_in() -> None:
    await change(languages="ja")
    async with Socket() as socket:
        await socket.hello(token())
        told = await socket.answer("what is Berserk about?")
    assert "ベルセルク" in told["content"]
    turn = await Turn.objects.order_by("-started_at").afirst()
    assert turn is not None
    assert turn.language == "ja"


async def test_thresholds_and_rules_are_in_force_at_the_next_turn() -> None:
    async with Socket() as socket:
        await socket.hello(token())
        complaint = "my book arrived damaged"
        assert "Talk to a person" in (await socket.answer(complaint))["quick_replies"]
        await in_database(HandoffPolicy.objects.update_or_create, pk=1, defaults={"complaint": False})
        await in_database(EscalationRule.objects.create, name="press", keywords="journalist", priority=2)
        assert not await Handoff.objects.aexists()
        await socket.answer("I am a journalist")
        assert await Handoff.objects.filter(trigger="rule").aexists()


async def test_a_spent_budget_leaves_the_next_turns_to_our_own_sentences(model: FakeOpenAI) -> None:
    await change(budget_per_day=Decimal("0.01"))
    async with Socket() as socket:
        await socket.hello(token())
        # It goes over the budget, and is written to its end.
        told = await socket.answer(HOW_MUCH)
        assert OWN_WORDS in told["content"]
        assert (await last_generation())["generator"] == "openai"
        asked = len(model.asked)
        assert (await socket.answer(HOW_MUCH))["status"] == "complete"
        generation = await last_generation()
        assert (generation["generator"], generation["no_model"]) == ("composer", "budget spent")
        assert len(model.asked) == asked
        await change(budget_per_day=Decimal(5))
        await socket.answer("what does Berserk volume 1 cost?")
        assert (await last_generation())["generator"] == "openai"
    assert (await ModelSpend.objects.aget()).answers == 2


async def test_what_other_processes_spent_counts(model: FakeOpenAI) -> None:
    await change(budget_per_day=Decimal(1))
    await in_database(count_spend, cost=1.5, read=1, written=1)
    async with Socket() as socket:
        await socket.hello(token())
        await socket.answer(HOW_MUCH)
    assert (await last_generation())["no_model"] == "budget spent"


async def test_the_writer_is_chosen_and_a_tone_reaches_the_model(model: FakeOpenAI) -> None:
    await change(tone="formal")
    async with Socket() as socket:
        await socket.hello(token())
        await socket.answer(HOW_MUCH)
        assert (await last_generation())["prompt"].endswith("-formal")
        assert "Tone: formal" in str(model.asked[-1])
        await change(writer="composer")
        await socket.answer(HOW_MUCH)
        assert (await last_generation())["no_model"] == "switched off"
