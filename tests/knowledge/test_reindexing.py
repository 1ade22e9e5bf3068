"""From a change to an answer that knows of it, by outbox, stream and a new version of the index."""

from __future__ import annotations

import os
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone
from moto import mock_aws

from caching.policy_cache import policy_cache
from knowledge import apart
from knowledge.index import serving_version
from knowledge.models import Article, Document, IndexVersion, Passage
from knowledge.reindexing import look_at_source
from knowledge.search import FAQ_KIND, Passages, question_hash, search_passages, search_products
from knowledge.tasks import watch_folder
from mangaassist.outbox.backends import reindex_streams
from mangaassist.outbox.backends.base import Outgoing
from mangaassist.outbox.consumers import consume
from mangaassist.outbox.models import OutboxMessage, ShardLease, StreamRecord
from mangaassist.outbox.relay import drain, retry_now
from shop.models import Edition, Offer, Series
from tests.knowledge.indexing import answer, follow_changes
from tests.knowledge.test_documents import pdf_of
from tests.shop.catalogue import load_small_catalogue

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def no_worker(settings: Any) -> None:
    settings.OUTBOX_WAKE = False


@pytest.fixture
def folder(settings: Any, tmp_path: Path) -> Path:
    settings.KNOWLEDGE_SOURCES = {
        "default": {"BACKEND": "knowledge.backends.folder.FolderSource", "OPTIONS": {"path": str(tmp_path)}}
    }
    return tmp_path


def lay(folder: Path, key: str, data: bytes) -> None:
    """Puts a file there, a minute ago."""
    (folder / key).parent.mkdir(parents=True, exist_ok=True)
    (folder / key).write_bytes(data)
    settled = time.time() - 60
    os.utime(folder / key, (settled, settled))


# --- A folder -------------------------------------------------------------------------------------------------------


def test_a_file_in_the_folder_is_answered_from_and_forgotten_when_it_goes(folder: Path) -> None:
    lay(folder, "repairs/how.md", b"# Book repairs\n\nWe mend a broken spine for free.")
    watch_folder()
    follow_changes()
    (passage,) = search_passages("can you mend a spine?", "en")
    assert (passage.text, passage.title, passage.kind) == (
        "We mend a broken spine for free.",
        "Book repairs",
        "document",
    )
    assert Document.objects.get().category == "repairs"

    lay(folder, "repairs/how.md", b"# Book repairs\n\nWe no longer mend spines.")
    watch_folder()
    follow_changes()
    assert answer("can you mend a spine?") == "We no longer mend spines."

    (folder / "repairs/how.md").unlink()
    watch_folder()
    follow_changes()
    assert answer("can you mend a spine?") == ""
    assert not Document.objects.exists()


def test_a_folder_that_did_not_change_asks_for_nothing(folder: Path) -> None:
    lay(folder, "a.md", b"Text of some length")
    lay(folder, "picture.jpg", b"\xff\xd8")
    assert look_at_source() == 2
    # Nor is the same asked for again while it is on its way, be it in the outbox or in the stream.
    assert look_at_source() == 0
    drain("reindex")
    assert look_at_source() == 0
    follow_changes()
    assert look_at_source() == 0
    version = serving_version()
    follow_changes()
    assert serving_version() == version


def test_what_was_asked_for_and_never_came_is_asked_for_again(folder: Path) -> None:
    lay(folder, "a.md", b"Text of some length")
    assert look_at_source() == 1
    OutboxMessage.objects.all().delete()
    assert look_at_source() == 0
    Document.objects.update(asked_at=timezone.now() - timedelta(hours=2))
    assert look_at_source() == 1


def test_a_version_that_is_known_is_not_read_again_but_for_good_reason(folder: Path) -> None:
    lay(folder, "a.md", b"We mend spines.")
    look_at_source()
    follow_changes()
    document = Document.objects.get()
    read_at = document.read_at
    same = {"s3_key": "a.md", "action": "upsert", "version": document.version}
    reindex_streams["default"].put([Outgoing("1", same), Outgoing("2", same)])
    follow_changes()
    assert Document.objects.get().read_at == read_at
    # An older version that came late together with it: what is there now is looked at.
    reindex_streams["default"].put([Outgoing("3", same), Outgoing("4", same | {"version": "older"})])
    follow_changes()
    assert Document.objects.get().read_at != read_at
    # The index does not hold it, for whatever reason.
    Passage.objects.all().delete()
    reindex_streams["default"].put([Outgoing("5", same)])
    follow_changes()
    assert answer("do you mend a spine?") == "We mend spines."


def test_a_file_that_asks_for_hours_is_given_up_and_the_others_are_read(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apart, "CPU_S", 2)
    lay(folder, "hours.html", b"<!-- " * 400_000)
    lay(folder, "odd.html", b"<![foo[bar]]>")
    lay(folder, "gifts.md", b"We wrap gifts for free.")
    look_at_source()
    follow_changes()
    assert answer("do you wrap gifts?") == "We wrap gifts for free."
    faults = dict(Document.objects.exclude(fault="").values_list("key", "fault"))
    assert set(faults) == {"hours.html", "odd.html"}
    assert "too long" in faults["hours.html"]


def test_a_damaged_file_says_why_and_holds_up_nothing(folder: Path) -> None:
    lay(folder, "damaged.pdf", pdf_of("Points")[:100])
    lay(folder, "points.pdf", pdf_of("Membership points expire after a year"))
    look_at_source()
    follow_changes()
    assert answer("when do points expire?") == "Membership points expire after a year"
    assert "damaged" in Document.objects.get(key="damaged.pdf").fault
    assert not OutboxMessage.objects.parked().exists()


def test_japanese_documents_answer_japanese_questions(folder: Path) -> None:
    lay(folder, "faq/製本の直し方.txt", "破れた背表紙は無料で直します。".encode("cp932"))
    look_at_source()
    follow_changes()
    assert answer("背表紙を直してもらえますか", "ja") == "破れた背表紙は無料で直します。"
    assert answer("背表紙を直してもらえますか", "en") == ""


# --- The catalogue --------------------------------------------------------------------------------------------------


def requests_waiting() -> list[dict[str, Any]]:
    rows = OutboxMessage.objects.filter(topic="reindex", status="waiting").order_by("created_at")
    return [body for row in rows for body in row.payload["requests"]]


def test_a_changed_description_asks_for_its_product_and_a_changed_price_for_nothing() -> None:
    load_small_catalogue()
    follow_changes()
    edition = Edition.objects.get(pk="FRIEREN-EN-1")
    edition.description = "Contains a double-sided poster."
    edition.save()
    assert requests_waiting() == [{"asin": "FRIEREN-EN-1", "action": "reindex", "schema": 1}]
    follow_changes()
    assert [p.text for p in search_products("is there a poster in it?", [edition.pk])] == [edition.description]
    Offer.objects.filter(pk=edition.pk).update(stock=3)
    assert requests_waiting() == []
    edition.delete()
    follow_changes()
    assert not Passage.objects.serving().filter(kind="product").exists()


def test_a_changed_product_leaves_kept_answers_alone() -> None:
    load_small_catalogue()
    follow_changes()
    Edition.objects.filter(pk="FRIEREN-EN-1").update(description="Contains a poster.")
    drain("reindex")
    invalidations = OutboxMessage.objects.filter(topic="cache.invalidate")
    before = invalidations.count()
    assert consume("reindex")
    assert Passage.objects.serving().filter(kind="product").exists()
    assert invalidations.count() == before


def test_products_that_go_with_their_series_are_forgotten() -> None:
    load_small_catalogue()
    Edition.objects.filter(pk="FRIEREN-EN-1").update(description="Contains a poster.")
    follow_changes()
    assert Passage.objects.serving().filter(kind="product").exists()
    Series.objects.get(pk="frieren").delete()
    follow_changes()
    assert not Passage.objects.serving().filter(kind="product").exists()


def test_a_change_that_dynamodb_tells_of_is_taken_too() -> None:
    load_small_catalogue()
    follow_changes()
    # Changed where nobody of ours hears of it.
    with connection.cursor() as cursor:
        cursor.execute("UPDATE shop_edition SET description = 'With a poster.' WHERE asin = 'BERSERK-EN-1'")
    record = {"eventName": "MODIFY", "dynamodb": {"Keys": {"asin": {"S": "BERSERK-EN-1"}}}}
    reindex_streams["default"].put([Outgoing("1", record)])
    follow_changes()
    assert search_products("is there a poster?", ["BERSERK-EN-1"])[0].text == "With a poster."


# --- What can go wrong ----------------------------------------------------------------------------------------------


def make_article(body: str = "Within 30 days.") -> None:
    Article.objects.all().delete()
    Article.objects.create(slug="returns", locale="en", category="orders", question="Can I return a book?", body=body)


def test_a_cached_answer_dies_with_the_version_that_it_came_from() -> None:
    """The second invalidation: what was computed between the change and the new version is forgotten again."""
    make_article()
    follow_changes()
    key = (question_hash("can i return a book", "en"), "en")

    def cached() -> str:
        found = policy_cache.get_or_compute(
            FAQ_KIND, key, lambda: Passages(locale="en", found=tuple(search_passages("can i return a book", "en")))
        )
        assert found is not None
        return found.found[0].text

    assert cached() == "Within 30 days."
    Article.objects.update(body="Within 60 days.")
    drain("reindex")
    assert cached() == "Within 30 days."
    consume("reindex")
    assert cached() == "Within 60 days."


def test_what_is_no_request_is_parked_and_the_others_are_applied() -> None:
    make_article()
    reindex_streams["default"].put([Outgoing("poison", {"what": "is this"}), Outgoing("later", {"schema": 7, "x": 1})])
    follow_changes()
    assert answer("can I return a book?") == "Within 30 days."
    parked = OutboxMessage.objects.parked()
    assert [row.payload for row in parked] == [{"what": "is this"}, {"schema": 7, "x": 1}]
    assert "names neither" in parked[0].error
    # Tried again after a mend: it goes through the stream once more.
    OutboxMessage.objects.filter(pk=parked[0].pk).update(payload={"article": "returns/en", "action": "upsert"})
    retry_now([parked[0]])
    follow_changes()
    assert OutboxMessage.objects.get(pk=parked[0].pk).status == "done"
    assert StreamRecord.objects.order_by("-number")[0].body["article"] == "returns/en"


def test_requests_that_come_late_twice_or_in_another_order_do_no_harm() -> None:
    make_article("New.")
    follow_changes()
    for number, action in enumerate(["upsert", "delete", "delete", "upsert", "delete"]):
        reindex_streams["default"].put([Outgoing(str(number), {"article": "returns/en", "action": action})])
    version = serving_version()
    follow_changes()
    assert answer("can I return a book?") == "New."
    assert serving_version() == version


def test_while_another_build_is_at_work_changes_wait_and_are_not_lost() -> None:
    make_article()
    busy = IndexVersion.objects.create(leased_until=timezone.now() + timedelta(minutes=1))
    follow_changes()
    assert answer("can I return a book?") == ""
    assert "IndexBusy" in ShardLease.objects.get().error
    busy.delete()
    ShardLease.objects.update(retry_at=timezone.now())
    follow_changes()
    assert answer("can I return a book?") == "Within 30 days."


# --- The command ----------------------------------------------------------------------------------------------------


def test_the_command_finds_whatever_nobody_told_of(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_article()
    follow_changes()
    Article.objects.filter(slug="returns")._raw_delete("default")
    lay(folder, "gifts.md", b"We wrap gifts for free.")
    call_command("reindex")
    assert answer("can I return a book?") == ""
    assert answer("do you wrap gifts?") == "We wrap gifts for free."
    call_command("reindex")
    told = capsys.readouterr().out.splitlines()
    assert told[0] == f"Version {serving_version()} of the index is in force."
    assert "nothing has changed" in told[1]


def test_the_command_leaves_the_index_alone_while_its_source_is_away(settings: Any) -> None:
    make_article()
    follow_changes()
    with mock_aws():
        settings.KNOWLEDGE_SOURCES = {
            "default": {"BACKEND": "knowledge.backends.s3.S3Source", "OPTIONS": {"bucket": "gone"}}
        }
        with pytest.raises(CommandError, match="stays in force"):
            call_command("reindex")
    assert answer("can I return a book?") == "Within 30 days."
