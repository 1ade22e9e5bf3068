"""What is cached of recommendations, for whom, and when it is wrong."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from caching.behind import behind
from mangaassist.breaker import BoundedExecutor
from mangaassist.redis import sync_client
from recommendations import drafting, recommend
from recommendations.backends.base import RecommenderUnavailable
from recommendations.promotion import train_and_publish
from recommendations.recommend import RecommendationRequest, arecommend_for, recommend_for, record_interactions
from recommendations.requests import query_hash, tidied
from recommendations.tuning import PLAIN
from shop.models import Edition, Offer, Series
from tests.recommendations.library import purchase, view
from tests.recommendations.test_recommend import buys, series_of

ALICE = RecommendationRequest(customer_id="alice")
GUEST = RecommendationRequest(session_id="s1")


@pytest.fixture
def drafts(monkeypatch: pytest.MonkeyPatch) -> list[RecommendationRequest]:
    """Every request for which a shortlist was made, and not read from the cache."""
    made: list[RecommendationRequest] = []
    original: Callable[..., Any] = drafting.draft

    def draft(request: RecommendationRequest, *known: Any, **more: Any) -> Any:
        made.append(request)
        return original(request, *known, **more)

    monkeypatch.setattr(recommend, "draft", draft)
    return made


def keys() -> list[str]:
    behind.finish()
    return sorted(key.decode() for key in sync_client("cache").scan_iter("recs:*"))


@pytest.mark.usefixtures("committed_trained")
class TestCache:
    def test_the_second_answer_is_the_first_one(self, drafts: list[RecommendationRequest]) -> None:
        first = recommend_for(ALICE)
        behind.finish()
        second = recommend_for(ALICE)

        assert len(drafts) == 1
        assert second == first

    def test_customers_and_guests_have_keys_of_their_own(self) -> None:
        for request in (ALICE, replace(ALICE, customer_id="bob"), GUEST, replace(GUEST, session_id="s2")):
            recommend_for(request)

        assert [key.split(":")[1] for key in keys()] == ["alice", "bob", "session-s1", "session-s2"]

    def test_a_session_named_like_a_customer_is_still_a_session(self) -> None:
        recommend_for(RecommendationRequest(session_id="alice"))

        assert keys()[0].startswith("recs:session-alice:")

    @pytest.mark.parametrize("own", [ALICE, GUEST])
    def test_an_interaction_acts_on_the_very_next_answer(self, own: RecommendationRequest) -> None:
        assert recommend_for(own).engine == "popular"
        behind.finish()

        record_interactions([view("horror-03-EN-1", customer_id=own.customer_id, session_id=own.session_id)])

        assert recommend_for(own).engine == "session"

    def test_another_shoppers_interaction_changes_nothing(self, drafts: list[RecommendationRequest]) -> None:
        recommend_for(ALICE)
        behind.finish()

        record_interactions([view("horror-03-EN-1", customer_id="bob")])
        recommend_for(ALICE)

        assert len(drafts) == 1

    def test_an_order_acts_on_the_very_next_answer(self) -> None:
        top = recommend_for(ALICE).items[0]
        behind.finish()

        buys("alice", top.asin)
        found = recommend_for(ALICE)

        assert found.items[0].series_id == top.series_id
        assert found.items[0].engine == "continue"

    def test_stock_is_read_anew_for_a_cached_list(self, drafts: list[RecommendationRequest]) -> None:
        before = recommend_for(GUEST).items
        behind.finish()

        Offer.objects.filter(pk=before[0].asin).update(stock=0)
        without = recommend_for(GUEST).items
        Offer.objects.filter(pk=before[0].asin).update(stock=1)
        again = recommend_for(GUEST).items

        assert without[:4] == before[1:]
        assert len(without) == 5
        assert again == before
        assert len(drafts) == 1

    def test_a_changed_title_is_told_by_the_next_answer(self) -> None:
        record_interactions([purchase("alice", "horror-03-EN-1")])
        assert "Horror-03" in recommend_for(replace(ALICE, shelf="discover")).items[0].reason
        behind.finish()

        series = Series.objects.get(pk="horror-03")
        series.title = "Night Shift"
        series.save()

        assert "Night Shift" in recommend_for(replace(ALICE, shelf="discover")).items[0].reason

    def test_a_deleted_edition_is_gone_at_once(self) -> None:
        top = recommend_for(GUEST).items[0]
        behind.finish()

        Edition.objects.get(pk=top.asin).delete()

        assert top.asin not in [item.asin for item in recommend_for(GUEST).items]

    def test_a_new_model_makes_new_answers(self, drafts: list[RecommendationRequest]) -> None:
        recommend_for(GUEST)
        behind.finish()
        record_interactions([purchase(f"fan-{number}", "romance-13-EN-1", days=300) for number in range(80)])
        assert series_of(recommend_for(GUEST).items)[0] != "romance-13"

        train_and_publish()

        assert series_of(recommend_for(GUEST).items)[0] == "romance-13"

    def test_nothing_cached_says_what_is_in_stock_or_what_it_costs(self) -> None:
        Offer.objects.update(stock=777_123, price="4321.09")
        record_interactions([purchase("alice", "horror-03-EN-1")])
        recommend_for(ALICE)

        assert keys()
        client = sync_client("cache")
        for key in client.scan_iter("recs:*"):
            text = str(client.get(key))
            assert not any(word in text for word in ("777123", "4321", "stock", "price", "availab"))

    async def test_the_asynchronous_twin_gives_the_same(self, drafts: list[RecommendationRequest]) -> None:
        first = await arecommend_for(GUEST)
        await behind.afinish()
        second = await arecommend_for(GUEST)

        assert first == second
        assert len(first.items) == 5
        assert len(drafts) == 1

    @pytest.mark.parametrize("customer_id", ["a b", "a\tb", "a\nb", "a:b*?[", "昭", "x" * 128])
    def test_any_customer_id_is_a_key_that_can_be_made_wrong(self, customer_id: str) -> None:
        recommend_for(RecommendationRequest(customer_id=customer_id))
        assert len(keys()) == 1

        record_interactions([view("horror-03-EN-1", customer_id=customer_id)])

        assert recommend_for(RecommendationRequest(customer_id=customer_id)).engine == "session"


async def test_when_too_many_are_waiting_the_caller_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    full = BoundedExecutor("full", threads=1, queue=0)
    busy = threading.Event()
    full.submit(busy.wait)
    monkeypatch.setattr(recommend, "_executor", full)

    with pytest.raises(RecommenderUnavailable):
        await arecommend_for(GUEST)
    busy.set()


class TestQueryHash:
    @pytest.mark.parametrize(
        "change",
        [
            {"query": "horror"}, {"series_id": "x"}, {"asin": "x"}, {"category": "novels"}, {"locale": "ja"},
            {"language": "ja"}, {"format": "ebook"}, {"genres": ("a",)}, {"exclude_genres": ("a",)}, {"themes": ("a",)},
            {"exclude_themes": ("a",)}, {"demographic": "seinen"}, {"exclude_series": ("x",)},
            {"max_age_rating": "teen"}, {"device": "mobile"}, {"limit": 6}, {"shelf": "popular"},
        ],
    )  # fmt: skip
    def test_covers_the_whole_request(self, change: dict[str, Any]) -> None:
        plain = query_hash(tidied(ALICE), tuning=PLAIN, engine="1", owned=())

        assert query_hash(tidied(replace(ALICE, **change)), tuning=PLAIN, engine="1", owned=()) != plain

    def test_covers_the_engine_and_what_is_owned_but_not_the_owner(self) -> None:
        plain = query_hash(ALICE, tuning=PLAIN, engine="1", owned=("A", "B"))

        assert query_hash(ALICE, tuning=PLAIN, engine="2", owned=("A", "B")) != plain
        assert query_hash(ALICE, tuning=PLAIN, engine="1", owned=("A",)) != plain
        assert query_hash(ALICE, tuning=PLAIN, engine="1", owned=("B", "A")) == plain
        assert query_hash(GUEST, tuning=PLAIN, engine="1", owned=("A", "B")) == plain

    def test_requests_that_mean_the_same_are_the_same(self) -> None:
        one = tidied(RecommendationRequest(genres=("b", "a", "a"), query="  dark   fantasy ", limit=99, locale="en-GB"))
        two = tidied(RecommendationRequest(genres=("a", "b"), query="dark fantasy", limit=50))

        assert query_hash(one, tuning=PLAIN, engine="", owned=()) == query_hash(two, tuning=PLAIN, engine="", owned=())
