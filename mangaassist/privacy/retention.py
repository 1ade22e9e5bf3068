"""What is old is removed: each kind of data after the days that a setting names, a few rows at a time."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

import structlog
from django.conf import settings
from django.db import DatabaseError
from django.utils import timezone

from mangaassist.privacy.models import RetentionRun
from mangaassist.privacy.registry import Retention, retentions

log = structlog.get_logger(__name__)
# Rows of one transaction, and seconds of one run for one kind: the next run goes on.
BATCH = 200
LONGEST_S = 60.0


@dataclass(frozen=True, slots=True)
class Kept:
    """A kind of data, how many days it is kept, and its last run (None: none yet, or its own app's)."""

    retention: Retention
    days: float
    run: RetentionRun | None


def kept() -> list[Kept]:
    runs = RetentionRun.objects.in_bulk()
    return [Kept(each, getattr(settings, each.setting), runs.get(each.key)) for each in retentions()]


def enforce(*, longest_s: float = LONGEST_S) -> dict[str, int]:
    """Removes what is too old; how much of each kind. Ended in between, it goes on with the next run."""
    removed: dict[str, int] = {}
    for each in retentions():
        if each.remove is None:
            continue
        try:
            removed[each.key] = _enforce(each, longest_s)
        except Exception as error:  # One kind that fails keeps the others from nothing; the next run tries again.
            log.exception("old_data_not_removed", kind=each.key)
            removed[each.key] = 0
            _note_failure(each.key, error)
    return removed


def _note_failure(kind: str, error: Exception) -> None:
    """For operators. Not what the error says: it may quote a row."""
    run = {"ran_at": timezone.now(), "removed": 0, "error": type(error).__name__}
    with suppress(DatabaseError):  # With the database away, the log alone has it.
        RetentionRun.objects.update_or_create(kind=kind, defaults=run)


def _enforce(retention: Retention, longest_s: float) -> int:
    assert retention.remove is not None
    now = timezone.now()
    before = now - timedelta(days=getattr(settings, retention.setting))
    removed, began, is_behind = 0, time.monotonic(), False
    while count := retention.remove(before, BATCH):
        removed += count
        if time.monotonic() - began > longest_s:
            is_behind = True
            break
    run, _ = RetentionRun.objects.get_or_create(kind=retention.key, defaults={"ran_at": now})
    run.ran_at, run.removed, run.is_behind, run.error = now, removed, is_behind, ""
    run.removed_in_all += removed
    run.save()
    if removed:
        log.info("old_data_removed", kind=retention.key, rows=removed, is_behind=is_behind)
    return removed
