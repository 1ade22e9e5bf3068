"""Erasing one shopper everywhere.

At once, and a second time when whatever was under way then has come to its end: a turn that was running, a record in
another process's buffer, a cache's late store. Until that second pass the ids that are erased stand in its row, so
that a crash or an outage only delays it; then they stand nowhere.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog
from django.core import signing
from django.utils import timezone

from mangaassist.access.audit import Kind, record
from mangaassist.privacy.models import Erasure
from mangaassist.privacy.registry import Counts, holders
from mangaassist.privacy.subject import Subject

log = structlog.get_logger(__name__)
# Longer than a turn may take, and than any buffer is kept.
AGAIN_AFTER = timedelta(minutes=2)
RETRY_AFTER = timedelta(minutes=1)
# A pass that takes longer has lost its process.
LEASE = timedelta(minutes=15)
PASSES = 2
_SALT = "mangaassist.privacy.erasure"


def erase_shopper(subject: Subject, *, by: str) -> Erasure:
    """Removes what is kept of a shopper; the rest of it follows by itself (:func:`finish_due`).

    Asked for again, it removes what is new. ``error`` of the answer says what has failed; it is tried again.
    """
    now = timezone.now()
    erasure = Erasure.objects.create(
        reference=subject.reference,
        asked_by=by[:150],
        asked_at=now,
        subject=signing.dumps(subject.as_text(), salt=_SALT, compress=True),
        again_at=now + LEASE,
    )
    record(Kind.ERASURE, actor=by, what=f"shopper {subject.reference}", detail="erasure asked for")
    _pass_over(erasure, subject)
    return erasure


def finish_due(now: datetime | None = None) -> int:
    """Does the passes that are due; how many. Two processes never do the same one."""
    now, done = now or timezone.now(), 0
    for pk, due in list(Erasure.objects.filter(again_at__lte=now).values_list("pk", "again_at")):
        if Erasure.objects.filter(pk=pk, again_at=due).update(again_at=timezone.now() + LEASE):
            erasure = Erasure.objects.get(pk=pk)
            _pass_over(erasure, Subject.from_text(signing.loads(erasure.subject, salt=_SALT)))
            done += 1
    return done


def _pass_over(erasure: Erasure, subject: Subject) -> None:
    removed, failed = _erase(subject)
    counts: Counts = dict(erasure.counts)
    for name, count in removed.items():
        counts[name] = counts.get(name, 0) + count
    now = timezone.now()
    erasure.counts, erasure.error = {name: count for name, count in counts.items() if count}, failed[:300]
    if failed:
        erasure.again_at = now + RETRY_AFTER
    else:
        erasure.passes += 1
        erasure.again_at = now + AGAIN_AFTER
        if erasure.passes >= PASSES:
            erasure.subject, erasure.again_at, erasure.done_at = "", None, now
            told = ", ".join(f"{count} {name}" for name, count in sorted(erasure.counts.items())) or "nothing was kept"
            record(Kind.ERASURE, actor=erasure.asked_by, what=f"shopper {erasure.reference}", detail=f"erased: {told}")
    erasure.save()


def _erase(subject: Subject) -> tuple[Counts, str]:
    """(what was removed, what failed). One app's failure keeps no other from erasing, but for those that clear up
    after it: they come with the next attempt as well."""
    removed: Counts = {}
    failed = ""
    for holder in holders():
        try:
            removed |= holder.erase(subject)
        except Exception as error:  # Whatever it is: the row says so, and it is tried again.
            log.warning("erasure_failed", app=holder.app, error=type(error).__name__)
            failed = f"{holder.app}: {type(error).__name__}"
    return removed, failed
