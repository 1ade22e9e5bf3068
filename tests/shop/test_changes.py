"""However the catalogue is changed, one ``catalog_changed`` tells it after the commit, and caches follow."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from shop.facts import product_facts
from shop.models import Edition, Offer, Promotion, Series
from shop.promotions import active_promotions
from shop.search import search_editions, search_series
from shop.signals import catalog_changed
from tests.shop.catalogue import import_lines, small_catalogue

pytestmark = pytest.mark.usefixtures("committed_catalogue")


@pytest.fixture
def heard():
    """Every ``catalog_changed`` as (asins, series, fields)."""
    calls = []

    def listen(sender, asins, series, fields, **kwargs):
        calls.append((set(asins), set(series), set(fields)))

    catalog_changed.connect(listen)
    yield calls
    catalog_changed.disconnect(listen)


def test_one_signal_tells_all_of_a_transaction(heard):
    with transaction.atomic():
        Edition.objects.get(pk="BERSERK-EN-1").save()
        Edition.objects.filter(pk="BERSERK-EN-2").update(rating=4.5)
        series = Series.objects.get(pk="one-piece")
        series.title = "One Piece!"
        series.save()
        assert heard == []
    [(asins, series_ids, _)] = heard
    assert {"BERSERK-EN-1", "BERSERK-EN-2"} <= asins
    assert {"berserk", "one-piece"} <= series_ids


def test_a_rolled_back_change_is_never_told(heard):
    with transaction.atomic():
        Edition.objects.filter(pk="BERSERK-EN-1").update(rating=1)
        transaction.set_rollback(True)
    with transaction.atomic():
        Edition.objects.filter(pk="BERSERK-EN-2").update(rating=2)
    assert [asins for asins, _, _ in heard] == [{"BERSERK-EN-2"}]


def test_a_rolled_back_savepoint_is_not_told_with_the_rest(heard):
    with transaction.atomic():
        Edition.objects.filter(pk="BERSERK-EN-1").update(rating=1)
        with transaction.atomic():
            Edition.objects.filter(pk="BERSERK-EN-3").update(rating=3)
            transaction.set_rollback(True)
        Edition.objects.filter(pk="BERSERK-EN-2").update(rating=2)
    assert [asins for asins, _, _ in heard] == [{"BERSERK-EN-1", "BERSERK-EN-2"}]


def _bulk_update():
    edition = Edition.objects.get(pk="BERSERK-EN-1")
    edition.rating = 3.3
    Edition.objects.bulk_update([edition], ["rating"])


WAYS: dict[str, Callable[[], object]] = {
    "save": lambda: Edition.objects.get(pk="BERSERK-EN-1").save(),
    "update": lambda: Edition.objects.filter(pk="BERSERK-EN-1").update(rating=3.3),
    "bulk_update": _bulk_update,
    "delete of a row": lambda: Edition.objects.get(pk="BERSERK-EN-5").delete(),
    "delete of rows": lambda: Edition.objects.filter(pk="BERSERK-EN-5").delete(),
    "bulk_create": lambda: Edition.objects.bulk_create([Edition(pk="NEW-1", series_id="berserk", title="New")]),
    "import": lambda: import_lines(
        [{"kind": "edition", "asin": "NEW-2", "series": "berserk", "title": "Berserk again", "language": "en"}]
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_no_way_around_the_signal(way, heard):
    WAYS[way]()
    [(asins, series, _)] = heard
    assert asins & {"BERSERK-EN-1", "BERSERK-EN-5", "NEW-1", "NEW-2"}
    assert series <= {"berserk"}


def test_prices_and_stock_are_named_as_such(heard):
    Offer.objects.filter(pk="BERSERK-EN-1").update(stock=1)
    offer = Offer.objects.get(pk="BERSERK-EN-1")
    offer.price = "9.99"
    offer.save()
    assert [fields <= {"price", "stock"} for _, _, fields in heard] == [True, True]


def test_importing_the_same_again_tells_nothing(heard):
    report, rejected = import_lines(small_catalogue())
    assert (report.changed, rejected, heard) == (0, [], [])


def test_facts_are_fresh_after_an_edition_changes():
    product_facts(["BERSERK-EN-1"])
    Edition.objects.filter(pk="BERSERK-EN-1").update(title="Berserk, Vol. I")
    assert product_facts(["BERSERK-EN-1"])["BERSERK-EN-1"].title == "Berserk, Vol. I"


def test_facts_of_editions_are_fresh_after_their_series_changes():
    product_facts(["BERSERK-EN-1"])
    series = Series.objects.get(pk="berserk")
    series.authors = ["Kentaro Miura", "Studio Gaga"]
    series.save()
    assert product_facts(["BERSERK-EN-1"])["BERSERK-EN-1"].authors == ("Kentaro Miura", "Studio Gaga")


def test_promotions_are_fresh_however_they_change():
    assert [rule.id for rule in active_promotions()] == ["pirates"]
    Promotion.objects.filter(pk="pirates").update(title="Pirate month")
    assert [rule.title for rule in active_promotions()] == ["Pirate month"]
    Promotion.objects.bulk_create(
        [
            Promotion(
                pk="all", title="All", percent_off=5, starts=datetime(2025, 1, 1, tzinfo=UTC),
                ends=datetime(2099, 1, 1, tzinfo=UTC),
            )
        ]
    )  # fmt: skip
    assert {rule.id for rule in active_promotions()} == {"pirates", "all"}
    Promotion.objects.get(pk="all").delete()
    assert [rule.id for rule in active_promotions()] == ["pirates"]


def test_a_cached_promotion_starts_and_ends_by_the_clock(monkeypatch):
    begins = timezone.now() + timedelta(minutes=1)
    Promotion.objects.filter(pk="pirates").update(starts=begins, ends=begins + timedelta(minutes=1))
    assert active_promotions() == []
    computed: list[str] = []
    monkeypatch.setattr("shop.promotions._load", computed.append)
    for minutes, running in ((1.5, ["pirates"]), (2.5, [])):
        at = begins + timedelta(minutes=minutes - 1)
        monkeypatch.setattr("shop.promotions.timezone.now", lambda at=at: at)
        assert [rule.id for rule in active_promotions()] == running
    assert computed == []


def test_search_follows_a_save():
    series = Series.objects.get(pk="berserk")
    series.description = "A chronicle of quinces."
    series.save()
    assert [hit.series_id for hit in search_series("quinces")] == ["berserk"]


def test_search_finds_what_was_created_in_bulk():
    Series.objects.bulk_create([Series(pk="planetes", title="Planetes", genres=["science fiction"])])
    assert [hit.series_id for hit in search_series("science fiction")] == ["planetes"]


def test_search_forgets_what_was_deleted():
    from shop import search_index

    Series.objects.get(pk="vinland-saga").delete()
    assert search_index.find(["vinland"], "series", 10, every_word=True) == []
    assert search_index.find(["vinland"], "edition", 10, every_word=True) == []
    assert search_editions("vinland saga") == []


def test_what_a_rolled_back_transaction_saw_is_never_cached():
    with transaction.atomic():
        Edition.objects.filter(pk="BERSERK-EN-1").update(title="Never committed")
        assert product_facts(["BERSERK-EN-1"])["BERSERK-EN-1"].title == "Never committed"
        transaction.set_rollback(True)
    assert product_facts(["BERSERK-EN-1"])["BERSERK-EN-1"].title == "Berserk, Vol. 1"


def test_promotions_of_any_category_are_fresh():
    promotion = Promotion.objects.get(pk="pirates")
    Promotion.objects.filter(pk="pirates").update(category="art books")
    assert [rule.title for rule in active_promotions("art books")] == ["Pirate week"]
    promotion.refresh_from_db()
    promotion.title = "Pirate art"
    promotion.save()
    assert [rule.title for rule in active_promotions("art books")] == ["Pirate art"]


def test_volumes_set_in_bulk_are_found_in_order():
    Edition.objects.bulk_create([Edition(pk="NEW-9", series_id="berserk", title="Berserk 9", volumes=[9])])
    assert Edition.objects.of_series("berserk").in_language("en").next_after(8) == Edition(pk="NEW-9")
    Edition.objects.filter(pk="NEW-9").update(volumes=[10])
    assert Edition.objects.of_series("berserk").in_language("en").next_after(9) == Edition(pk="NEW-9")
