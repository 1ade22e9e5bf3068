"""What is known of a shopper shows in the conversation and on the pages: taste, device, experiment."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async
from django.test import Client

from caching.behind import behind
from recommendations.experiments import start, writer
from recommendations.interactions import record_interactions
from recommendations.models import Arm, Experiment, Exposure, Outcome
from tests.backends.personalize_fake import FakePersonalize, fake_personalize
from tests.backends.test_recommender_contract import USERS
from tests.journeys.shopper import Frame, Socket, token
from tests.recommendations.library import lay_library, train_on_readers, view


@pytest.fixture(autouse=True)
def library(transactional_db: None, settings: Any, tmp_path: Path) -> Iterator[None]:
    settings.DATA_DIR = tmp_path
    lay_library()
    train_on_readers()
    yield
    behind.finish()


@pytest.fixture
def personalize(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[FakePersonalize]:
    with fake_personalize() as fake:
        monkeypatch.setenv("AWS_ENDPOINT_URL_PERSONALIZE_RUNTIME", fake.url)
        settings.RECOMMENDERS = settings.RECOMMENDERS | {
            "default": {
                "BACKEND": "recommendations.backends.personalize.PersonalizeRecommender",
                "OPTIONS": {"campaign_arn": USERS, "answer_within_s": 2.0},
            }
        }
        # The first client of a process reads botocore's models, which a running shop has done before anybody asks.
        settings.TURN_LIMITS_S = settings.TURN_LIMITS_S | {"recommendations": 5.0}
        fake.answers = {USERS: [{"itemId": f"sports-{number:02}-EN-1"} for number in range(9)]}
        yield fake


async def ask(text: str, **who: str) -> Frame:
    async with Socket() as socket:
        await socket.hello(token(**who))
        return await socket.answer(text)


def cards(response: Frame) -> list[str]:
    return [each["data"]["asin"] for each in response["cards"]]


async def test_a_search_by_words_is_in_the_order_of_the_shoppers_taste() -> None:
    viewed = [view(f"romance-{number:02}-EN-1", customer_id="alice") for number in (1, 3, 5)]
    await sync_to_async(record_interactions)(viewed)

    anybody = cards(await ask("do you carry grim manga?", session_id="stranger"))
    alice = cards(await ask("do you carry grim manga?", customer_id="alice"))

    def romances(asins: list[str]) -> int:
        return sum(asin.startswith("romance") for asin in asins[:4])

    assert romances(alice) > romances(anybody)


async def test_the_device_is_told_to_personalize(personalize: FakePersonalize) -> None:
    response = await ask("Recommend me something", session_id="s1", device="mobile")

    assert cards(response)[0].startswith("sports")
    assert personalize.last["context"] == {"DEVICE_TYPE": "mobile"}


async def test_a_guest_is_recommended_what_goes_with_the_page() -> None:
    anybody = await ask("Recommend me something", session_id="s1")
    reader = await ask("Recommend me something", session_id="s2", asin="romance-05-EN-1")
    known = await ask("Recommend me something", session_id="s3", asin="no-such-asin")

    assert all(asin.startswith("romance") for asin in cards(reader)[:3])
    assert reader["cards"][0]["data"]["reason"] == "Because you looked at Romance-05"
    assert cards(known) == cards(anybody)


def test_the_shops_pages_tell_it_too(personalize: FakePersonalize) -> None:
    Client(headers={"user-agent": "Mozilla/5.0 (iPhone) Mobile/15E148", "sec-ch-ua-mobile": "?1"}).get("/")

    assert personalize.last["context"] == {"DEVICE_TYPE": "mobile"}


async def test_an_experiment_runs_through_a_conversation_and_counts_its_clicks() -> None:
    made = await Experiment.objects.acreate(name="Popular for everybody")
    for name in ("one", "other"):
        await Arm.objects.acreate(experiment=made, name=name, engine="popular")
    await sync_to_async(record_interactions)([view("horror-03-EN-1", customer_id="alice")])
    await sync_to_async(start)(made)

    async with Socket() as socket:
        await socket.hello(token(customer_id="alice"))
        response = await socket.answer("Recommend me something")
        await sync_to_async(writer.finish)()
        click = {"action": "add_to_cart", "card_id": response["cards"][0]["card_id"]}
        await socket.send(type="action", client_msg_id=str(uuid4()), message_id=response["message_id"], **click)
        await socket.next("saved")

    assert (await Exposure.objects.aget()).owner == "alice"
    outcome = await Outcome.objects.aget()
    assert (outcome.type, outcome.from_list) == ("add_to_cart", True)
