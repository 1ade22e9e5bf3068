"""Recommendations as chat, the shop's pages and partners get them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from recommendations.recommend import (
    NewInteraction,
    Recommendation,
    RecommendationRequest,
    Recommendations,
    recommend_for,
    record_interactions,
)
from shop.models import AGE_RATINGS, Edition, Offer, Order, OrderLine, Series
from shop.offers import OffersUnavailable
from tests.recommendations.library import GENRES, START, purchase, series_id, view
from tests.shop.catalogue import edition, import_lines, offer

ALICE = RecommendationRequest(customer_id="alice")


def series_of(items: tuple[Recommendation, ...]) -> list[str]:
    return [item.series_id for item in items]


def shelf(found: Recommendations, name: str) -> tuple[Recommendation, ...]:
    return next((shelf.items for shelf in found.shelves if shelf.name == name), ())


def buys(customer_id: str, *asins: str) -> None:
    order = Order.objects.create(
        id=f"O-{customer_id}", customer_id=customer_id, status="delivered", placed_at="2026-05-01T00:00:00Z"
    )
    OrderLine.objects.bulk_create(OrderLine(order=order, edition_id=asin) for asin in asins)


@pytest.mark.usefixtures("trained")
class TestLadder:
    """Which way of ranking answers, by what is known."""

    def test_nothing_known_is_popular_and_one_shelf(self) -> None:
        found = recommend_for(RecommendationRequest(session_id="s1"))

        assert found.engine == "popular"
        assert [each.name for each in found.shelves] == ["popular"]
        assert {item.engine for item in found.items} == {"popular"}

    def test_one_to_nine_series_are_answered_by_session_neighbours(self) -> None:
        record_interactions([view("horror-03-EN-1", session_id="s1")])

        found = recommend_for(RecommendationRequest(session_id="s1"))

        assert found.engine == "session"
        assert series_of(found.items)[0].startswith("horror")
        assert found.items[0].reason == "Because you looked at Horror-03"
        assert found.items[0].because == ("horror-03-EN-1",)

    def test_ten_and_more_are_answered_by_ease(self) -> None:
        record_interactions([purchase("alice", f"{series_id('horror', number)}-EN-1") for number in range(10)])

        found = recommend_for(replace(ALICE, shelf="discover"))

        assert found.engine == "ease"
        assert series_of(found.items)[0].startswith("horror")
        assert found.items[0].reason.startswith("Because you read Horror-")
        assert set(found.items[0].because) <= {f"horror-{number:02}-EN-1" for number in range(10)}

    def test_a_series_that_nobody_has_read_yet_is_found_by_its_content(self) -> None:
        new = {"kind": "series", "id": "brand-new", "title": "Brand New", "genres": ["horror"], "age_rating": "mature",
               "authors": ["horror author 0"]}  # fmt: skip
        import_lines([new, edition("BRAND-NEW-1", "brand-new", "Brand New 1", [1]), offer("BRAND-NEW-1", "9.99", 5)])

        to_it = recommend_for(RecommendationRequest(session_id="s", series_id="horror-00", limit=50))
        from_it = recommend_for(RecommendationRequest(session_id="s", series_id="brand-new"))

        assert "brand-new" in series_of(to_it.items)[:20]
        assert from_it.engine == "content"
        assert all(each.startswith("horror") for each in series_of(from_it.items)[:3])

    def test_without_a_model_the_database_tells_what_is_popular(self, tmp_path: Any, settings: Any) -> None:
        settings.DATA_DIR = tmp_path / "elsewhere"

        found = recommend_for(ALICE)

        assert found.engine == "popular"
        assert len(found.items) == 5


@pytest.mark.usefixtures("trained")
class TestAsking:
    def test_similar_to_a_series_never_names_it(self) -> None:
        found = recommend_for(RecommendationRequest(session_id="s", series_id="romance-02"))

        assert "romance-02" not in series_of(found.items)
        assert all(each.startswith("romance") for each in series_of(found.items))
        assert found.items[0].reason == "Similar to Romance-02"
        assert found.items[0].because == ("romance-02-EN-1",)
        assert found.shelves[0].title == "Similar to Romance-02"

    def test_similar_to_an_edition_is_similar_to_its_series(self) -> None:
        by_asin = recommend_for(RecommendationRequest(session_id="s", asin="romance-02-EN-3"))
        by_series = recommend_for(RecommendationRequest(session_id="s", series_id="romance-02"))

        assert series_of(by_asin.items) == series_of(by_series.items)

    def test_wishes_are_limits(self) -> None:
        grim = recommend_for(RecommendationRequest(session_id="s", genres=("Horror",), themes=("grim",)))
        lighter = recommend_for(
            RecommendationRequest(
                session_id="s", series_id="horror-01", exclude_themes=("grim",), exclude_genres=("sports",)
            )
        )

        assert all(int(each[-2:]) % 2 == 1 and each.startswith("horror") for each in series_of(grim.items))
        assert all(int(each[-2:]) % 2 == 0 and not each.startswith("sports") for each in series_of(lighter.items))
        assert grim.items[0].reason == "A favourite among readers of Horror and grim"

    def test_a_typed_query_is_read_for_what_the_catalogue_knows(self) -> None:
        romance = recommend_for(RecommendationRequest(session_id="s", query="something with romance, not grim"))
        like = recommend_for(RecommendationRequest(session_id="s", query="anything like Sports-03?"))

        assert all(each.startswith("romance") and int(each[-2:]) % 2 == 0 for each in series_of(romance.items))
        assert like.items[0].reason == "Similar to Sports-03"

    def test_a_query_that_means_nothing_here_changes_nothing(self) -> None:
        plain = recommend_for(RecommendationRequest(session_id="s"))
        odd = recommend_for(RecommendationRequest(session_id="s", query="'; DROP TABLE series; --" * 50))

        assert series_of(odd.items) == series_of(plain.items)

    @pytest.mark.parametrize(("limit", "expected"), [(-1, 0), (0, 0), (1, 1), (7, 7), (10_000, 42)])
    def test_as_many_as_wanted_or_as_there_are(self, limit: int, expected: int) -> None:
        assert len(recommend_for(RecommendationRequest(session_id="s", limit=limit)).items) == expected

    @pytest.mark.parametrize(
        "odd",
        [
            RecommendationRequest(customer_id="nobody we know"),
            RecommendationRequest(customer_id="a\tb\nc\x00:*" * 40),
            RecommendationRequest(session_id="s" * 5000),
            RecommendationRequest(session_id="s", asin="no-such-edition"),
            RecommendationRequest(session_id="s", series_id="no-such-series", exclude_series=("neither",)),
            RecommendationRequest(),
        ],
    )
    def test_what_nobody_knows_gets_what_is_popular(self, odd: RecommendationRequest) -> None:
        found = recommend_for(odd)

        assert found.engine == "popular"
        assert len(found.items) == 5

    def test_japanese(self) -> None:
        record_interactions([purchase("alice", "horror-03-JA-1")])

        found = recommend_for(replace(ALICE, locale="ja", shelf="discover"))

        assert found.items[0].asin.endswith("-JA-1")
        assert found.items[0].reason == "『漫画 horror-03』を読んだあなたに"
        assert found.shelves[0].title == "あなたへのおすすめ"

    def test_a_shop_without_editions_in_the_locale_still_recommends(self) -> None:
        Edition.objects.filter(language="ja").delete()

        assert recommend_for(RecommendationRequest(session_id="s", locale="ja")).items

    def test_the_same_question_has_the_same_answer(self) -> None:
        record_interactions([purchase("alice", "horror-03-EN-1"), view("sports-01-EN-1", customer_id="alice")])

        first, second = recommend_for(ALICE), recommend_for(ALICE)

        assert first.items == second.items
        assert first.shelves == second.shelves


@pytest.mark.usefixtures("trained")
class TestContinueReading:
    def test_the_next_volume_of_what_was_bought(self) -> None:
        buys("alice", "horror-00-EN-1", "horror-00-EN-2", "sports-01-EN-1")

        found = recommend_for(replace(ALICE, shelf="continue"))

        assert {item.asin for item in found.items} == {"horror-00-EN-3", "sports-01-EN-2"}
        item = next(item for item in found.items if item.series_id == "horror-00")
        assert (item.engine, item.reason) == ("continue", "Volume 3 of Horror-00 comes next for you")
        assert found.engine == "continue"

    def test_in_the_language_of_the_volumes_at_home_whatever_is_spoken(self) -> None:
        import_lines(
            [edition("horror-00-JA-2", "horror-00", "2", [2], language="ja"), offer("horror-00-JA-2", "600", 3)]
        )
        buys("alice", "horror-00-JA-1")

        found = recommend_for(replace(ALICE, shelf="continue", locale="en", language="en"))

        assert [item.asin for item in found.items] == ["horror-00-JA-2"]

    def test_what_can_be_had_now_stands_before_what_is_announced(self) -> None:
        import_lines(
            [
                edition("horror-00-EN-4", "horror-00", "4", [4], release_date="2999-01-01"),
                offer("horror-00-EN-4", "9.99", 0),
            ]
        )
        buys("alice", "horror-00-EN-1", "horror-00-EN-2", "horror-00-EN-3", "sports-01-EN-1")
        record_interactions(
            [purchase("alice", "horror-00-EN-3", days=120), purchase("alice", "sports-01-EN-1", days=1)]
        )

        items = recommend_for(replace(ALICE, shelf="continue")).items

        assert [item.asin for item in items] == ["sports-01-EN-2", "horror-00-EN-4"]
        assert items[1].reason == "Volume 4 of Horror-00 is coming soon and can be pre-ordered"

    def test_a_returned_volume_is_not_at_home(self) -> None:
        buys("alice", "horror-00-EN-1")
        Order.objects.update(status="returned")

        assert recommend_for(replace(ALICE, shelf="continue")).items == ()

    def test_both_shelves_share_one_list(self) -> None:
        buys("alice", "horror-00-EN-1", "sports-01-EN-1", "romance-01-EN-1")

        found = recommend_for(ALICE)

        assert [each.name for each in found.shelves] == ["continue", "discover", "popular"]
        assert [item.engine == "continue" for item in found.items] == [True, True, False, False, False]
        assert len(shelf(found, "continue")) == 3


@pytest.mark.usefixtures("trained")
class TestMasks:
    """Hold for every engine: tests/recommendations/test_ladder.py runs them over Amazon Personalize as well."""

    def test_sold_out_is_replaced_by_another_edition_or_left_out(self) -> None:
        first, second = series_of(recommend_for(RecommendationRequest(session_id="s")).items)[:2]
        import_lines([edition("EBOOK-1", first, "1", [1], format="ebook"), offer("EBOOK-1", "5.99", None)])
        Offer.objects.filter(pk__in=[f"{first}-EN-1", f"{second}-EN-1"]).update(stock=0)

        found = recommend_for(RecommendationRequest(session_id="s"))

        assert found.items[0].asin == "EBOOK-1"
        assert second not in series_of(found.items)
        assert len(found.items) == 5

    def test_a_list_fills_even_when_nearly_everything_is_sold_out(self) -> None:
        left = {"horror-13-EN-1", "romance-12-EN-1", "sports-13-EN-1"}
        Offer.objects.exclude(pk__in=left).update(stock=0)

        assert {item.asin for item in recommend_for(RecommendationRequest(session_id="s", limit=3)).items} == left

    def test_everything_sold_out_is_an_empty_answer(self) -> None:
        Offer.objects.update(stock=0)

        found = recommend_for(RecommendationRequest(session_id="s"))

        assert found.items == ()
        assert found.engine == "popular"

    def test_when_stock_cannot_be_read_there_is_an_answer_all_the_same(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(asins: object) -> None:
            raise OffersUnavailable("down")

        monkeypatch.setattr("recommendations.recommend.read_offers", fail)

        assert len(recommend_for(RecommendationRequest(session_id="s")).items) == 5

    def test_an_edition_can_be_for_older_readers_than_its_series(self) -> None:
        Series.objects.filter(pk="sports-00").update(age_rating="all")
        Edition.objects.filter(pk="sports-00-EN-1").update(age_rating="adult")

        found = recommend_for(RecommendationRequest(session_id="s", limit=50))

        assert "sports-00" not in series_of(found.items)

    def test_an_unknown_age_limit_is_not_none(self) -> None:
        Series.objects.filter(pk="sports-00").update(age_rating="adult")

        found = recommend_for(RecommendationRequest(session_id="s", limit=50, max_age_rating="whatever"))

        assert "sports-00" not in series_of(found.items)

    def test_a_reason_does_not_name_what_the_reader_is_too_young_for(self) -> None:
        record_interactions([view("horror-00-EN-1", session_id="s")])

        found = recommend_for(RecommendationRequest(session_id="s", max_age_rating="teen", shelf="discover", limit=20))

        assert found.items
        assert not any("Horror" in item.reason or item.because for item in found.items)

    def test_disliked_is_not_recommended(self) -> None:
        top = recommend_for(ALICE).items[0]
        record_interactions([NewInteraction(customer_id="alice", asin=top.asin, type="rating", value=1)])

        assert top.series_id not in series_of(recommend_for(replace(ALICE, limit=50)).items)


asins = st.sampled_from(
    [f"{series_id(genre, n)}-EN-{volume}" for genre in GENRES for n in range(14) for volume in (1, 2)]
)


@pytest.mark.usefixtures("trained")
@hypothesis_settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    owned=st.sets(asins, max_size=20),
    viewed=st.lists(asins, max_size=8),
    sold_out=st.sets(asins, max_size=60),
    adult=st.sets(st.integers(0, 13), max_size=8),
    request_=st.builds(
        RecommendationRequest,
        customer_id=st.just("alice"),
        series_id=st.sampled_from(["", "horror-00", "romance-05", "nothing"]),
        genres=st.sampled_from([(), ("horror",), ("romance",)]),
        exclude_genres=st.sampled_from([(), ("horror",), ("sports",)]),
        exclude_series=st.sets(st.sampled_from(["horror-01", "sports-02"])).map(tuple),
        language=st.sampled_from(["", "en", "ja"]),
        max_age_rating=st.sampled_from(AGE_RATINGS),
        limit=st.integers(1, 20),
        shelf=st.sampled_from(["", "continue", "discover", "popular"]),
    ),
)
def test_no_mask_ever_leaks(
    owned: set[str], viewed: list[str], sold_out: set[str], adult: set[int], request_: RecommendationRequest
) -> None:
    """Owned, sold out, too old, excluded, wrong language: never, whatever is asked; one per series; no more than asked."""
    Order.objects.filter(customer_id="alice").delete()
    Series.objects.filter(id__startswith="sports").update(age_rating="teen")
    Offer.objects.update(stock=9)
    buys("alice", *owned)
    record_interactions([view(asin, customer_id="alice", days=day) for day, asin in enumerate(viewed)])
    Offer.objects.filter(pk__in=sold_out).update(stock=0)
    Series.objects.filter(pk__in=[series_id("sports", number) for number in adult]).update(age_rating="adult")

    found = recommend_for(request_)

    assert len(found.items) <= request_.limit
    for items in (found.items, *(each.items for each in found.shelves)):
        assert len(set(series_of(items))) == len(items) <= request_.limit
    shown = {item.asin for each in found.shelves for item in each.items} | {item.asin for item in found.items}
    assert not shown & owned
    assert not shown & sold_out
    limit = AGE_RATINGS.index(request_.max_age_rating)
    for row in Edition.objects.filter(pk__in=shown).select_related("series"):
        assert AGE_RATINGS.index(row.age_rating) <= limit
        assert AGE_RATINGS.index(row.series.age_rating) <= limit
        assert row.series_id not in request_.exclude_series
        assert not request_.genres or set(request_.genres) <= set(row.series.genres)
        assert not set(request_.exclude_genres) & set(row.series.genres)
    new = {item.asin for item in found.items if item.engine != "continue"}
    owned_series = {asin.rsplit("-EN-", 1)[0] for asin in owned}
    for row in Edition.objects.filter(pk__in=new):
        assert row.language == (request_.language or row.language)
        assert row.series_id not in owned_series


@pytest.mark.usefixtures("committed_trained")
def test_a_history_of_a_hundred_thousand_is_answered_from_its_newest() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO recommendations_interaction
                (customer_id, session_id, asin, series_id, type, at, content_key, recommendation_id)
            WITH RECURSIVE counted(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < 100000)
            SELECT 'robot', '', 'x', 'romance-' || CASE WHEN n %% 14 < 10 THEN '0' ELSE '' END || (n %% 14), 'view',
                %s, n, '' FROM counted
            """,
            [START + timedelta(days=200)],
        )
    record_interactions([view("horror-03-EN-1", customer_id="robot", days=210)])

    with CaptureQueriesContext(connection) as queries:
        found = recommend_for(RecommendationRequest(customer_id="robot", limit=10))

    assert found.engine == "ease"
    assert found.items[0].because
    assert "horror-03" not in series_of(found.items)
    assert [each["sql"] for each in queries if "LIMIT 500" in each["sql"]]
