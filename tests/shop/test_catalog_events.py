"""Catalogue events: each once, the newest counts, and whoever shows the product hears of it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from knowledge.models import Article
from mangaassist.outbox.models import OutboxMessage
from shop.catalog_events import IDS_KEPT, SLICE, CatalogEvent, Outcome, apply_events, purge
from shop.facts import load_product_facts
from shop.feed import import_feed
from shop.feed_records import TakenEvent
from shop.models import Edition, Offer, Order, Promotion, Series
from shop.offers import read_offers
from shop.promotions import active_promotions
from shop.search import search_editions
from shop.signals import catalog_changed
from tests.shop.catalogue import edition, import_lines, offer

pytestmark = pytest.mark.usefixtures("catalogue")
NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
_numbers = itertools.count()


def event(type: Any, data: dict[str, Any], minutes: int = 0, id: str = "") -> CatalogEvent:
    return CatalogEvent(id=id or f"e-{next(_numbers)}", type=type, at=NOON + timedelta(minutes=minutes), data=data)


def priced(price: str, minutes: int = 0, asin: str = "BERSERK-EN-1", id: str = "") -> CatalogEvent:
    return event("offer.updated", offer(asin, price, 3), minutes, id)


def apply(*events: CatalogEvent, source: str = "shop") -> list[str]:
    return [outcome.status for outcome in apply_events(source, events)]


def price() -> str:
    return str(Offer.objects.get(pk="BERSERK-EN-1").price)


@pytest.mark.django_db(transaction=True)
class TestSlices:
    """Many prices in one call are stored some at a time, so that others may write in between."""

    @pytest.fixture
    def told(self) -> Iterator[list[frozenset[str]]]:
        """The products of each transaction."""
        found: list[frozenset[str]] = []

        def hear(asins: frozenset[str], **_: Any) -> None:
            found.append(asins)

        catalog_changed.connect(hear)
        yield found
        catalog_changed.disconnect(hear)

    @pytest.fixture
    def events(self) -> list[CatalogEvent]:
        asins = [f"MANY-{number}" for number in range(2 * SLICE + 1)]
        import_lines(
            [edition(asin, "berserk", asin, [1]) for asin in asins] + [offer(asin, "5.00", 3) for asin in asins]
        )
        return [priced("9.99", asin=asin) for asin in asins]

    def test_offers_are_stored_slice_by_slice(self, events: list[CatalogEvent], told: list[frozenset[str]]) -> None:
        assert apply(*events) == ["taken"] * len(events)
        assert [len(asins) for asins in told] == [SLICE, SLICE, 1]

    def test_what_may_need_each_other_is_stored_together(
        self, events: list[CatalogEvent], told: list[frozenset[str]]
    ) -> None:
        new = event("product.updated", edition("NEW-1", "berserk", "New", [1]))
        assert apply(*events, priced("9.99", asin="NEW-1"), new) == ["taken"] * (len(events) + 2)
        assert len(told) == 1

    def test_an_id_counts_once_in_all_slices(self, events: list[CatalogEvent]) -> None:
        refused = event("offer.updated", offer("NOWHERE", "1.00", 1), id="r")
        again = event("offer.updated", offer("MANY-1", "1.00", 1), 1, id="r")
        assert apply(refused, *events, again) == ["rejected", *["taken"] * len(events), "duplicate"]

    def test_of_one_offer_the_newest_counts_in_whatever_slice_it_is(self, events: list[CatalogEvent]) -> None:
        late, newer = priced("1.11", -5), priced("2.22", 5)
        assert apply(priced("3.33"), newer, *events, late) == [*["taken"] * (len(events) + 2), "stale"]
        assert price() == "2.22"


class TestOnce:
    def test_an_event_sent_again_is_a_duplicate(self):
        once = priced("9.99", id="e")
        assert apply(once) == ["taken"]
        Offer.objects.filter(pk="BERSERK-EN-1").update(price="8.88")
        assert apply(once, once) == ["duplicate", "duplicate"]
        assert price() == "8.88"

    def test_of_one_id_in_one_call_the_first_counts(self):
        assert apply(priced("9.99", 1, id="e"), priced("8.88", 2, id="e")) == ["taken", "duplicate"]
        assert price() == "9.99"

    def test_ids_belong_to_their_sender(self):
        assert apply(priced("9.99", 1, id="e")) == ["taken"]
        assert apply(priced("8.88", 2, id="e"), source="another") == ["taken"]
        assert price() == "8.88"

    def test_what_was_rejected_may_be_sent_again(self):
        late = event("offer.updated", offer("PLUTO-1", "9.99", 1), id="e")
        assert apply(late) == ["rejected"]
        import_lines([edition("PLUTO-1", "berserk", "Pluto", [1])])
        assert apply(late) == ["taken"]

    def test_ids_are_forgotten_after_their_time_and_their_events_change_nothing_then(self):
        old = priced("9.99", 0, id="old")
        apply(old, priced("8.88", 1, id="new"))
        TakenEvent.objects.filter(event_id="old").update(taken_at=timezone.now() - IDS_KEPT - timedelta(seconds=1))
        assert purge(timezone.now()) == 1
        assert list(TakenEvent.objects.values_list("event_id", flat=True)) == ["new"]
        assert apply(old) == ["stale"]
        assert price() == "8.88"


class TestOrder:
    def test_the_newest_counts_in_whatever_order_they_come(self):
        assert apply(priced("3.00", 3)) == ["taken"]
        assert apply(priced("1.00", 1), priced("5.00", 5), priced("4.00", 4)) == ["stale", "taken", "stale"]
        assert price() == "5.00"

    def test_of_one_time_the_later_call_counts(self):
        apply(priced("3.00", 3))
        assert apply(priced("4.00", 3)) == ["taken"]
        assert price() == "4.00"

    def test_a_product_and_its_offer_have_times_of_their_own(self):
        apply(priced("3.00", 3))
        renamed = edition("BERSERK-EN-1", "berserk", "Berserk, the first", [1])
        assert apply(event("product.updated", renamed, 1)) == ["taken"]
        assert (price(), Edition.objects.get(pk="BERSERK-EN-1").title) == ("3.00", "Berserk, the first")

    @pytest.mark.parametrize("by_call", [True, False], ids=["a call each", "one call"])
    @pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
    def test_all_orders_come_to_the_same(self, order: tuple[int, ...], by_call: bool):
        told = [
            event("product.updated", edition("YOTSUBA-EB-1", "yotsuba", "One", [1]), 1),
            event("product.deleted", {"asin": "YOTSUBA-EB-1"}, 2),
            event("product.updated", edition("YOTSUBA-EB-1", "yotsuba", "Three", [1]), 3),
            priced("4.00", 1, "YOTSUBA-EB-1"),
        ]
        if by_call:
            for place in order:
                apply(told[place])
        else:
            apply(*(told[place] for place in order))
        assert Edition.objects.get(pk="YOTSUBA-EB-1").title == "Three"
        assert not Offer.objects.filter(pk="YOTSUBA-EB-1").exists()

    def test_where_the_newest_is_rejected_the_one_before_it_counts(self):
        lost = edition("BERSERK-EN-1", "no-such-series", "Lost", [1])
        kept = edition("BERSERK-EN-1", "berserk", "Kept", [1])
        sent = [event("product.updated", lost, 5), event("product.updated", kept, 4)]
        assert apply(*sent) == ["rejected", "taken"]
        assert Edition.objects.get(pk="BERSERK-EN-1").title == "Kept"

    def test_behind_ten_that_are_rejected_the_others_are_not_looked_at(self):
        lost = edition("BERSERK-EN-1", "no-such-series", "Lost", [1])
        kept = event("product.updated", edition("BERSERK-EN-1", "berserk", "Kept", [1]))
        outcomes = apply_events("shop", [kept, *(event("product.updated", lost, minute) for minute in range(1, 11))])
        assert [each.status for each in outcomes] == ["rejected"] * 11
        assert "send it again" in outcomes[0].reason
        # As anything that was rejected, it may be sent again under its id.
        assert apply(kept) == ["taken"]
        assert Edition.objects.get(pk="BERSERK-EN-1").title == "Kept"

    def test_a_clock_far_ahead_keeps_nobody_out(self):
        ahead = CatalogEvent(
            id="e", type="offer.updated", at=timezone.now() + timedelta(days=2), data=offer("BERSERK-EN-1", "1.00", 1)
        )
        assert apply(ahead) == ["rejected"]
        assert apply(priced("9.99")) == ["taken"]


class TestDeletion:
    def test_a_product_goes_with_its_offer_and_is_found_no_more(self):
        assert search_editions("Frieren 99")
        assert apply(event("product.deleted", {"asin": "FRIEREN-EN-99"})) == ["taken"]
        assert not Edition.objects.filter(pk="FRIEREN-EN-99").exists()
        assert not Offer.objects.filter(pk="FRIEREN-EN-99").exists()
        assert "FRIEREN-EN-99" not in [hit.asin for hit in search_editions("Frieren 99")]
        # Told once more, and of what never was, it is as good.
        assert apply(event("product.deleted", {"asin": "FRIEREN-EN-99"}, 1)) == ["taken"]
        assert apply(event("product.deleted", {"asin": "NEVER"})) == ["taken"]

    def test_a_series_goes_with_its_editions(self):
        assert apply(event("product.deleted", {"kind": "series", "id": "frieren"})) == ["taken"]
        assert not Edition.objects.filter(series="frieren").exists()

    def test_what_an_order_names_stays_whole(self):
        outcomes = apply_events(
            "shop",
            [event("product.deleted", {"asin": "BERSERK-EN-1"}), event("product.deleted", {"asin": "BERSERK-EN-3"})],
        )
        assert [each.status for each in outcomes] == ["rejected", "taken"]
        assert "in_print" in outcomes[0].reason
        assert Offer.objects.filter(pk="BERSERK-EN-1").exists()
        assert apply(event("offer.deleted", {"asin": "BERSERK-EN-1"})) == ["taken"]
        assert read_offers(["BERSERK-EN-1"]) == {}

    def test_promotions_and_articles_go_as_well(self):
        gone = [
            event("promotion.deleted", {"id": "pirates"}),
            event("article.deleted", {"id": "returns", "locale": "ja"}),
        ]
        assert apply(*gone) == ["taken", "taken"]
        assert not Promotion.objects.exists()
        assert list(Article.objects.filter(slug="returns").values_list("locale", flat=True)) == ["en"]


PROMOTION = {
    "kind": "promotion",
    "id": "spring",
    "title": "Spring",
    "percent_off": 10,
    "starts": "2026-01-01",
    "ends": "2099-01-01",
}
ARTICLE = {"kind": "article", "id": "hours", "locale": "en", "category": "shop", "question": "When?", "body": "9-17."}
ORDER = {"id": "MA-7", "customer_id": "alice", "status": "shipped", "placed_at": "2026-11-01T00:00:00Z"}


def test_every_kind_of_event_is_taken():
    sent = [
        event("product.updated", {"kind": "series", "id": "pluto", "title": "Pluto"}),
        event("product.updated", edition("PLUTO-1", "pluto", "Pluto, Vol. 1", [1])),
        event("offer.updated", offer("PLUTO-1", "12.99", 4)),
        event("promotion.updated", PROMOTION),
        event("article.updated", ARTICLE),
        event("order.updated", ORDER | {"lines": [{"asin": "PLUTO-1"}]}),
    ]
    # References may come in any order within a call.
    assert apply(*reversed(sent)) == ["taken"] * len(sent)
    assert Order.objects.get(pk="MA-7").lines.get().edition_id == "PLUTO-1"
    assert [hit.asin for hit in search_editions("pluto 1")] == ["PLUTO-1"]


def test_of_many_orders_each_gets_its_own_lines():
    orders = [
        ORDER | {"id": f"O-{n}", "lines": [{"asin": f"BERSERK-EN-{1 + n % 3}", "quantity": n}]} for n in (1, 2, 3)
    ]
    assert apply(*(event("order.updated", order) for order in orders)) == ["taken"] * 3
    moved = orders[1] | {"lines": [{"asin": "BERSERK-EN-1"}, {"asin": "BERSERK-EN-2", "quantity": 7}]}
    assert apply(event("order.updated", moved, 1)) == ["taken"]
    lines = {
        order.pk: list(order.lines.order_by("pk").values_list("edition_id", "quantity"))
        for order in Order.objects.filter(pk__startswith="O-")
    }
    assert lines == {
        "O-1": [("BERSERK-EN-2", 1)],
        "O-2": [("BERSERK-EN-1", 1), ("BERSERK-EN-2", 7)],
        "O-3": [("BERSERK-EN-1", 3)],
    }


@pytest.mark.parametrize(
    ("type", "data", "named"),
    [
        ("offer.updated", offer("NOWHERE", "1.00", 1), "NOWHERE"),
        ("offer.updated", {"asin": "BERSERK-EN-1"}, "currency"),
        ("offer.updated", offer("BERSERK-EN-1", "-1", 1), "price"),
        ("offer.updated", {"kind": "edition"}, "kind"),
        ("offer.updated", {"kind": ["offer"]}, "kind"),
        ("product.updated", edition("X", "no-such-series", "X", [1]), "no-such-series"),
        ("product.updated", {}, "asin"),
        ("product.deleted", {}, "asin"),
        ("product.deleted", {"asin": "../x"}, "asin"),
        ("promotion.updated", PROMOTION | {"percent_off": 99}, "percent_off"),
        ("order.updated", ORDER | {"lines": [{"asin": "NOWHERE"}]}, "NOWHERE"),
        ("article.updated", ARTICLE | {"locale": "xx"}, "locale"),
    ],
)
def test_what_is_wrong_is_rejected_with_its_reason_and_nothing_else(type: str, data: dict[str, Any], named: str):
    good = priced("9.99")
    bad, taken = apply_events("shop", [event(type, data), good])
    assert (bad.status, taken.status) == ("rejected", "taken")
    assert named in bad.reason
    assert price() == "9.99"


def test_a_series_is_in_though_what_it_relates_to_is_unknown():
    new = {"kind": "series", "id": "new", "title": "New", "relations": [{"to": "nobody", "type": "sequel"}]}
    assert apply_events("shop", [event("product.updated", new)]) == [
        Outcome("taken", "related series 'nobody' is unknown")
    ]
    assert Series.objects.get(pk="new").title == "New"


class TestWhoHears:
    @pytest.fixture
    def heard(self):
        told: list[dict[str, Any]] = []

        def hear(**kwargs: Any) -> None:
            told.append(kwargs)

        catalog_changed.connect(hear, weak=False)
        yield told
        catalog_changed.disconnect(hear)

    def test_one_call_is_told_once_and_facts_are_read_anew(self, django_capture_on_commit_callbacks, heard):
        assert load_product_facts(["BERSERK-EN-1"])["BERSERK-EN-1"].title == "Berserk, Vol. 1"
        with django_capture_on_commit_callbacks(execute=True):
            apply(
                event("product.updated", edition("BERSERK-EN-1", "berserk", "New words", [1])),
                priced("9.99", asin="BERSERK-EN-2"),
            )
        assert load_product_facts(["BERSERK-EN-1"])["BERSERK-EN-1"].title == "New words"
        (told,) = heard
        assert {"BERSERK-EN-1", "BERSERK-EN-2"} <= told["asins"]

    def test_a_promotion_leaves_the_category_that_it_was_in(self, django_capture_on_commit_callbacks):
        def titles(category: str) -> set[str]:
            return {rule.title for rule in active_promotions(category)}

        with django_capture_on_commit_callbacks(execute=True):
            apply(event("promotion.updated", PROMOTION | {"category": "novels"}))
        assert "Spring" in titles("novels")
        assert "Spring" not in titles("manga")
        with django_capture_on_commit_callbacks(execute=True):
            apply(event("promotion.updated", PROMOTION | {"category": "manga"}, 1))
        assert "Spring" not in titles("novels")
        assert "Spring" in titles("manga")

    def test_the_series_that_an_edition_leaves_hears_of_it(self, django_capture_on_commit_callbacks, heard):
        with django_capture_on_commit_callbacks(execute=True):
            apply(event("product.updated", edition("BERSERK-EN-2", "yotsuba", "Another's", [2])))
        (told,) = heard
        assert {"berserk", "yotsuba"} <= told["series"]

    def test_a_new_description_is_read_into_the_help_and_a_price_is_not(self):
        def requests() -> int:
            return OutboxMessage.objects.filter(topic__contains="reindex").count()

        before = requests()
        apply(priced("9.99"))
        assert requests() == before
        apply(event("product.updated", edition("BERSERK-EN-1", "berserk", "New words", [1], description="New.")))
        assert requests() > before

    def test_what_changes_nothing_is_heard_by_nobody(self, django_capture_on_commit_callbacks, heard):
        apply(priced("9.99", 2))
        heard.clear()
        with django_capture_on_commit_callbacks(execute=True):
            assert apply(priced("1.00", 1), priced("9.99", 3)) == ["stale", "taken"]
        assert heard == []


class TestBesideFeeds:
    """An uploaded feed counts as of the time it came."""

    def feed(self, as_of: int, price: str) -> None:
        import_feed(
            [b'{"kind":"offer","asin":"BERSERK-EN-1","price":"%s","currency":"USD","stock":1}' % price.encode()],
            reject=lambda *bad: None,
            as_of=NOON + timedelta(minutes=as_of),
        )

    def test_it_does_not_undo_what_an_event_told_later(self):
        apply(priced("2.00", 2))
        self.feed(1, "1.00")
        assert price() == "2.00"

    def test_an_older_event_does_not_undo_it(self):
        self.feed(2, "2.00")
        assert apply(priced("1.00", 1)) == ["stale"]
        assert apply(priced("3.00", 3)) == ["taken"]
        assert price() == "3.00"
