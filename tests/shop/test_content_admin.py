"""Content for operators: prices, stock and promotions of many, the history, feeds in and out."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import orjson
import pytest
from django.contrib.admin.models import LogEntry
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from knowledge.models import Article
from mangaassist.access.models import AuditEntry
from mangaassist.groups import make_groups
from mangaassist.list_fields import LinesField
from shop.feed import export_feed, import_feed
from shop.feed_jobs import take_next
from shop.forms import VolumesField
from shop.models import Edition, Offer, Order, Promotion, Series
from shop.pricing import ChangeRefused, change_prices, end_promotions, new_price, set_stock
from shop.signals import catalog_changed
from tests.access.colleagues import member
from tests.mangaassist.downloads import downloaded
from tests.shop.catalogue import lay_small_catalogue

pytestmark = pytest.mark.django_db
BOOK = "BERSERK-EN-1"


@pytest.fixture(autouse=True)
def shop(db: None, settings: Any, tmp_path: Any, django_capture_on_commit_callbacks: Any) -> None:
    settings.DATA_DIR = tmp_path
    settings.OUTBOX_WAKE = False
    make_groups()
    # What is heard of it is over before a test listens.
    with django_capture_on_commit_callbacks(execute=True):
        lay_small_catalogue()


def act(client: Client, model: str, action: str, *keys: str, **fields: object) -> Any:
    address = reverse(f"admin:shop_{model}_changelist")
    return client.post(address, {"action": action, "_selected_action": keys, **fields}, follow=True)


class TestPrices:
    @pytest.mark.parametrize(("price", "percent", "currency", "expected"), [
        ("14.99", "-10", "USD", "13.49"), ("14.99", "10", "USD", "16.49"), ("0.05", "-50", "USD", "0.03"),
        ("550", "-10", "JPY", "495"), ("495", "-3.5", "JPY", "478"), ("10.00", "200", "EUR", "30.00"),
    ])  # fmt: skip
    def test_they_are_rounded_as_the_currency_has_it(
        self, price: str, percent: str, currency: str, expected: str
    ) -> None:
        assert new_price(Decimal(price), Decimal(percent), currency) == Decimal(expected)

    def test_the_list_of_editions_writes_yen_without_hundredths(self) -> None:
        Offer.objects.filter(pk=BOOK).update(price=Decimal("1583.00"), currency="JPY")
        Offer.objects.filter(pk="BERSERK-EN-2").update(price=Decimal("15.50"), currency="USD")
        page = member("operator").get(reverse("admin:shop_edition_changelist"), {"q": "berserk"}).content.decode()
        assert ">1583 JPY<" in page
        assert ">15.50 USD<" in page

    @pytest.mark.parametrize("percent", ["0", "-91", "201", "NaN", "Infinity"])
    def test_a_slip_of_a_digit_is_refused(self, percent: str) -> None:
        before = Offer.objects.get(pk=BOOK).price
        with pytest.raises(ChangeRefused):
            change_prices(Offer.objects.all(), Decimal(percent))
        assert Offer.objects.get(pk=BOOK).price == before

    def test_an_operator_changes_many_and_the_history_says_from_what_to_what(
        self, django_capture_on_commit_callbacks: Any
    ) -> None:
        heard: list[Any] = []

        def hear(sender: Any, asins: frozenset[str], fields: frozenset[str], **kwargs: Any) -> None:
            heard.append((asins, fields))

        before = Offer.objects.get(pk=BOOK).price
        catalog_changed.connect(hear)
        try:
            with django_capture_on_commit_callbacks(execute=True):
                page = act(member("operator"), "offer", "change_selected_prices", BOOK, percent="-10")
        finally:
            catalog_changed.disconnect(hear)
        after = Offer.objects.get(pk=BOOK).price
        assert after == new_price(before, Decimal(-10), "USD")
        assert "1 offer changed." in page.content.decode()
        assert LogEntry.objects.get().change_message == f"price: {before} → {after}"
        assert AuditEntry.objects.filter(detail__contains=f"{before} → {after}").exists()
        assert [(asins, fields <= {"price", "stock", "updated_at"}) for asins, fields in heard] == [({BOOK}, True)]

    @pytest.mark.parametrize("percent", ["", "ten", "900", "0"])
    def test_without_a_percentage_nothing_happens(self, percent: str) -> None:
        before = Offer.objects.get(pk=BOOK).price
        page = act(member("operator"), "offer", "change_selected_prices", BOOK, percent=percent)
        assert "Say by how many percent" in page.content.decode()
        assert Offer.objects.get(pk=BOOK).price == before

    def test_an_analyst_may_not(self) -> None:
        before = Offer.objects.get(pk=BOOK).price
        act(member("analyst"), "offer", "change_selected_prices", BOOK, percent="-10")
        assert Offer.objects.get(pk=BOOK).price == before


class TestStock:
    def test_it_is_set_for_many(self) -> None:
        page = act(member("operator"), "offer", "set_selected_stock", BOOK, stock="7")
        assert "1 offer changed." in page.content.decode()
        assert Offer.objects.get(pk=BOOK).stock == 7
        assert LogEntry.objects.get().change_message.endswith("→ 7")

    @pytest.mark.parametrize("stock", ["", "-1", "many", "99999999999"])
    def test_bad_input(self, stock: str) -> None:
        before = Offer.objects.get(pk=BOOK).stock
        page = act(member("operator"), "offer", "set_selected_stock", BOOK, stock=stock)
        assert "Say how many there are." in page.content.decode()
        assert Offer.objects.get(pk=BOOK).stock == before

    def test_what_is_the_same_is_not_told(self) -> None:
        offers = Offer.objects.filter(pk=BOOK)
        set_stock(offers, 3)
        assert set_stock(offers, 3) == []


def test_a_running_promotion_ends_now() -> None:
    now = timezone.now()
    for id, starts, ends in (("runs", -1, 1), ("over", -3, -2), ("comes", 1, 2)):
        Promotion.objects.create(
            id=id, title=id, percent_off=10, starts=now + timedelta(days=starts), ends=now + timedelta(days=ends)
        )
    page = act(member("operator"), "promotion", "end_selected", "runs", "over")
    assert "1 promotion ended." in page.content.decode()
    assert set(Promotion.objects.running().values_list("pk", flat=True)) == {"pirates"}
    assert {each.row.pk for each in end_promotions(Promotion.objects.all())} == {"pirates", "comes"}


def test_a_form_that_is_saved_says_from_what_to_what() -> None:
    client = member("operator")
    address = reverse("admin:shop_promotion_add")
    now = timezone.now()
    fields = {
        "id": "spring", "title": "Spring", "titles": "{}", "category": "manga", "series": "[]", "asins": "[]",
        "percent_off": "10", "starts_0": f"{now:%Y-%m-%d}", "starts_1": "00:00:00",
        "ends_0": f"{now + timedelta(days=9):%Y-%m-%d}", "ends_1": "00:00:00",
    }  # fmt: skip
    assert client.post(address, fields).status_code == 302
    change = reverse("admin:shop_promotion_change", args=["spring"])
    assert client.post(change, fields | {"percent_off": "25"}).status_code == 302
    page = client.get(reverse("admin:shop_promotion_history", args=["spring"])).content.decode()
    assert "percent_off: 10 → 25" in page.replace("Percent off", "percent_off")


@pytest.mark.parametrize(("model", "term", "found"), [
    ("series", "ベルセルク", "berserk"), ("series", "OP", "one-piece"), ("series", "Beruseruku", "berserk"),
    ("edition", "978-1-59307-020-5", "BERSERK-EN-1"), ("edition", "ベルセルク", "BERSERK-EN-1"),
])  # fmt: skip
def test_content_is_found_by_what_one_has_at_hand(model: str, term: str, found: str) -> None:
    Edition.objects.filter(pk=BOOK).update(isbn13="9781593070205")
    page = member("operator").get(reverse(f"admin:shop_{model}_changelist"), {"q": term})
    assert found in {str(row.pk) for row in page.context["cl"].result_list}


class TestFeeds:
    def test_what_is_exported_imports_to_the_same(self) -> None:
        now = timezone.now()
        Promotion.objects.create(
            id="spring", title="Spring", titles={"ja": "春"}, series=["berserk"], percent_off=10,
            starts=now, ends=now + timedelta(days=1),
        )  # fmt: skip
        Article.objects.create(
            slug="spring-returns", locale="ja", category="returns", question="返品は?", body="30日以内。"
        )
        first = list(export_feed())
        kinds = [orjson.loads(line)["kind"] for line in first]
        assert sorted(set(kinds), key=kinds.index) == ["series", "edition", "offer", "promotion", "article"]

        def refuse(number: int, reason: str, raw: bytes) -> None:
            raise AssertionError(f"{reason}: {raw!r}")

        assert import_feed(first, reject=refuse).changed == 0
        Order.objects.all().delete()  # Its lines protect their editions.
        for model in (Offer, Edition, Promotion, Series, Article):
            model._default_manager.all().delete()
        assert import_feed(first, reject=refuse).changed == len(first)
        assert list(export_feed()) == first

    @pytest.mark.django_db(transaction=True)
    def test_an_operator_takes_it_along_by_kind(self, capsys: Any) -> None:
        answer: Any = member("operator").get(reverse("admin:shop_feedjob_export"), {"kind": "offer"})
        assert answer["Content-Disposition"] == 'attachment; filename="offer.jsonl"'
        whole = downloaded(answer)
        assert {orjson.loads(line)["kind"] for line in whole.splitlines()} == {"offer"}
        call_command("export_catalog", kind=["offer"])
        assert capsys.readouterr().out.encode() == whole

    def test_an_upload_goes_the_way_of_partners_feeds(self) -> None:
        line = {"kind": "offer", "asin": BOOK, "price": "1.50", "currency": "USD", "stock": 1}
        file = SimpleUploadedFile("feed.jsonl", orjson.dumps(line))
        page = member("operator").post(reverse("admin:shop_feedjob_upload"), {"file": file}, follow=True)
        assert "The feed is here" in page.content.decode()
        assert take_next()
        assert Offer.objects.get(pk=BOOK).price == Decimal("1.50")

    @pytest.mark.parametrize("file", [None, b"", b"x" * 1001])
    def test_bad_uploads_are_told(self, file: bytes | None, settings: Any) -> None:
        settings.FEED_UPLOAD_BYTES = 1000
        sent = {} if file is None else {"file": SimpleUploadedFile("feed.jsonl", file)}
        page = member("operator").post(reverse("admin:shop_feedjob_upload"), sent, follow=True)
        assert "errornote" in page.content.decode() or 'class="error"' in page.content.decode()
        assert not take_next()

    def test_who_may_not_add_feeds_is_refused(self) -> None:
        file = SimpleUploadedFile("feed.jsonl", b"{}")
        assert member("analyst").post(reverse("admin:shop_feedjob_upload"), {"file": file}).status_code == 403


class TestLists:
    """In forms: one entry a line, volumes with commas between them."""

    @pytest.mark.parametrize(("written", "kept"), [
        ("", []), (" \r\n\n", []), ("Naoki Urasawa", ["Naoki Urasawa"]),
        (" CLAMP \r\n\r\n尾田 栄一郎\nCLAMP", ["CLAMP", "尾田 栄一郎"]), ('["A", "B"]', ['["A", "B"]']),
    ])  # fmt: skip
    def test_lines_are_stripped_and_stand_once(self, written: str, kept: list[str]) -> None:
        field = LinesField(required=False)
        assert field.clean(written) == kept
        assert field.clean(field.prepare_value(kept)) == kept
        assert not field.has_changed(kept, written)

    @pytest.mark.parametrize(("written", "kept"), [
        ("", []), (" , ", []), ("7", [7]), ("3, 1,2 ,2", [1, 2, 3]), ("１、２", [1, 2]), ("0", [0]),
    ])  # fmt: skip
    def test_volumes_are_in_their_order(self, written: str, kept: list[int]) -> None:
        field = VolumesField(required=False)
        assert field.clean(written) == kept
        assert field.clean(field.prepare_value(kept)) == kept
        assert not field.has_changed(kept, written)

    @pytest.mark.parametrize("written", ["one", "1-3", "-1", "1.5", "10001", "9" * 5_000, "[1]", "1;2", "1," * 501])
    def test_what_is_no_volume_is_refused(self, written: str) -> None:
        with pytest.raises(ValidationError):
            VolumesField(required=False).clean(written)
        assert VolumesField().has_changed([], written)

    @pytest.mark.parametrize("written", ["x" * 201, "\n".join(map(str, range(101)))])
    def test_so_are_lines_without_end(self, written: str) -> None:
        with pytest.raises(ValidationError):
            LinesField(required=False).clean(written)

    def test_the_form_of_a_series_shows_and_keeps_them(self) -> None:
        client = member("operator")
        series = Series.objects.exclude(authors=[])[0]
        address = reverse("admin:shop_series_change", args=[series.pk])
        form = client.get(address).context["adminform"].form
        assert form["authors"].value() == "\n".join(series.authors)
        said = {name: "" if form[name].value() is None else form[name].value() for name in form.fields}
        said |= {"authors": "Naoki Urasawa\n\n Takashi Nagasaki "}
        for name in ("relations", "related"):
            said |= {f"{name}-TOTAL_FORMS": "0", f"{name}-INITIAL_FORMS": "0"}
        page = client.post(address, said)
        assert page.status_code == 302
        assert Series.objects.get(pk=series.pk).authors == ["Naoki Urasawa", "Takashi Nagasaki"]
        assert client.post(address, said | {"authors": "x" * 201}).status_code == 200
