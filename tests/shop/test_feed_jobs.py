"""Uploaded feeds: taken in by a worker one after the other, whatever happens to the worker."""

from __future__ import annotations

import gzip
import os
import signal
import subprocess
import sys
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from django.conf import settings as django_settings
from django.db import OperationalError
from django.test import Client
from django.utils import timezone

from shop import feed_jobs, tasks
from shop.feed_jobs import JOBS_KEPT, LEASE_S, MOST_ATTEMPTS, TooManyWaiting, accept_feed, purge, take_next
from shop.feed_records import FeedJob, FeedReject, uploads_folder
from shop.models import Edition, Offer
from tests.mangaassist.this_database import database_url
from tests.shop.catalogue import edition, offer
from tests.shop.test_catalog_events import apply, priced

pytestmark = pytest.mark.usefixtures("catalogue")


@pytest.fixture(autouse=True)
def folder(settings: Any, tmp_path: Path) -> Path:
    settings.DATA_DIR = tmp_path
    uploads_folder().mkdir()
    return uploads_folder()


def upload(content: bytes | list[dict[str, Any]], source: str = "shop") -> FeedJob:
    if isinstance(content, list):
        content = b"\n".join(map(orjson.dumps, content))
    file = uploads_folder() / f"{uuid.uuid4()}.part"
    file.write_bytes(content)
    return accept_feed(source, file, len(content))


def ended(job: FeedJob) -> FeedJob:
    while take_next():
        pass
    job.refresh_from_db()
    return job


class TestEnd:
    @pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
    def test_good_lines_are_in_and_bad_ones_are_told(self, pack: Any):
        lines = [offer("NEW-1", "1.00", 1), edition("NEW-1", "berserk", "New", [1]), offer("NOWHERE", "1.00", 1)]
        job = ended(upload(pack(b"\n".join([*map(orjson.dumps, lines), b"", b"{nonsense"]))))
        assert (job.state, job.lines, job.taken, job.changed, job.rejected) == ("done", 5, 2, 2, 2)
        told = dict(job.rejects.values_list("line", "reason"))
        assert told[3] == "edition 'NOWHERE' is unknown"
        assert "not JSON" in told[5]
        assert job.rejects.get(line=5).text == "{nonsense"
        assert Offer.objects.filter(pk="NEW-1").exists()
        assert not job.path.exists()

    @pytest.mark.parametrize(
        ("content", "error"),
        [
            (b"\n\n", "No line of it"),
            (b"\x00\xff\n{}", "No line of it"),
            (gzip.compress(orjson.dumps(offer("BERSERK-EN-1", "1.00", 1)) * 9_000)[:200], "breaks off"),
            (b"\x1f\x8bnot gzip at all", "breaks off"),
        ],
    )
    def test_what_is_no_feed_fails_and_says_why(self, content: bytes, error: str):
        job = ended(upload(content))
        assert (job.state, error in job.error) == ("failed", True)
        assert not job.path.exists()

    def test_a_small_file_that_unpacks_to_very_much_is_stopped(self, settings: Any):
        settings.FEED_UNPACKED_BYTES = 1_000_000
        bomb = gzip.compress(orjson.dumps(offer("BERSERK-EN-1", "1.23", 1)) + b"\n" * 10_000_000)
        assert len(bomb) < 100_000
        job = ended(upload(bomb))
        assert (job.state, "more than 1000000 bytes" in job.error) == ("failed", True)
        # What came before is in, as with any feed that breaks off.
        assert str(Offer.objects.get(pk="BERSERK-EN-1").price) == "1.23"

    def test_one_endless_line_is_refused_as_too_long(self, settings: Any):
        job = ended(upload(gzip.compress(b"x" * 20_000_000 + b"\n" + orjson.dumps(offer("BERSERK-EN-1", "1.23", 1)))))
        assert (job.state, job.lines, job.rejected) == ("done", 2, 1)
        assert len(job.rejects.get().text) == 1000

    def test_of_very_many_rejects_the_first_are_kept(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(feed_jobs, "MOST_REJECTS", 3)
        job = ended(upload(b"x\n" * 10 + orjson.dumps(offer("BERSERK-EN-1", "1.23", 1))))
        assert (job.rejected, job.rejects.count()) == (10, 3)

    def test_what_an_event_told_after_the_upload_stays(self):
        job = upload([offer("BERSERK-EN-1", "1.00", 1), offer("BERSERK-EN-2", "1.00", 1)])
        FeedJob.objects.update(created_at=priced("2.00").at - timedelta(minutes=1))
        apply(priced("2.00"))
        assert ended(job).taken == 2
        assert str(Offer.objects.get(pk="BERSERK-EN-1").price) == "2.00"
        assert str(Offer.objects.get(pk="BERSERK-EN-2").price) == "1.00"


class TestOrder:
    def test_the_oldest_comes_first_and_one_at_a_time(self):
        first, second = upload([offer("BERSERK-EN-1", "1.00", 1)]), upload([offer("BERSERK-EN-1", "2.00", 1)])
        at_work = feed_jobs._claim()
        assert at_work == first
        # Its worker is alive.
        assert not take_next()
        FeedJob.objects.filter(pk=first.pk).update(leased_until=timezone.now())
        assert ended(second).state == "done"
        assert FeedJob.objects.get(pk=first.pk).attempts == 2
        assert str(Offer.objects.get(pk="BERSERK-EN-1").price) == "2.00"

    def test_a_worker_that_lost_its_lease_changes_nothing_more(self):
        job = upload([offer("BERSERK-EN-1", "1.00", 1)])
        late = feed_jobs._claim()
        FeedJob.objects.update(leased_until=timezone.now())
        assert ended(job).state == "done"
        assert late is not None
        feed_jobs._Run(late).run()
        job.refresh_from_db()
        assert (job.state, job.attempts) == ("done", 2)

    def test_so_many_of_a_sender_may_wait(self, settings: Any):
        settings.FEED_JOBS_WAITING = 2
        upload([])
        upload([])
        with pytest.raises(TooManyWaiting):
            upload([])
        upload([], source="another")
        while take_next():
            pass
        upload([])


class TestFaults:
    def test_a_feed_that_ends_its_worker_each_time_is_given_up(self):
        job = upload([offer("BERSERK-EN-1", "1.00", 1)])
        after = upload([offer("BERSERK-EN-1", "2.00", 1)])
        for _ in range(MOST_ATTEMPTS):
            feed_jobs._claim()
            FeedJob.objects.update(leased_until=timezone.now())
        assert (ended(job).state, job.attempts) == ("failed", MOST_ATTEMPTS + 1)
        assert "send it in parts" in job.error
        after.refresh_from_db()
        assert after.state == "done"

    def test_a_locked_database_is_not_the_feeds_fault(self, monkeypatch: pytest.MonkeyPatch):
        job = upload([offer("BERSERK-EN-1", "1.00", 1)])
        with monkeypatch.context() as patch:

            def locked(*_: Any, **__: Any):
                raise OperationalError("lock timeout")

            patch.setattr(feed_jobs, "import_feed", locked)
            for _ in range(MOST_ATTEMPTS + 1):
                with pytest.raises(OperationalError):
                    take_next()
        assert (ended(job).state, job.attempts) == ("done", 1)

    def test_a_worker_elsewhere_says_that_it_has_no_file(self):
        job = upload([])
        job.path.unlink()
        assert "DATA_DIR" in ended(job).error

    def test_the_entrances_do_one_feed_each_and_clear_up(self):
        upload([offer("BERSERK-EN-1", "1.00", 1)])
        upload([offer("BERSERK-EN-1", "2.00", 1)])
        tasks.take_feed()
        assert FeedJob.objects.filter(state="done").count() == 1
        FeedJob.objects.filter(state="done").update(finished_at=timezone.now() - JOBS_KEPT - timedelta(minutes=1))
        tasks.purge()
        assert [job.state for job in FeedJob.objects.all()] == ["waiting"]


def test_files_that_nobody_waits_for_are_removed_after_a_day(folder: Path):
    waiting = upload([offer("BERSERK-EN-1", "1.00", 1)])
    stray, fresh = folder / "stray.part", folder / "fresh.part"
    for file in (stray, fresh):
        file.write_bytes(b"")
    old = timezone.now().timestamp() - 90_000
    for file in (stray, waiting.path):
        os.utime(file, (old, old))
    purge(timezone.now())
    assert sorted(folder.iterdir()) == sorted([waiting.path, fresh])


def test_its_end_takes_what_it_refused_with_it():
    job = ended(upload(b"x"))
    FeedJob.objects.update(finished_at=timezone.now() - JOBS_KEPT - timedelta(minutes=1))
    purge(timezone.now())
    assert not FeedReject.objects.filter(job_id=job.pk).exists()


@pytest.mark.process
def test_a_worker_killed_in_the_middle_leaves_a_feed_that_is_begun_anew(committed_catalogue: None, tmp_path: Path):
    """A real process, killed once it has written a part."""
    count = 6_000
    job = upload([edition(f"MANY-{n}", "berserk", f"Berserk, part {n}", [n]) for n in range(count)])
    process = subprocess.Popen(
        [
            sys.executable, "-c",
            "import django; django.setup(); from shop.feed_jobs import take_next; take_next()",
        ],
        cwd=django_settings.BASE_DIR,
        env=os.environ | {"DATABASE_URL": database_url(), "DATA_DIR": str(tmp_path)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        for _ in range(600):
            if FeedJob.objects.get().taken:
                break
            assert process.poll() is None
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(0.1)
        os.kill(process.pid, signal.SIGKILL)
        process.wait(10)
    finally:
        process.kill()
    job.refresh_from_db()
    assert (job.state, 0 < job.taken < count) == ("running", True)
    assert not take_next(), "its lease still holds"
    assert job.leased_until is not None
    assert job.leased_until <= timezone.now() + timedelta(seconds=LEASE_S)
    FeedJob.objects.update(leased_until=timezone.now())
    assert (ended(job).state, job.taken, job.rejected, job.attempts) == ("done", count, 0, 2)
    # What the first one wrote is not written again.
    assert job.changed < count
    assert Edition.objects.filter(pk__startswith="MANY-").count() == count


class TestAdmin:
    def test_operators_look_and_change_nothing(self, admin_client: Client):
        job = ended(upload(b"x\n" + orjson.dumps(offer("BERSERK-EN-1", "1.00", 1))))
        page = admin_client.get("/admin/shop/feedjob/").content.decode()
        assert "shop" in page
        address = f"/admin/shop/feedjob/{job.pk}/change/"
        assert "not JSON" in admin_client.get(address).content.decode()
        assert admin_client.post(address, {"state": "waiting"}).status_code == 403
        assert admin_client.get("/admin/shop/feedjob/add/").status_code == 403
        assert admin_client.post(f"/admin/shop/feedjob/{job.pk}/delete/", {"post": "yes"}).status_code == 403
        job.refresh_from_db()
        assert job.state == "done"

    def test_in_japanese(self, admin_client: Client):
        ended(upload(b"x"))
        page = admin_client.get("/admin/shop/feedjob/", headers={"accept-language": "ja"}).content.decode()
        assert "アップロードされたフィード" in page
        assert "失敗" in page
