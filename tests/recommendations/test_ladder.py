"""Amazon Personalize configured: its answers are masked like any other's, and when it fails somebody else answers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from mangaassist.redis import sync_client
from recommendations.checks import personalize_is_configured
from recommendations.recommend import RecommendationRequest, arecommend_for, recommend_for, record_interactions
from shop.models import Offer
from tests.backends.personalize_fake import FakePersonalize, fake_personalize
from tests.recommendations.library import purchase, view
from tests.recommendations.test_recommend import buys, series_of, shelf

USERS = "arn:aws:personalize:us-east-1:123456789012:campaign/users"
SIMILAR = "arn:aws:personalize:us-east-1:123456789012:campaign/similar"
ALICE = RecommendationRequest(customer_id="alice", shelf="discover")
GUEST = RecommendationRequest(session_id="s1", shelf="discover")


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch, settings: Any, committed_trained: None) -> Iterator[FakePersonalize]:
    with fake_personalize() as fake:
        monkeypatch.setenv("AWS_ENDPOINT_URL_PERSONALIZE_RUNTIME", fake.url)
        settings.RECOMMENDERS = {
            "default": {
                "BACKEND": "recommendations.backends.personalize.PersonalizeRecommender",
                "OPTIONS": {"campaign_arn": USERS, "similar_items_campaign_arn": SIMILAR, "answer_within_s": 1.0},
            },
            "fallback": {"BACKEND": "recommendations.backends.local.LocalEngine"},
        }
        fake.answers = {USERS: [{"itemId": f"sports-{number:02}-EN-{v}"} for number in range(9, 0, -1) for v in (3, 1)]}
        yield fake


def cached_recommendations() -> list[bytes]:
    from caching.behind import behind

    behind.finish()
    return sorted(key for key in sync_client("cache").scan_iter("recs:*"))


def test_personalize_answers_and_each_series_is_shown_by_its_beginning(fake: FakePersonalize) -> None:
    found = recommend_for(ALICE)

    assert found.engine == "personalize"
    assert found.recommendation_id == "RID-1"
    assert [item.asin for item in found.items] == [f"sports-{number:02}-EN-1" for number in (9, 8, 7, 6, 5)]
    assert {item.engine for item in found.items} == {"personalize"}
    assert fake.last["userId"] == "alice"


def test_its_answers_are_masked(fake: FakePersonalize) -> None:
    buys("alice", "sports-09-EN-1")
    Offer.objects.filter(pk="sports-08-EN-1").update(stock=0)
    record_interactions([purchase("alice", "sports-07-EN-1")])
    fake.answers[USERS] += [{"itemId": "DELETED-LONG-AGO"}, {"itemId": "horror-00-EN-1", "score": None}]

    found = recommend_for(RecommendationRequest(customer_id="alice", shelf="discover", max_age_rating="teen", limit=6))

    assert series_of(found.items) == [f"sports-{number:02}" for number in (6, 5, 4, 3, 2, 1)]


def test_what_it_cannot_fill_is_filled_by_our_own_and_each_item_says_by_whom(fake: FakePersonalize) -> None:
    fake.answers[USERS] = [{"itemId": "sports-03-EN-1"}]
    record_interactions([view("horror-03-EN-1", customer_id="alice")])

    found = recommend_for(ALICE)

    assert found.engine == "personalize"
    assert [item.engine for item in found.items] == ["personalize"] + ["session"] * 4


def test_only_normalised_words_leave_the_house(fake: FakePersonalize) -> None:
    recommend_for(
        RecommendationRequest(
            customer_id="alice", shelf="discover", device="mobile", query="my mail is a@example.org, any sports?"
        )
    )

    assert fake.last["context"] == {"CURRENT_QUERY": "genre:sports", "DEVICE_TYPE": "mobile"}
    assert "example" not in str(fake.asked)


def test_similar_items_name_an_edition(fake: FakePersonalize) -> None:
    fake.answers[SIMILAR] = [{"itemId": "romance-05-EN-1"}]

    found = recommend_for(RecommendationRequest(customer_id="alice", series_id="romance-02", shelf="discover", limit=1))

    assert found.engine == "personalize"
    assert fake.last["itemId"] == "romance-02-EN-1"
    assert found.items[0].reason == "Similar to Romance-02"


@pytest.mark.parametrize("failure", [(400, "ThrottlingException"), (500, "InternalFailure")])
def test_when_it_fails_our_own_engine_answers_and_says_so(fake: FakePersonalize, failure: tuple[int, str]) -> None:
    record_interactions([view("horror-03-EN-1", session_id="s1")])
    fake.failure = failure

    found = recommend_for(GUEST)

    assert len(fake.asked) == 1
    assert found.engine == "session"
    assert len(found.items) == 5


def test_what_a_fallback_said_is_not_kept(fake: FakePersonalize) -> None:
    fake.failure = (400, "ThrottlingException")
    assert recommend_for(GUEST).engine == "popular"
    assert cached_recommendations() == []
    fake.failure = None

    assert recommend_for(GUEST).engine == "personalize"
    assert len(cached_recommendations()) == 1


def test_with_no_model_either_it_is_the_database(fake: FakePersonalize, settings: Any, tmp_path: Any) -> None:
    settings.DATA_DIR = tmp_path / "elsewhere"
    fake.failure = (500, "InternalFailure")

    found = recommend_for(GUEST)

    assert found.engine == "popular"
    assert len(found.items) == 5


async def test_when_it_hangs_the_answer_comes_in_time_from_our_own(fake: FakePersonalize, settings: Any) -> None:
    settings.RECOMMENDERS["default"]["OPTIONS"]["answer_within_s"] = 0.1
    fake.answering.clear()

    # The turn's own limit, with room for a busy machine: botocore alone would take 0.8 s, its defaults a minute.
    found = await asyncio.wait_for(arecommend_for(GUEST), 0.7)

    assert found.engine == "popular"
    assert len(found.items) == 5


def test_its_own_popularity_shelf_waits_for_it_once_only(fake: FakePersonalize) -> None:
    found = recommend_for(RecommendationRequest(customer_id="alice"))

    assert len(fake.asked) == 1
    assert {item.engine for item in shelf(found, "popular")} == {"popular"}


def test_what_is_no_arn_stops_the_start(settings: Any) -> None:
    settings.RECOMMENDERS = {
        "default": {
            "BACKEND": "recommendations.backends.personalize.PersonalizeRecommender",
            "OPTIONS": {"popularity_campaign_arn": "popular"},
        }
    }

    faults = [fault.msg for fault in personalize_is_configured(None)]

    assert faults == ["PERSONALIZE_POPULARITY_CAMPAIGN_ARN is not the ARN of an Amazon Personalize resource."]
