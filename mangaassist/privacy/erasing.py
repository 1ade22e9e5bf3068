"""Erasing one shopper, or one conversation, everywhere; and taking words out of everything that holds them.

At once, and a second time when whatever was under way then has come to its end: a turn that was running, a record in
another process's buffer, a cache's late store. Until that second pass the ids (or the words) that are erased stand in
its row, so that a crash or an outage only delays it; then they stand nowhere.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import structlog
from django.core import signing
from django.utils import timezone

from mangaassist.access.audit import Kind, record
from mangaassist.privacy.models import Erasure
from mangaassist.privacy.registry import Counts, completed, holders
from mangaassist.privacy.subject import Subject
from mangaassist.privacy.words import Words

log = structlog.get_logger(__name__)
Target = Subject | Words
# Longer than a turn may take, and than any buffer is kept.
AGAIN_AFTER = timedelta(minutes=2)
RETRY_AFTER = timedelta(minutes=1)
# A pass that takes longer has lost its process.
LEASE = timedelta(minutes=15)
PASSES = 2
_SALT = "mangaassist.privacy.erasure"


def erase(target: Target, *, by: str) -> Erasure:
    """Removes what is kept of it; the rest of it follows by itself (:func:`finish_due`).

    Asked for again, it removes what is new. ``error`` of the answer says what has failed; it is tried again.
    """
    now = timezone.now()
    if isinstance(target, Subject):
        target = completed(target)
    else:
        target = replace(target, questions=completed(target.as_subject()).questions)
    erasure = Erasure.objects.create(
        kind=target.kind,
        reference=target.reference,
        asked_by=by[:150],
        asked_at=now,
        subject=signing.dumps(target.as_text(), salt=_SALT, compress=True),
        again_at=now + LEASE,
    )
    _note(erasure, "erasure asked for")
    _pass_over(erasure, target)
    return erasure


def finish_due(now: datetime | None = None) -> int:
    """Does the passes that are due; how many. Two processes never do the same one."""
    now, done = now or timezone.now(), 0
    for pk, due in list(Erasure.objects.filter(again_at__lte=now).values_list("pk", "again_at")):
        if Erasure.objects.filter(pk=pk, again_at=due).update(again_at=timezone.now() + LEASE):
            erasure = Erasure.objects.get(pk=pk)
            target = _target_of(erasure)
            if target is not None:
                _pass_over(erasure, target)
            done += 1
    return done


def _target_of(erasure: Erasure) -> Target | None:
    """None when the row cannot say any more what it was about: then it ends, and operators see why."""
    kind = Words if erasure.kind == Erasure.Kind.WORDS else Subject
    try:
        return kind.from_text(signing.loads(erasure.subject, salt=_SALT))
    except (signing.BadSignature, LookupError, TypeError, ValueError, AttributeError) as error:
        log.error("erasure_unreadable", erasure=str(erasure.pk), error=type(error).__name__)
        erasure.subject, erasure.again_at = "", None
        erasure.error = (
            f"Not finished, ask for it once more: what it was about cannot be read ({type(error).__name__})."
        )
        erasure.save()
        _note(erasure, erasure.error)
        return None


def _pass_over(erasure: Erasure, target: Target) -> None:
    removed, failed = _erase(target)
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
            _note(erasure, "words taken out" if erasure.kind == Erasure.Kind.WORDS else f"erased: {told}")
    erasure.save()


def _erase(target: Target) -> tuple[Counts, str]:
    """(what was removed, what failed). One app's failure keeps no other from erasing, but for those that clear up
    after it: they come with the next attempt as well."""
    removed: Counts = {}
    failed: list[str] = []
    for holder in holders():
        try:
            if isinstance(target, Subject):
                removed |= holder.erase(target)
            else:
                holder.redact(target)
        except Exception as error:  # Whatever it is: the row says so, and it is tried again.
            log.warning("erasure_failed", app=holder.app, error=type(error).__name__)
            failed.append(f"{holder.app}: {type(error).__name__}")
    return removed, "; ".join(failed)


def _note(erasure: Erasure, detail: str) -> None:
    record(Kind.ERASURE, actor=erasure.asked_by, what=f"{erasure.kind} {erasure.reference}", detail=detail)
