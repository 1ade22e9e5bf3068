"""Uploaded feeds: stored whole, then taken in by a worker, one at a time in the order they came.

The row is the truth. A worker holds a lease on it and renews it as it goes; when it dies, the lease runs out and the
next one begins the feed anew, which changes nothing of what is in already.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import structlog
from celery import current_app
from django.conf import settings
from django.db import OperationalError as DatabaseAway
from django.db import transaction
from django.db.models import F
from kombu.exceptions import OperationalError

from mangaassist.outbox.models import shared_now
from shop.feed import ImportReport, import_feed
from shop.feed_lines import FeedLines, unpacked
from shop.feed_records import FeedJob, FeedReject, one_writer, uploads_folder

log = structlog.get_logger(__name__)
LEASE_S = 60.0
MOST_ATTEMPTS = 3
# Of one job; the others are only counted.
MOST_REJECTS = 10_000
# A job and what it refused can be asked for so long after its end; its file is removed at once.
JOBS_KEPT = timedelta(days=30)
# A file that no unfinished job is about was left by a crash.
STRAY_AFTER = timedelta(days=1)
_NOTHING = "No line of it could be read: see the rejects."
_OPEN = (FeedJob.State.WAITING, FeedJob.State.RUNNING)


class TooManyWaiting(Exception):
    """This sender's feeds that are not taken in yet are as many as may wait."""


class _LeaseLost(Exception):
    """Another worker is at it by now."""


def check_room(source: str, coming: int = 0) -> None:
    """``coming``: feeds of theirs that are being received. Raises :class:`TooManyWaiting`."""
    if FeedJob.objects.filter(source=source, state__in=_OPEN).count() + coming >= settings.FEED_JOBS_WAITING:
        raise TooManyWaiting


def accept_feed(source: str, file: Path, size: int) -> FeedJob:
    """Takes the file over, inside the transaction that answers for it. Raises :class:`TooManyWaiting`."""
    with transaction.atomic():
        one_writer()
        check_room(source)
        job = FeedJob.objects.create(source=source, bytes=size)
        file.rename(job.path)
        transaction.on_commit(wake)
    return job


def wake() -> None:
    """Has a worker begin; without a broker the schedule does it a little later.

    In a thread of its own, so that a hung broker costs nobody anything.
    """
    if settings.OUTBOX_WAKE:
        threading.Thread(target=_wake, name="wake-feeds", daemon=True).start()


def _wake() -> None:
    try:
        current_app.send_task("shop.tasks.take_feed", queue="batch", expires=60, retry=False)
    except (OperationalError, OSError) as error:
        log.info("feed_worker_not_woken", error=type(error).__name__)


def take_next() -> bool:
    """Takes in the oldest feed that waits. → whether there was one that nobody is at."""
    job = _claim()
    if job is None:
        return False
    _Run(job).run()
    return True


def _claim() -> FeedJob | None:
    with transaction.atomic():
        one_writer()
        now = shared_now()
        job = FeedJob.objects.filter(state__in=_OPEN).order_by("created_at", "id").first()
        if job is None or FeedJob.objects.filter(state=FeedJob.State.RUNNING, leased_until__gte=now).exists():
            return None
        FeedReject.objects.filter(job=job).delete()
        job.lines = job.taken = job.changed = job.rejected = 0
        job.attempts += 1
        job.state, job.started_at = FeedJob.State.RUNNING, now
        job.lease, job.leased_until = uuid.uuid4(), now + timedelta(seconds=LEASE_S)
        job.save()
    return job


class _Run:
    """One attempt at a job."""

    def __init__(self, job: FeedJob) -> None:
        self._job = job
        self._kept = 0
        self._rejects: list[FeedReject] = []
        self._told_at = time.monotonic()

    def run(self) -> None:
        try:
            self._attempt()
        except _LeaseLost:
            log.warning("feed_job_lost", job=str(self._job.pk))
        except DatabaseAway:
            # Locked, or gone: no fault of the feed's, and no attempt of its few.
            self._mine().update(state=FeedJob.State.WAITING, attempts=F("attempts") - 1, lease=None, leased_until=None)
            raise
        except Exception:
            # The next one begins anew, at once.
            self._mine().update(state=FeedJob.State.WAITING, lease=None, leased_until=None)
            raise

    def _attempt(self) -> None:
        job = self._job
        if job.attempts > MOST_ATTEMPTS:
            self._end("Its worker was ended each time, or it takes longer than a worker may take: send it in parts.")
            return
        try:
            file = open(job.path, "rb")
        except FileNotFoundError:
            self._end("The file is not in this worker's DATA_DIR, which it must share with the web processes.")
            return
        with file, unpacked(file) as source:
            lines = FeedLines(source, most_bytes=settings.FEED_UNPACKED_BYTES)
            report = import_feed(self._alive(lines), reject=self._refuse, progress=self._tell, as_of=job.created_at)
        self._count(lines.count, report)
        self._end(f"The feed breaks off: {lines.broken}." if lines.broken else "" if report.readable else _NOTHING)

    def _alive(self, lines: FeedLines) -> Iterator[bytes]:
        """Renews the lease also over a million lines of which none is good."""
        for line in lines:
            if time.monotonic() - self._told_at > LEASE_S / 6:
                self._job.lines = lines.count
                self._renew()
            yield line

    def _refuse(self, number: int, reason: str, raw: bytes) -> None:
        self._kept += 1
        if self._kept <= MOST_REJECTS:
            text = raw[:1000].decode("utf-8", "replace").replace("\x00", "\ufffd")
            self._rejects.append(FeedReject(job=self._job, line=number, reason=reason[:500], text=text))

    def _tell(self, lines: int, report: ImportReport) -> None:
        self._count(lines, report)
        self._renew()

    def _count(self, lines: int, report: ImportReport) -> None:
        job = self._job
        job.lines, job.taken, job.changed, job.rejected = lines, report.taken, report.changed, report.rejected

    def _renew(self) -> None:
        self._save(leased_until=shared_now() + timedelta(seconds=LEASE_S))
        self._told_at = time.monotonic()

    def _end(self, error: str) -> None:
        state = FeedJob.State.FAILED if error else FeedJob.State.DONE
        self._save(state=state, error=error[:300], finished_at=shared_now(), lease=None, leased_until=None)
        self._job.path.unlink(missing_ok=True)
        log.info("feed_job_ended", job=str(self._job.pk), state=str(state), taken=self._job.taken)

    def _save(self, **values: Any) -> None:
        job = self._job
        counts = {name: getattr(job, name) for name in ("lines", "taken", "changed", "rejected")}
        with transaction.atomic():
            if not self._mine().update(**counts, **values):
                raise _LeaseLost
            FeedReject.objects.bulk_create(self._rejects)
        self._rejects = []

    def _mine(self) -> Any:
        return FeedJob.objects.filter(pk=self._job.pk, lease=self._job.lease)


def purge(now: datetime) -> None:
    """Removes jobs whose time is over, and files that a crash has left."""
    FeedJob.objects.filter(finished_at__lt=now - JOBS_KEPT).delete()
    if not uploads_folder().is_dir():
        return
    wanted = {job.path for job in FeedJob.objects.filter(state__in=_OPEN)}
    for file in uploads_folder().iterdir():
        try:
            is_stray = file not in wanted and file.stat().st_mtime < (now - STRAY_AFTER).timestamp()
        except FileNotFoundError:
            continue
        if is_stray:
            file.unlink(missing_ok=True)
