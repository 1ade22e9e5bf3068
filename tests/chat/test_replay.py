"""A turn answered once more leaves nothing behind, and tells what is different now."""

from __future__ import annotations

from typing import Any

import pytest

from caching.behind import behind
from caching.counters import counters
from caching.reuse import reuse
from chat.assistant import ModelSpend
from chat.context import PageContext
from chat.models import Conversation, Message, Turn
from chat.plain import answer
from chat.replay import NothingToReplay, Replayed, replay
from chat.sessions import Session, open_session
from chat.tokens import Claims, Shopper
from escalation.models import Handoff
from mangaassist.analytics.buffer import buffer
from mangaassist.dbthreads import in_database
from mangaassist.outbox.models import OutboxMessage
from mangaassist.redis import sync_client
from mangaassist.rehearsal import WriteRefused, rehearsal
from recommendations.experiments import start
from recommendations.models import Arm, Experiment, Exposure
from shop.models import Offer
from tests.backends.openai_fake import answer as words
from tests.backends.openai_fake import fake_openai
from tests.chat.unhurried import open_unhurried_shop

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def shop(transactional_db: None, settings: Any) -> None:
    open_unhurried_shop(settings)


async def begin(customer_id: str = "") -> Session:
    shopper = Shopper(session_id="s1", customer_id=customer_id)
    return await in_database(open_session, Claims(shopper=shopper, context=PageContext().as_dict()))


def last_turn() -> Turn:
    return Turn.objects.latest("started_at")


def traces_left() -> dict[str, Any]:
    """Everything that a turn could change."""
    tables = {
        model.__name__: list(model.objects.order_by("pk").values())
        for model in (Conversation, Turn, Message, Handoff, OutboxMessage, Exposure)
    }
    # Notes of the cache are written down a little later than they are taken.
    counters.flush()
    reuse.flush()
    redis: Any = sync_client("cache")
    kept = {key: redis.dump(key) for key in redis.scan_iter("*")}
    return tables | {"analytics": len(buffer), "cache": kept}


def changed_since(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    keys = {key for key in before["cache"] | after["cache"] if before["cache"].get(key) != after["cache"].get(key)}
    others = {name: value for name, value in after.items() if name != "cache" and value != before[name]}
    return others | ({"cache": keys} if keys else {})


async def asked_again() -> Replayed:
    turn = await in_database(last_turn)
    return await replay(turn.pk)


async def test_it_says_what_is_true_now_with_the_memory_of_then() -> None:
    session = await begin()
    await answer(session, "tell me about Berserk")
    frame = await answer(session, "how much is volume 1?")
    assert frame is not None
    assert "$14.99" in frame["content"]
    turn = await in_database(last_turn)
    # What is said later is not known then, and what it costs now is.
    await answer(session, "and One Piece?")
    await Offer.objects.filter(edition__asin="BERSERK-EN-1").aupdate(price="9.49")

    again = await replay(turn.pk)

    assert "$9.49" in again.content
    assert again.content.replace("$9.49", "$14.99") == frame["content"]
    assert (again.intent, again.generator, again.failure) == ("price", "composer", "")
    assert again.cards[0]["quoted"]["amount"] == "9.49"
    assert {step["step"] for step in again.trace["steps"]} >= {"understand", "products", "plan", "generate"}
    assert again.trace["slots"]


@pytest.mark.parametrize(
    "text",
    [
        "recommend me something dark",
        "how much is Berserk volume 1?",
        "what is your return policy?",
        "do you have Kagurabachi?",
        "where is my order?",
        "I want to talk to a person",
    ],
)
async def test_it_leaves_nothing_behind(text: str) -> None:
    experiment = await Experiment.objects.acreate(name="Popular first")
    for name in ("a", "b"):
        await Arm.objects.acreate(experiment=experiment, name=name)
    await in_database(start, experiment)
    session = await begin("alice")
    await answer(session, text)
    turn = await in_database(last_turn)
    # As if it had been long ago.
    await Exposure.objects.all().adelete()
    await Handoff.objects.all().adelete()
    await behind.afinish()
    before = await in_database(traces_left)

    again = await replay(turn.pk)

    assert again.content
    assert again.failure == ""
    await behind.afinish()
    assert changed_since(before, await in_database(traces_left)) == {}


async def test_a_person_who_would_be_called_is_not() -> None:
    session = await begin()
    await answer(session, "hello")
    question = await Message.objects.aget(role="user")
    await Message.objects.filter(pk=question.pk).aupdate(content="I want to talk to a person")
    again = await asked_again()
    assert "put you in line for a person of our team" in again.content
    assert not await Handoff.objects.aexists()


async def test_what_forgets_that_it_is_a_rehearsal_is_stopped() -> None:
    conversation = await Conversation.objects.acreate(session_id="s1")

    def rename() -> int:
        return Conversation.objects.update(session_id="s2")

    with rehearsal(), pytest.raises(WriteRefused):
        await in_database(rename)
    assert await in_database(rename) == 1
    await conversation.arefresh_from_db()
    assert conversation.session_id == "s2"


async def test_a_model_is_asked_again(settings: Any) -> None:
    session = await begin()
    await answer(session, "how much is Berserk volume 1?")
    with fake_openai() as fake:
        options = {"base_url": fake.url, "model": "qwen"}
        settings.GENERATORS = {"default": {"BACKEND": "chat.backends.openai.OpenAIGenerator", "OPTIONS": options}}
        fake.pieces = words("{{title:BERSERK-EN-1}} costs {{price:BERSERK-EN-1}}. ")
        again = await asked_again()
    assert again.content == "Berserk, Vol. 1 costs $14.99."
    assert (again.generator, again.trace["generation"]["model"]) == ("openai", "qwen")
    # Nothing is counted but what has to be paid.
    assert await ModelSpend.objects.filter(answers=1).aexists()


async def test_it_ends_at_the_turns_limit(settings: Any) -> None:
    session = await begin()
    await answer(session, "how much is Berserk volume 1?")
    with fake_openai() as fake:
        options = {"base_url": fake.url, "model": "qwen"}
        settings.GENERATORS = {"default": {"BACKEND": "chat.backends.openai.OpenAIGenerator", "OPTIONS": options}}
        settings.TURN_LIMITS_S = settings.TURN_LIMITS_S | {"turn": 0.001}
        again = await asked_again()
    assert again.failure == "time"


async def test_a_question_that_is_gone_is_not_replayed() -> None:
    conversation = await Conversation.objects.acreate(session_id="s1")
    turn = await Turn.objects.acreate(conversation=conversation, status="complete")
    with pytest.raises(NothingToReplay):
        await replay(turn.pk)
    with pytest.raises(Turn.DoesNotExist):
        await replay(conversation.pk)
