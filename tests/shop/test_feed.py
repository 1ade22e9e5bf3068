"""The feed takes what is good, says of each bad line why, and changes nothing the second time."""

from datetime import date

import orjson
import pytest
from django.db import IntegrityError

from shop import feed
from shop.feed import BATCH_LINES, LONGEST_LINE_BYTES, FeedKind, ImportReport, Upserted, import_feed
from shop.models import Edition, Offer, Order, Promotion, Series, SeriesRelation
from tests.shop.catalogue import edition, import_lines, offer, small_catalogue

pytestmark = pytest.mark.usefixtures("catalogue")


def import_bytes(*lines: bytes) -> tuple[ImportReport, list[tuple[int, str]]]:
    rejected: list[tuple[int, str]] = []
    report = import_feed(lines, reject=lambda number, reason, raw: rejected.append((number, reason)))
    return report, rejected


def test_importing_the_same_file_again_changes_nothing():
    before = {model: list(model.objects.order_by("pk").values()) for model in (Series, Edition, Offer, Order)}
    report, rejected = import_lines(small_catalogue())
    assert (report.changed, report.rejected, rejected) == (0, 0, [])
    assert report.taken == len(small_catalogue())
    assert before == {model: list(model.objects.order_by("pk").values()) for model in before}


def test_upsert_by_id_keeps_what_others_refer_to():
    import_lines([{"kind": "series", "id": "berserk", "title": "Berserk (new)"}])
    assert Series.objects.get(pk="berserk").title == "Berserk (new)"
    assert Edition.objects.filter(series="berserk").count() == 10


def test_references_may_come_later_in_the_file():
    lines = [
        offer("PLUTO-1", "12.99", 3),
        edition("PLUTO-1", "pluto", "Pluto, Vol. 1", [1]),
        {"kind": "series", "id": "pluto", "title": "Pluto"},
    ]
    report, rejected = import_lines(lines)
    assert (report.changed, rejected) == (3, [])
    assert Offer.objects.get(pk="PLUTO-1").stock == 3


def test_references_may_come_later_than_a_batch():
    filler = [edition(f"FILL-{n}", "berserk", f"Filler {n}", []) for n in range(BATCH_LINES)]
    lines = [
        offer("PLUTO-1", "12.99", 3),
        edition("PLUTO-1", "pluto", "Pluto, Vol. 1", [1]),
        *filler,
        {"kind": "series", "id": "pluto", "title": "Pluto"},
    ]
    report, rejected = import_lines(lines)
    assert (report.changed, rejected) == (len(lines), [])
    assert Offer.objects.filter(pk="PLUTO-1").exists()


def test_the_later_of_two_lines_counts_even_when_the_earlier_had_to_wait():
    filler = [edition(f"FILL-{n}", "berserk", f"Filler {n}", []) for n in range(BATCH_LINES)]
    lines = [
        offer("LATE-1", "1.00", 1),
        *filler,
        edition("LATE-1", "berserk", "Late", []),
        offer("LATE-1", "2.00", 2),
    ]
    import_lines(lines)
    assert str(Offer.objects.get(pk="LATE-1").price) == "2.00"


def test_of_two_lines_with_one_id_the_later_counts():
    import_lines([offer("BERSERK-EN-1", "1.00", 1), offer("BERSERK-EN-1", "2.00", 2)])
    assert str(Offer.objects.get(pk="BERSERK-EN-1").price) == "2.00"


def test_what_stays_dangling_is_rejected_with_its_reason():
    report, rejected = import_lines(
        [
            offer("NOWHERE", "1.00", 1),
            edition("LOST", "no-such-series", "Lost", [1]),
            offer("LOST", "1.00", 1),
            offer("BERSERK-EN-1", "15.99", 9),
        ]
    )
    assert sorted(rejected) == [
        (1, "edition 'NOWHERE' is unknown"),
        (2, "series 'no-such-series' is unknown"),
        (3, "edition 'LOST' is unknown"),
    ]
    assert (report.changed, report.rejected) == (1, 3)
    assert not Edition.objects.filter(pk="LOST").exists()


def test_a_series_is_in_even_if_its_relation_dangles():
    report, [(number, reason)] = import_lines(
        [{"kind": "series", "id": "new", "title": "New", "relations": [{"to": "nobody", "type": "sequel"}]}]
    )
    assert (number, "nobody" in reason, report.rejected) == (1, True, 1)
    assert Series.objects.filter(pk="new").exists()


def test_relations_follow_the_feed():
    assert set(SeriesRelation.objects.values_list("series_id", "type", "to_id")) == {
        ("tokyo-ghoul", "sequel", "tokyo-ghoul-re"),
        ("tokyo-ghoul-re", "prequel", "tokyo-ghoul"),
    }
    import_lines([{"kind": "series", "id": "tokyo-ghoul", "title": "Tokyo Ghoul"}])
    assert not SeriesRelation.objects.filter(series="tokyo-ghoul").exists()


def test_unknown_fields_are_ignored():
    report, rejected = import_lines([offer("BERSERK-EN-1", "15.99", 9, colour="red")])
    assert (report.changed, rejected) == (1, [])


def test_an_order_keeps_its_lines_in_order():
    order = {
        "kind": "order",
        "id": "MA-7",
        "customer_id": "alice",
        "status": "shipped",
        "placed_at": "2026-11-01T00:00:00Z",
    }
    import_lines([order | {"lines": [{"asin": "BERSERK-EN-2"}, {"asin": "BERSERK-EN-1", "quantity": 3}]}])
    assert list(Order.objects.get(pk="MA-7").lines.values_list("edition_id", "quantity")) == [
        ("BERSERK-EN-2", 1),
        ("BERSERK-EN-1", 3),
    ]


SERIES = {"kind": "series", "id": "x", "title": "X"}
EDITION = {"kind": "edition", "asin": "X-1", "series": "berserk", "title": "X", "format": "paperback", "language": "en"}
OFFER = {"kind": "offer", "asin": "BERSERK-EN-1", "price": "9.99", "currency": "USD", "stock": 1}
PROMOTION = {
    "kind": "promotion",
    "id": "p",
    "title": "P",
    "percent_off": 5,
    "starts": "2026-01-01",
    "ends": "2026-02-01",
}
ORDER = {"kind": "order", "id": "o", "customer_id": "c", "status": "shipped", "placed_at": "2026-01-01T00:00:00Z"}


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ({"kind": "spaceship"}, "kind"),
        ({"kind": None}, "kind"),
        ({"kind": ["series"]}, "kind"),
        ({"id": "x"}, "kind"),
        (SERIES | {"id": ""}, "id"),
        (SERIES | {"id": "a/b"}, "id"),
        (SERIES | {"id": "x" * 65}, "id"),
        ({"kind": "series", "id": "x"}, "title"),
        (SERIES | {"title": 5}, "title"),
        (SERIES | {"title": "x" * 201}, "title"),
        (SERIES | {"aliases": "one"}, "aliases"),
        (SERIES | {"aliases": [1]}, "aliases"),
        (SERIES | {"status": "resting"}, "status"),
        (SERIES | {"age_rating": "12+"}, "age_rating"),
        (SERIES | {"volume_count": -1}, "volume_count"),
        (SERIES | {"volume_count": True}, "volume_count"),
        (SERIES | {"volume_count": 2**63}, "volume_count"),
        (SERIES | {"relations": [{"to": "y", "type": "cousin"}]}, "type"),
        (SERIES | {"relations": ["y"]}, "relations"),
        (EDITION | {"asin": "x" * 33}, "asin"),
        (EDITION | {"asin": "a b"}, "asin"),
        (EDITION | {"format": "scroll"}, "format"),
        (EDITION | {"volumes": [1, "2"]}, "volumes"),
        (EDITION | {"volumes": 1}, "volumes"),
        (EDITION | {"release_date": "2003-13-01"}, "release_date"),
        (EDITION | {"release_date": "22.10.2003"}, "release_date"),
        (EDITION | {"release_date": "2003-10-22Tea"}, "release_date"),
        (EDITION | {"rating": 6}, "rating"),
        (EDITION | {"rating": "4"}, "rating"),
        (EDITION | {"in_print": "yes"}, "in_print"),
        (EDITION | {"isbn13": "123"}, "isbn13"),
        (OFFER | {"price": 9.99}, "price"),
        (OFFER | {"price": 9}, "price"),
        (OFFER | {"price": "NaN"}, "price"),
        (OFFER | {"price": "Infinity"}, "price"),
        (OFFER | {"price": "1e5"}, "price"),
        (OFFER | {"price": "-1.00"}, "price"),
        (OFFER | {"price": "9.999"}, "price"),
        (OFFER | {"price": "٣.٠٠"}, "price"),
        (OFFER | {"price": "12345678901.00"}, "price"),
        (OFFER | {"price": None}, "price"),
        (OFFER | {"currency": "usd"}, "currency"),
        (OFFER | {"stock": -1}, "stock"),
        (OFFER | {"stock": 1.5}, "stock"),
        (PROMOTION | {"percent_off": 0}, "percent_off"),
        (PROMOTION | {"percent_off": 101}, "percent_off"),
        (PROMOTION | {"ends": "2025-01-01"}, "ends"),
        (PROMOTION | {"starts": "soon"}, "starts"),
        (PROMOTION | {"titles": ["春"]}, "titles"),
        (PROMOTION | {"titles": {"日本語": "春"}}, "titles"),
        (PROMOTION | {"titles": {"ja": ""}}, "titles"),
        (PROMOTION | {"titles": {"ja": 5}}, "titles"),
        (PROMOTION | {"titles": {"ja": "春" * 201}}, "titles"),
        (PROMOTION | {"titles": {"ja": "\x00"}}, "titles"),
        (ORDER | {"status": "lost"}, "status"),
        (ORDER | {"placed_at": None}, "placed_at"),
        (ORDER | {"placed_at": "0001-01-01T00:00:00+14:00"}, "placed_at"),
        (ORDER | {"lines": [{"asin": "BERSERK-EN-1", "quantity": 0}]}, "quantity"),
    ],
)
def test_a_bad_line_is_refused_by_its_field_and_the_good_ones_are_in(line, named):
    good = offer("BERSERK-EN-2", "77.77", 7)
    report, rejected = import_lines([line, good])
    assert [number for number, _ in rejected] == [1]
    assert named in rejected[0][1]
    assert (report.changed, report.rejected) == (1, 1)
    assert str(Offer.objects.get(pk="BERSERK-EN-2").price) == "77.77"


@pytest.mark.parametrize(
    "raw",
    [
        b"not json",
        b'{"kind":"series"',
        b"[]",
        b'"series"',
        b"null",
        b'{"kind":"offer","asin":"BERSERK-EN-1","price":NaN}',
        b'{"kind":"series","id":"x","title":"\xff\xfe"}',
        b'{"kind":"series","id":"x","title":"\\ud800"}',
        b"[" * 100_000,
        b'{"kind":"series","id":"x","title":"X","description":"' + b"x" * LONGEST_LINE_BYTES + b'"}',
    ],
    ids=["text", "cut", "list", "string", "null", "nan", "utf8", "surrogate", "deep", "huge"],
)
def test_a_line_that_is_no_object_is_refused(raw):
    report, rejected = import_bytes(raw, orjson.dumps(offer("BERSERK-EN-2", "77.77", 7)))
    assert [number for number, _ in rejected] == [1]
    assert report.changed == 1


def test_a_byte_order_mark_and_empty_lines_are_no_fault():
    report, rejected = import_bytes(
        b"\xef\xbb\xbf" + orjson.dumps(offer("BERSERK-EN-1", "1.00", 1)) + b"\r\n", b"\n", b"  \n"
    )
    assert (report.changed, rejected) == (1, [])


def test_nul_characters_never_reach_the_database():
    import_lines([SERIES | {"title": "X\x00Y", "aliases": ["a\x00b"], "genres": ["\x00"]}])
    series = Series.objects.get(pk="x")
    assert (series.title, series.aliases, series.genres) == ("XY", ["ab"], [])


def test_an_edition_without_an_age_rating_has_its_series():
    """Otherwise the age gate would let a mature series' editions through."""
    import_lines([edition("BERSERK-NEW", "berserk", "Berserk", [])])
    assert Edition.objects.get(pk="BERSERK-NEW").age_rating == "mature"


def test_stock_may_be_unlimited_and_volumes_empty():
    import_lines([edition("ART-1", "berserk", "The art of Berserk", []), offer("ART-1", "30.00", None)])
    assert Edition.objects.get(pk="ART-1").first_volume is None
    assert Offer.objects.get(pk="ART-1").stock is None


def test_money_stays_exact():
    import_lines([offer("BERSERK-EN-1", "9999999999.99", 1), offer("BERSERK-EN-2", "0.10", 1)])
    assert str(Offer.objects.get(pk="BERSERK-EN-1").price) == "9999999999.99"
    assert str(Offer.objects.get(pk="BERSERK-EN-2").price) == "0.10"


def test_promotions_cover_what_the_feed_says():
    import_lines([PROMOTION | {"series": ["berserk"], "asins": ["ONE-PIECE-EN-1"]}])
    promotion = Promotion.objects.get(pk="p")
    assert (promotion.series, promotion.asins, promotion.percent_off) == (["berserk"], ["ONE-PIECE-EN-1"], 5)


@pytest.mark.parametrize(
    ("titles", "kept"),
    [({"ja": " 春のセール ", "fr": "Le printemps"}, {"ja": "春のセール", "fr": "Le printemps"}), (None, {})],
)
def test_a_promotion_may_have_titles_by_language(titles, kept):
    import_lines([PROMOTION | {"titles": titles}])
    promotion = Promotion.objects.get(pk="p")
    assert (promotion.title, promotion.titles) == ("P", kept)
    again, _ = import_lines([PROMOTION | {"titles": titles}])
    assert again.unchanged == 1


def test_every_line_is_accounted_for():
    lines = [*small_catalogue(), offer("BERSERK-EN-1", "1.00", 1), offer("NOWHERE", "1.00", 1), {"kind": "?"}]
    report, rejected = import_lines(lines)
    assert (report.taken, report.rejected) == (len(lines) - 2, 2)
    assert len(rejected) == 2


def test_what_only_the_database_refuses_costs_that_line_alone(monkeypatch):
    def upsert(rows):
        if any(row.id == "bad" for row in rows):
            raise IntegrityError("no")
        return Upserted(changed=len(rows))

    brittle = FeedKind("brittle", 9, lambda line: (line["id"], {}), upsert)
    monkeypatch.setitem(feed._kinds, "brittle", brittle)
    report, rejected = import_lines(
        [{"kind": "brittle", "id": "bad"}, {"kind": "brittle", "id": "good"}, offer("BERSERK-EN-1", "1.00", 1)]
    )
    assert (report.changed, rejected) == (2, [(1, "the database refuses it: no")])


def test_a_batch_costs_few_queries(django_assert_max_num_queries):
    lines = [edition(f"MANY-{n}", "berserk", f"Many {n}", [n]) for n in range(1, 301)]
    with django_assert_max_num_queries(40):
        import_lines(lines)


def test_progress_tells_how_far_it_is():
    told: list[int] = []
    lines = [orjson.dumps(edition(f"MANY-{n}", "berserk", f"Many {n}", [])) for n in range(BATCH_LINES * 2 + 5)]
    import_feed(lines, reject=lambda *bad: None, progress=lambda done, report: told.append(done))
    assert told == [BATCH_LINES, BATCH_LINES * 2]


def moved(asin: str, day: str, **more: int) -> tuple[ImportReport, list[tuple[int, str]]]:
    return import_lines([edition(asin, "berserk", "Berserk, Vol. 99", [99], release_date=day, **more)])


def test_a_release_that_is_moved_keeps_the_day_it_was_announced_for():
    moved("SLIP-1", "2099-03-01")
    moved("SLIP-1", "2099-06-15")
    slipped = Edition.objects.get(pk="SLIP-1")
    assert (slipped.release_date, slipped.former_release_date) == (date(2099, 6, 15), date(2099, 3, 1))
    report, _ = moved("SLIP-1", "2099-06-15")
    assert report.changed == 0, "the same file again changes nothing"
    moved("SLIP-1", "2099-06-15", pages=200)
    assert Edition.objects.get(pk="SLIP-1").former_release_date == date(2099, 3, 1)


def test_the_day_of_a_book_that_is_out_is_corrected_and_not_moved():
    moved("OUT-1", "2003-10-22")
    moved("OUT-1", "2003-10-23")
    assert Edition.objects.get(pk="OUT-1").former_release_date is None


def test_whatever_way_a_release_is_moved_its_former_day_is_kept():
    moved("SLIP-1", "2099-03-01")
    moved("SLIP-2", "2099-04-01")
    Edition.objects.filter(pk__startswith="SLIP-").update(release_date=date(2099, 9, 1))
    assert list(Edition.objects.filter(pk__startswith="SLIP-").values_list("former_release_date", flat=True)) == [
        date(2099, 3, 1),
        date(2099, 4, 1),
    ]
    one = Edition.objects.get(pk="SLIP-1")
    one.release_date = date(2099, 12, 1)
    one.save()
    one.refresh_from_db()
    assert one.former_release_date == date(2099, 9, 1)
