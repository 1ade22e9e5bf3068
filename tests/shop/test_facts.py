"""Facts are what may be cached: never a price, never a stock level."""

import dataclasses
from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from caching.behind import behind
from mangaassist.redis import sync_client
from shop.facts import ProductFacts, SeriesFacts, aproduct_facts, load_product_facts, load_series_facts, product_facts
from shop.models import Promotion
from shop.promotions import active_promotions, promotions_for


def test_an_edition(catalogue):
    facts = load_product_facts(["BERSERK-EN-1"])["BERSERK-EN-1"]
    assert (facts.series, facts.native_series, facts.authors) == ("Berserk", "ベルセルク", ("Kentaro Miura",))
    assert (facts.volume, facts.volumes) == (1, (1,))
    assert (facts.url, facts.cover_url) == ("/products/BERSERK-EN-1/", "/covers/BERSERK-EN-1.svg")


def test_a_collection_has_volumes_and_no_single_one(catalogue):
    facts = load_product_facts(["BERSERK-DX-1"])["BERSERK-DX-1"]
    assert (facts.volume, facts.volumes) == (None, (1, 2, 3))


def test_a_series_with_its_relations(catalogue, django_assert_num_queries):
    with django_assert_num_queries(2):
        found = load_series_facts(["tokyo-ghoul", "berserk", "no-such"])
    assert found["tokyo-ghoul"].relations == (("sequel", "tokyo-ghoul-re"),)
    assert set(found) == {"tokyo-ghoul", "berserk"}


def test_many_editions_cost_one_query_that_never_sees_an_offer(catalogue):
    with CaptureQueriesContext(
        connection,
    ) as queries:
        load_product_facts([f"BERSERK-EN-{volume}" for volume in range(1, 6)])
    [query] = queries.captured_queries
    assert "offer" not in query["sql"]
    assert "price" not in query["sql"]


def test_no_field_could_hold_a_price():
    names = {field.name for type in (ProductFacts, SeriesFacts) for field in dataclasses.fields(type)}
    assert not names & {"price", "list_price", "stock", "availability", "currency"}


def test_a_second_read_comes_from_the_cache(committed_catalogue, django_assert_num_queries):
    first = product_facts(["BERSERK-EN-1", "NOWHERE"])
    assert set(first) == {"BERSERK-EN-1"}
    behind.finish()
    assert sync_client("cache").exists("product:BERSERK-EN-1")
    with django_assert_num_queries(0):
        assert product_facts(["BERSERK-EN-1"]) == first


async def test_the_async_twin_says_the_same(committed_catalogue):
    assert set(await aproduct_facts(["BERSERK-EN-1", "BERSERK-EN-1", "NOWHERE"])) == {"BERSERK-EN-1"}


@pytest.mark.parametrize(("asin", "covered"), [("ONE-PIECE-EN-1", ["pirates"]), ("BERSERK-EN-1", [])])
def test_a_promotion_covers_its_series(catalogue, asin, covered):
    rules = promotions_for(load_product_facts([asin])[asin], active_promotions())
    assert [rule.id for rule in rules] == covered


@pytest.mark.parametrize(("language", "title"), [("en", "Pirate week"), ("ja", "海賊ウィーク"), ("fr", "Pirate week")])
def test_a_promotion_is_named_in_the_readers_language(catalogue, language, title):
    assert [rule.title_in(language) for rule in active_promotions()] == [title]


def test_promotions_begin_and_end_while_cached(committed_catalogue):
    active_promotions()
    Promotion.objects.create(
        pk="later",
        title="Later",
        percent_off=5,
        starts=datetime(2098, 1, 1, tzinfo=UTC),
        ends=datetime(2099, 1, 1, tzinfo=UTC),
    )
    Promotion.objects.create(
        pk="over",
        title="Over",
        percent_off=5,
        starts=datetime(2020, 1, 1, tzinfo=UTC),
        ends=datetime(2021, 1, 1, tzinfo=UTC),
    )
    assert [rule.id for rule in active_promotions()] == ["pirates"]
