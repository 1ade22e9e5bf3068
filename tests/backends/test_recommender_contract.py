"""What every recommendation engine promises, checked over each of them; and what Amazon Personalize is sent."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from botocore.stub import Stubber
from django.core.exceptions import ImproperlyConfigured

from recommendations.backends.base import (
    HistoryItem,
    NotOffered,
    NotTrained,
    Ranked,
    Recommender,
    RecommenderQuery,
    RecommenderUnavailable,
    Wish,
)
from recommendations.backends.local import LocalEngine
from recommendations.backends.personalize import MOST_RESULTS, PersonalizeRecommender, quoted
from shop.models import Edition
from tests.backends.personalize_fake import FakePersonalize, fake_personalize
from tests.recommendations.library import lay_library, train_on_readers

ARN = "arn:aws:personalize:us-east-1:123456789012:campaign/"
USERS, SIMILAR, POPULAR, RANKING = ARN + "users", ARN + "similar", ARN + "popular", ARN + "ranking"
FILTER = "arn:aws:personalize:us-east-1:123456789012:filter/in-stock"
NOW = datetime(2026, 6, 1, tzinfo=UTC)


def read(series_id: str, **more: Any) -> HistoryItem:
    return HistoryItem(series_id=series_id, asin=f"{series_id}-EN-1", strength=1.0, read=True, at=NOW, **more)


@dataclass
class Engine:
    """An engine under test, the name it must answer with, and how to make it unavailable."""

    recommender: Recommender
    engines: frozenset[str]
    fail: Callable[[], None]

    def series(self, query: RecommenderQuery) -> tuple[Ranked, list[str]]:
        ranked = self.recommender.recommend(query)
        series_of = dict(Edition.objects.values_list("pk", "series_id"))
        return ranked, [item.series_id or series_of[item.asin] for item in ranked.items]


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakePersonalize]:
    with fake_personalize() as fake:
        monkeypatch.setenv("AWS_ENDPOINT_URL_PERSONALIZE_RUNTIME", fake.url)
        horror = [{"itemId": f"horror-{number:02}-EN-{volume}"} for number in range(14) for volume in (1, 2)]
        sports = [{"itemId": f"sports-{number:02}-EN-1", "score": 0.5} for number in range(14)]
        fake.answers = {USERS: horror, SIMILAR: horror, POPULAR: sports, RANKING: horror}
        yield fake


def personalize(**options: Any) -> PersonalizeRecommender:
    known: dict[str, Any] = {
        "campaign_arn": USERS,
        "similar_items_campaign_arn": SIMILAR,
        "popularity_campaign_arn": POPULAR,
        "ranking_campaign_arn": RANKING,
        "in_stock_filter_arn": FILTER,
        "answer_within_s": 2.0,
    }
    return PersonalizeRecommender(**known | options)


@pytest.fixture(params=["local", "personalize"])
def engine(
    request: pytest.FixtureRequest, transactional_db: None, settings: Any, tmp_path: Path, fake: FakePersonalize
) -> Engine:
    settings.DATA_DIR = tmp_path
    lay_library()
    if request.param == "local":
        train_on_readers()

        def forget() -> None:
            (tmp_path / "recommender" / "current").unlink()

        return Engine(LocalEngine(), frozenset({"ease", "session", "content", "popular"}), forget)

    def throttle() -> None:
        fake.failure = (400, "ThrottlingException")

    return Engine(personalize(), frozenset({"personalize"}), throttle)


READER = RecommenderQuery(
    customer_id="somebody", history=(read("horror-00"), read("horror-01")), exclude_series=frozenset({"horror-00"})
)


class TestEveryEngine:
    def test_says_who_answered_for_the_list_and_for_each_item(self, engine: Engine) -> None:
        ranked, series = engine.series(READER)

        assert series
        assert ranked.engine in engine.engines
        assert {item.engine for item in ranked.items} <= engine.engines
        assert ranked.recommendation_id

    def test_a_reader_of_horror_gets_horror_first(self, engine: Engine) -> None:
        _, series = engine.series(READER)

        assert series[0].startswith("horror")

    def test_is_asked_for_what_is_similar(self, engine: Engine) -> None:
        ranked, series = engine.series(RecommenderQuery(seed_series="horror-03", seed_asin="horror-03-EN-1"))

        assert series[0].startswith("horror")
        assert ranked.items[0].reason_code == "similar"
        assert ranked.items[0].because == ("horror-03",)

    def test_is_asked_for_what_is_popular(self, engine: Engine) -> None:
        ranked, series = engine.series(RecommenderQuery(shelf="popular", customer_id="somebody", limit=5))

        assert len(set(series)) >= 5
        assert {item.reason_code for item in ranked.items} == {"popular"}

    def test_orders_what_a_search_has_found(self, engine: Engine) -> None:
        found = [f"{genre}-{number:02}" for number in (5, 7, 9) for genre in ("sports", "romance", "horror")]

        ranked = engine.recommender.order(READER, tuple((id, f"{id}-EN-1") for id in found))

        series = [item.series_id or item.asin.removesuffix("-EN-1") for item in ranked.items]
        assert sorted(series) == sorted(item for item in found if item in series)
        assert all(id.startswith("horror") for id in series[:3])
        assert ranked.engine in engine.engines

    def test_orders_nothing_and_what_it_never_heard_of(self, engine: Engine) -> None:
        assert engine.recommender.order(READER, ()).items == ()
        strange = engine.recommender.order(READER, (("no-such", "NO-SUCH"), ("horror-05", "horror-05-EN-1")))
        assert (strange.items[0].series_id or strange.items[0].asin[:9]) == "horror-05"

    def test_a_guest_without_a_past_gets_an_answer(self, engine: Engine) -> None:
        assert engine.series(RecommenderQuery())[1]

    @pytest.mark.parametrize(
        "query",
        [
            RecommenderQuery(customer_id="nobody-ever-heard-of"),
            RecommenderQuery(history=(read("no-such-series"),), session_id="s"),
            RecommenderQuery(seed_series="no-such-series", seed_asin="NO-SUCH", session_id="s"),
            RecommenderQuery(wish=Wish(genres=("no such genre",)), session_id="s"),
            RecommenderQuery(session_id="s", limit=10_000),
            RecommenderQuery(session_id="s", history=tuple(read(f"horror-{n % 14:02}") for n in range(200))),
        ],
    )
    def test_does_not_fall_over_what_it_does_not_know(self, engine: Engine, query: RecommenderQuery) -> None:
        assert isinstance(engine.recommender.recommend(query), Ranked)

    def test_says_so_when_it_has_no_answer(self, engine: Engine) -> None:
        engine.fail()

        with pytest.raises(RecommenderUnavailable):
            engine.recommender.recommend(READER)
        with pytest.raises(RecommenderUnavailable):
            engine.recommender.order(READER, (("horror-05", "horror-05-EN-1"),))

    def test_answers_many_threads_alike(self, engine: Engine) -> None:
        expected = engine.series(READER)[1]
        found: list[list[str]] = []

        def ask() -> None:
            ranked = engine.recommender.recommend(READER)
            found.append([item.series_id or item.asin[:9] for item in ranked.items])

        threads = [threading.Thread(target=ask) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert found == [expected] * 6

    def test_the_version_is_that_of_a_second_instance(self, engine: Engine) -> None:
        other = LocalEngine() if isinstance(engine.recommender, LocalEngine) else personalize()

        assert other.version == engine.recommender.version


class TestLocal:
    def test_without_a_model_it_is_not_trained_rather_than_broken(
        self, db: None, settings: Any, tmp_path: Path
    ) -> None:
        settings.DATA_DIR = tmp_path

        with pytest.raises(NotTrained):
            LocalEngine().recommend(READER)


class TestWhatPersonalizeIsSent:
    """The fake refuses what the service would refuse; ``fake.last`` is what arrived."""

    def test_a_customer(self, fake: FakePersonalize) -> None:
        personalize().recommend(RecommenderQuery(customer_id="alice", session_id="s1", limit=4))

        assert fake.last == {"campaignArn": USERS, "userId": "alice", "filterArn": FILTER, "numResults": 20}

    def test_a_guest_is_the_session(self, fake: FakePersonalize) -> None:
        personalize().recommend(RecommenderQuery(session_id="s1"))

        assert fake.last["campaignArn"] == USERS
        assert fake.last["userId"] == "s1"

    def test_nobody_gets_the_popularity_campaign(self, fake: FakePersonalize) -> None:
        personalize().recommend(RecommenderQuery())

        assert fake.last["campaignArn"] == POPULAR
        assert "userId" not in fake.last

    def test_similar_items(self, fake: FakePersonalize) -> None:
        personalize().recommend(
            RecommenderQuery(seed_series="horror-03", seed_asin="horror-03-EN-1", customer_id="alice")
        )

        assert fake.last["campaignArn"] == SIMILAR
        assert fake.last["itemId"] == "horror-03-EN-1"

    def test_a_filter_with_parameters_gets_their_values_in_quotes(self, fake: FakePersonalize) -> None:
        query = RecommenderQuery(customer_id="alice", language='e"n', wish=Wish(max_age_rating="teen"))
        personalize(filter_parameters=["LANGUAGES", "AGE_RATINGS"]).recommend(query)

        assert fake.last["filterValues"] == {"LANGUAGES": '"en"', "AGE_RATINGS": '"all","teen"'}

    def test_without_a_known_language_any_of_ours(self, fake: FakePersonalize) -> None:
        personalize(filter_parameters=["LANGUAGES"]).recommend(RecommenderQuery(customer_id="alice"))

        assert fake.last["filterValues"] == {"LANGUAGES": '"en","ja"'}

    def test_values_never_grow_beyond_the_limit(self) -> None:
        assert len(quoted(["x" * 300] * 9)) <= 1000
        assert quoted(['a"b\\c', "\n"]) == '"abc",""'

    def test_an_unknown_filter_parameter_stops_the_start(self) -> None:
        with pytest.raises(ImproperlyConfigured, match="PRICES"):
            personalize(filter_parameters=["PRICES"])

    def test_search_results_to_order(self, fake: FakePersonalize) -> None:
        query = RecommenderQuery(session_id="s1", context=(("DEVICE_TYPE", "mobile"),))
        personalize().order(query, tuple((f"s{n}", f"A{n}") for n in range(600)))

        assert fake.last == {
            "campaignArn": RANKING, "userId": "s1", "context": {"DEVICE_TYPE": "mobile"},
            "inputList": [f"A{n}" for n in range(500)],
        }  # fmt: skip

    def test_nothing_is_ordered_for_nobody_or_without_the_campaign(self, fake: FakePersonalize) -> None:
        with pytest.raises(NotOffered):
            personalize().order(RecommenderQuery(), (("a", "A"), ("b", "B")))
        with pytest.raises(NotOffered):
            personalize(ranking_campaign_arn="").order(READER, (("a", "A"), ("b", "B")))
        with pytest.raises(RecommenderUnavailable, match="256"):
            personalize().order(RecommenderQuery(customer_id="x" * 257), (("a", "A"), ("b", "B")))
        assert fake.asked == []

    def test_an_empty_filter_is_left_out(self, fake: FakePersonalize) -> None:
        personalize(in_stock_filter_arn="").recommend(RecommenderQuery(customer_id="alice"))

        assert "filterArn" not in fake.last

    def test_context_within_the_limits_of_the_service(self, fake: FakePersonalize) -> None:
        query = RecommenderQuery(
            customer_id="alice",
            context=(
                ("CURRENT_QUERY", "genre:horror"),
                ("DEVICE_TYPE", "mobile"),
                ("NOT-A-KEY", "x"),
                ("TOO_LONG", "x" * 1001),
                ("EMPTY", ""),
            ),
        )

        assert personalize().recommend(query).engine == "personalize"
        assert fake.last["context"] == {"CURRENT_QUERY": "genre:horror", "DEVICE_TYPE": "mobile"}

    def test_never_more_results_than_the_service_gives(self, fake: FakePersonalize) -> None:
        personalize().recommend(RecommenderQuery(customer_id="alice", limit=10_000))

        assert fake.last["numResults"] == MOST_RESULTS

    def test_an_id_that_the_service_would_refuse_is_not_sent(self, fake: FakePersonalize) -> None:
        with pytest.raises(RecommenderUnavailable):
            personalize().recommend(RecommenderQuery(customer_id="x" * 257))

        assert fake.asked == []

    def test_the_fake_is_as_strict_as_the_service(self, fake: FakePersonalize) -> None:
        client = personalize()._client

        with pytest.raises(client.exceptions.InvalidInputException, match="256"):
            client.get_recommendations(campaignArn=USERS, userId="x" * 257)
        with pytest.raises(client.exceptions.InvalidInputException, match="does not match"):
            client.get_recommendations(campaignArn="users", userId="x")

    @pytest.mark.parametrize("missing", ["similar_items_campaign_arn", "popularity_campaign_arn"])
    def test_a_campaign_that_is_not_there_is_not_asked(self, fake: FakePersonalize, missing: str) -> None:
        query = (
            RecommenderQuery(shelf="popular")
            if missing.startswith("pop")
            else RecommenderQuery(seed_asin="A", session_id="s")
        )

        with pytest.raises(NotOffered):
            personalize(**{missing: ""}).recommend(query)
        assert fake.asked == []

    def test_a_setting_that_is_no_arn_stops_the_start(self) -> None:
        with pytest.raises(ImproperlyConfigured, match="ARN"):
            personalize(campaign_arn="users")


class TestWhatPersonalizeAnswers:
    def test_items_with_and_without_a_score_in_their_order(self, fake: FakePersonalize) -> None:
        fake.answers[USERS] = [{"itemId": "B", "score": 0.1}, {"itemId": "A"}, {}]

        ranked = personalize().recommend(RecommenderQuery(customer_id="alice"))

        assert [(item.asin, item.score) for item in ranked.items] == [("B", 0.1), ("A", None)]
        assert ranked.recommendation_id == "RID-1"

    @pytest.mark.parametrize(
        "failure", [(400, "ThrottlingException"), (500, "InternalFailure"), (404, "ResourceNotFoundException")]
    )
    def test_errors_are_unavailability_after_one_attempt(self, fake: FakePersonalize, failure: tuple[int, str]) -> None:
        fake.failure = failure

        with pytest.raises(RecommenderUnavailable, match=failure[1]):
            personalize().recommend(READER)
        assert len(fake.asked) == 1

    def test_garbage_is_unavailability(self, fake: FakePersonalize) -> None:
        fake.garbage = True

        with pytest.raises(RecommenderUnavailable):
            personalize().recommend(READER)

    def test_five_failures_open_the_breaker_and_nothing_is_asked_any_more(self, fake: FakePersonalize) -> None:
        fake.failure = (500, "InternalFailure")
        recommender = personalize()
        for _ in range(7):
            with pytest.raises(RecommenderUnavailable):
                recommender.recommend(READER)

        assert len(fake.asked) == 5

    def test_a_hang_costs_the_callers_patience_and_no_more(self, fake: FakePersonalize) -> None:
        fake.answering.clear()

        with pytest.raises(RecommenderUnavailable, match="late"):
            personalize(answer_within_s=0.05).recommend(READER)
        assert len(fake.asked) <= 1

    def test_a_late_answer_is_a_success_for_the_breaker(self, fake: FakePersonalize) -> None:
        recommender = personalize(answer_within_s=0.02)
        for _ in range(6):
            fake.answering.clear()
            with pytest.raises(RecommenderUnavailable, match="late"):
                recommender.recommend(READER)
            fake.answering.set()

        assert replace_patience(recommender).recommend(READER).engine == "personalize"


class TestShapes:
    """What is sent and read, against botocore's own model of the service."""

    def test_recommendations(self) -> None:
        recommender = personalize()
        with Stubber(recommender._client) as service:
            service.add_response(
                "get_recommendations",
                {
                    "itemList": [{"itemId": "A", "score": 0.5, "promotionName": "p", "reason": ["x"]}],
                    "recommendationId": "RID",
                },
                {"campaignArn": USERS, "userId": "alice", "filterArn": FILTER, "numResults": 5},
            )
            ranked = recommender.recommend(RecommenderQuery(customer_id="alice", limit=1))

        assert [(item.asin, item.engine) for item in ranked.items] == [("A", "personalize")]
        assert ranked.recommendation_id == "RID"

    def test_ranking(self) -> None:
        recommender = personalize()
        with Stubber(recommender._client) as service:
            service.add_response(
                "get_personalized_ranking",
                {"personalizedRanking": [{"itemId": "B", "score": 0.9}, {"itemId": "A"}], "recommendationId": "RID"},
                {"campaignArn": RANKING, "userId": "alice", "inputList": ["A", "B"]},
            )
            ranked = recommender.order(RecommenderQuery(customer_id="alice"), (("a", "A"), ("b", "B")))

        assert [item.asin for item in ranked.items] == ["B", "A"]


def replace_patience(recommender: PersonalizeRecommender) -> PersonalizeRecommender:
    recommender._answer_within_s = 2.0
    return recommender
