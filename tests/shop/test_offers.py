"""Prices and stock are read at the moment they are shown, in one query, and kept nowhere."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import DatabaseError, InterfaceError
from django.db.backends.utils import CursorWrapper
from django.test import override_settings
from django.utils import timezone

from mangaassist.dbthreads import in_database
from mangaassist.redis import sync_client
from shop.backends.base import LiveOffer, OfferSource, OffersUnavailable, read_money
from shop.backends.database import availability_of
from shop.facts import product_facts
from shop.models import Edition, Offer
from shop.offers import Money, aread_offers, read_offers

TODAY = date(2026, 11, 23)


@pytest.mark.parametrize(
    ("stock", "release", "format", "found"),
    [
        (12, None, "paperback", "in_stock"),
        (6, None, "paperback", "in_stock"),
        (5, None, "paperback", "low_stock"),
        (1, None, "paperback", "low_stock"),
        (0, None, "paperback", "out_of_stock"),
        (None, None, "ebook", "in_stock"),
        (None, None, "paperback", "unknown"),
        (0, TODAY + timedelta(days=1), "paperback", "pre_order"),
        (50, TODAY + timedelta(days=1), "paperback", "pre_order"),
        (None, TODAY + timedelta(days=1), "ebook", "pre_order"),
        (12, TODAY, "paperback", "in_stock"),
    ],
)
def test_availability(stock, release, format, found):
    assert availability_of(stock, release, format, today=TODAY) == found


@override_settings(LOW_STOCK_AT=2)
def test_what_is_low_is_a_setting():
    assert availability_of(3, None, "paperback", today=TODAY) == "in_stock"


def test_one_read_for_many_and_unknown_ones_are_absent(catalogue, django_assert_num_queries):
    with django_assert_num_queries(1):
        found = read_offers(["BERSERK-EN-1", "BERSERK-EN-2", "BERSERK-JA-1", "YOTSUBA-EB-1", "NOWHERE"])
    assert set(found) == {"BERSERK-EN-1", "BERSERK-EN-2", "BERSERK-JA-1", "YOTSUBA-EB-1"}
    assert found["BERSERK-EN-1"].price == Money(Decimal("14.99"), "USD")
    assert found["BERSERK-EN-1"].list_price == Money(Decimal("16.99"), "USD")
    assert found["BERSERK-EN-2"].availability == "low_stock"
    assert found["BERSERK-JA-1"].price == Money(Decimal(748), "JPY")
    assert found["YOTSUBA-EB-1"].stock is None
    assert timezone.now() - found["BERSERK-EN-1"].read_at < timedelta(seconds=5)


def test_an_edition_without_an_offer_is_absent(catalogue):
    Offer.objects.filter(pk="BERSERK-EN-1").delete()
    assert read_offers(["BERSERK-EN-1"]) == {}


def test_every_read_sees_the_current_price_and_nothing_of_it_is_in_redis(committed_catalogue):
    product_facts(["BERSERK-EN-1"])
    for price in ("11.17", "12.27", "13.37"):
        Offer.objects.filter(pk="BERSERK-EN-1").update(price=price)
        assert read_offers(["BERSERK-EN-1"])["BERSERK-EN-1"].price == Money(Decimal(price), "USD")
    redis = sync_client("cache")
    values = [redis.get(key) or b"" for key in redis.keys("*") if redis.type(key) == b"string"]
    assert values
    assert not any(price in value for value in values for price in (b"11.17", b"12.27", b"13.37"))


async def test_the_async_twin_reads_live(committed_catalogue):
    assert (await aread_offers(["BERSERK-EN-4"]))["BERSERK-EN-4"].availability == "out_of_stock"
    assert await aread_offers([]) == {}


@pytest.mark.parametrize("fault", [DatabaseError, InterfaceError])
async def test_a_database_that_fails_is_said_so(committed_catalogue, monkeypatch, fault):
    def fail(*args: object, **kwargs: object) -> None:
        raise fault("away")

    with monkeypatch.context() as patch:
        patch.setattr(CursorWrapper, "execute", fail)
        with pytest.raises(OffersUnavailable):
            await in_database(read_offers, ["BERSERK-EN-1"])
        with pytest.raises(OffersUnavailable):
            await aread_offers(["BERSERK-EN-1"])


class HalfPrice(OfferSource):
    """A merchant's own source."""

    def __init__(self, currency: str) -> None:
        self.currency = currency

    def read(self, asins):
        money = Money(Decimal("1.50"), self.currency)
        return {
            asin: LiveOffer(
                asin=asin, price=money, list_price=None, stock=3, availability="low_stock", read_at=timezone.now()
            )
            for asin in asins
        }


@override_settings(OFFERS={"default": {"BACKEND": f"{__name__}.HalfPrice", "OPTIONS": {"currency": "EUR"}}})
def test_the_source_is_a_setting():
    assert read_offers(["ANY"])["ANY"].price == Money(Decimal("1.50"), "EUR")


@pytest.mark.parametrize(
    "body", [None, [], {}, {"amount": 1.5, "currency": "USD"}, {"amount": "NaN", "currency": "USD"},
             {"amount": "-1", "currency": "USD"}, {"amount": "1", "currency": "dollars"}, {"amount": "x", "currency": "USD"}],
)  # fmt: skip
def test_money_from_outside_is_checked(body):
    with pytest.raises(ValueError, match=r"money|amount"):
        read_money(body)


def test_next_volume(catalogue):
    english = Edition.objects.of_series("berserk").in_language("en").in_format("paperback").singles()
    assert [getattr(english.next_after(volume), "pk", None) for volume in (0, 2, 5)] == [
        "BERSERK-EN-1",
        "BERSERK-EN-3",
        None,
    ]
    assert Edition.objects.of_series("berserk").in_language("ja").singles().next_after(1) == Edition(pk="BERSERK-JA-2")


def test_the_age_gate_counts_up_to_its_limit(catalogue):
    found = set(Edition.objects.for_age("teen").values_list("series_id", flat=True))
    assert found == {"one-piece", "yotsuba", "frieren"}
