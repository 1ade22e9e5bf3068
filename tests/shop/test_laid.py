"""A shop that is laid again is the one that was imported."""

from __future__ import annotations

from typing import Any

import pytest
from django.core import serializers
from django.core.management import call_command
from django.db import connection

from knowledge.models import Article, Passage
from mangaassist.outbox.models import OutboxMessage
from mangaassist.redis import sync_client
from shop.models import Edition, Offer, Order, OrderLine, Promotion, Series, SeriesRelation, SeriesTerm
from shop.search import search_series
from tests.shop.catalogue import lay_small_catalogue, load_small_catalogue

pytestmark = pytest.mark.django_db(transaction=True)
# The import's own moment, and what the index was numbered.
MOMENTS = {"updated_at", "added_in"}


def stored() -> dict[str, Any]:
    models = (Series, SeriesTerm, SeriesRelation, Edition, Offer, Promotion, Order, OrderLine, Article, Passage)
    return {
        model.__name__: [
            {name: value for name, value in row["fields"].items() if name not in MOMENTS}
            for row in serializers.serialize("python", model.objects.order_by("pk"))
        ]
        for model in models
    }


def asked_for() -> tuple[set[str], list[Any]]:
    """Tags of what is to be forgotten, and what is to be read again."""
    rows = list(OutboxMessage.objects.order_by("created_at").values_list("topic", "payload"))
    tags = {tag for topic, payload in rows if topic == "cache.invalidate" for tag in payload["tags"]}
    return tags, [payload for topic, payload in rows if topic == "reindex"]


def cache_tags() -> set[bytes]:
    return set(sync_client("cache").scan_iter("cache:tag:*"))


def empty() -> None:
    call_command("flush", interactive=False, verbosity=0, inhibit_post_migrate=True)
    sync_client("cache").flushall()


def test_its_rows_its_deliveries_and_its_invalidations_are_the_imports() -> None:
    load_small_catalogue()
    imported = stored(), asked_for(), cache_tags()
    for _ in ("kept", "written again"):
        empty()
        lay_small_catalogue()
        assert (stored(), asked_for(), cache_tags()) == imported
        assert [hit.series_id for hit in search_series("pirates")] == ["one-piece"]
        assert Passage.objects.serving().count() == Article.objects.count() == 5


def test_where_something_is_already_it_is_imported() -> None:
    lay_small_catalogue()
    Offer.objects.filter(pk="BERSERK-EN-1").update(stock=1)
    Promotion.objects.all().delete()
    lay_small_catalogue()
    assert Offer.objects.get(pk="BERSERK-EN-1").stock == 12
    assert Promotion.objects.filter(pk="pirates").exists()


@pytest.mark.skipif("connection.vendor != 'sqlite'")
def test_its_dates_and_numbers_are_stored_as_the_import_stores_them() -> None:
    def types() -> list[Any]:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT typeof(price), typeof(updated_at), length(updated_at) > 18, updated_at LIKE '% %' FROM shop_offer"
            )
            return list(cursor.fetchall())

    load_small_catalogue()
    imported = types()
    for _ in ("kept", "written again"):
        empty()
        lay_small_catalogue()
        assert types() == imported
