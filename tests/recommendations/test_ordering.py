"""Search results in the order of a known shopper's taste, on every way to search."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from recommendations.interactions import NewInteraction, record_interactions
from recommendations.ordering import MOST_ORDERED, Found, aorder_for, order_for
from shop.search import search_editions, search_series
from tests.backends.personalize_fake import FakePersonalize, fake_personalize
from tests.backends.test_recommender_contract import RANKING, USERS
from tests.recommendations.library import view

MIXED = [
    Found(f"{id}-EN-1", id) for id in ("sports-01", "romance-01", "sports-02", "horror-05", "sports-04", "horror-06")
]


def series(found: Any) -> list[str]:
    return [each.series_id for each in found]


@pytest.fixture
def alice(committed_trained: None) -> str:
    record_interactions([view(f"horror-0{number}-EN-1", customer_id="alice") for number in range(3)])
    return "alice"


class TestOrder:
    def test_what_the_shopper_likes_moves_forward_and_relevance_still_counts(self, alice: str) -> None:
        ordered = order_for(MIXED, customer_id=alice)

        assert ordered.engine == "session"
        assert sorted(series(ordered.found)) == sorted(series(MIXED))
        places = series(ordered.found)
        assert places.index("horror-05") < 3
        assert places.index("horror-05") < places.index("horror-06")
        assert places.index("sports-01") < places.index("sports-04")

    def test_what_was_named_keeps_its_place(self, alice: str) -> None:
        named = [Found("sports-03-EN-1", "sports-03", is_named=True), *MIXED]

        assert series(order_for(named, customer_id=alice).found)[0] == "sports-03"

    def test_editions_of_a_series_stay_together_in_their_order(self, alice: str) -> None:
        found = [Found(f"{id}-EN-{n}", id) for id in ("sports-01", "sports-02", "horror-05") for n in (1, 2, 3)]

        ordered = order_for(found, customer_id=alice).found

        assert [each.asin for each in ordered if each.series_id == "horror-05"] == [
            f"horror-05-EN-{n}" for n in (1, 2, 3)
        ]
        groups = [id for place, id in enumerate(series(ordered)) if place == 0 or series(ordered)[place - 1] != id]
        assert len(groups) == 3

    @pytest.mark.parametrize(
        ("found", "who"),
        [
            (MIXED, {}),
            (MIXED, {"session_id": "never-seen"}),
            ([], {"customer_id": "alice"}),
            (MIXED[:1], {"customer_id": "alice"}),
        ],
        ids=["nobody", "nothing known", "nothing found", "one result"],
    )
    def test_else_relevance_alone(self, alice: str, found: list[Found], who: dict[str, str]) -> None:
        assert order_for(found, **who).found == tuple(found)
        assert order_for(found, **who).engine == ""

    def test_a_disliked_series_goes_to_the_end(self, alice: str) -> None:
        record_interactions([NewInteraction(customer_id="alice", asin="horror-05-EN-1", type="rating", value=1)])

        assert series(order_for(MIXED, customer_id=alice).found)[0] != "horror-05"

    def test_more_than_anybody_looks_at_and_unknown_series(self, alice: str) -> None:
        many = [Found(f"X-{n}", f"no-such-{n}") for n in range(MOST_ORDERED + 50)]

        assert sorted(series(order_for(many, customer_id=alice).found)) == sorted(series(many))

    async def test_on_the_event_loop(self, alice: str) -> None:
        assert (await aorder_for(MIXED, customer_id=alice)).engine == "session"


class TestPersonalize:
    @pytest.fixture
    def fake(self, alice: str, monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[FakePersonalize]:
        with fake_personalize() as fake:
            monkeypatch.setenv("AWS_ENDPOINT_URL_PERSONALIZE_RUNTIME", fake.url)
            settings.RECOMMENDERS = settings.RECOMMENDERS | {
                "default": {
                    "BACKEND": "recommendations.backends.personalize.PersonalizeRecommender",
                    "OPTIONS": {"campaign_arn": USERS, "ranking_campaign_arn": RANKING, "answer_within_s": 2.0},
                }
            }
            fake.answers = {RANKING: [{"itemId": "sports-04-EN-1"}, {"itemId": "romance-01-EN-1"}]}
            yield fake

    def test_it_orders(self, fake: FakePersonalize, alice: str) -> None:
        ordered = order_for(MIXED, customer_id=alice)

        assert ordered.engine == "personalize"
        assert fake.last["inputList"] == [each.asin for each in MIXED]
        places = series(ordered.found)
        assert places.index("sports-04") < places.index("sports-02")

    @pytest.mark.parametrize("failure", [(400, "ThrottlingException"), (500, "InternalFailure")])
    def test_our_own_engine_orders_when_it_fails(
        self, fake: FakePersonalize, alice: str, failure: tuple[int, str]
    ) -> None:
        fake.failure = failure

        assert order_for(MIXED, customer_id=alice).engine == "session"


@pytest.mark.usefixtures("committed_trained")
class TestSearching:
    def test_titles_are_named_and_words_are_not(self) -> None:
        assert [hit.is_named for hit in search_series("Horror-03")][:1] == [True]
        assert not any(hit.is_named for hit in search_series("grim"))
        assert not any(hit.is_named for hit in search_editions("grim"))

    def test_the_shops_search_page_knows_the_visitor(self) -> None:
        visitor = Client()
        before = _shown(visitor)
        for number in range(3):
            visitor.get(f"/products/romance-0{number}-EN-1/")

        after = _shown(visitor)

        assert sorted(before) == sorted(after)
        assert _mean_place(after) < _mean_place(before)


def _shown(visitor: Client) -> list[str]:
    page = visitor.get("/search/", {"q": "hopeful", "language": "en"})
    return list(dict.fromkeys(item.facts.asin for item in page.context["items"]))


def _mean_place(asins: list[str]) -> float:
    places = [place for place, asin in enumerate(asins) if asin.startswith("romance")]
    return sum(places) / len(places)
