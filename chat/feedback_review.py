"""What operators do with opinions: who looks into one, what the cause was, what was said about it, and its end."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from chat.models import Feedback, FeedbackNote

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

LONGEST_NOTE = 2000


class ReviewRefused(ValueError):
    """Says which field is wrong."""


def to_review() -> QuerySet[Feedback]:
    """Bad opinions, and what else needs a person, that nobody has settled; newest first."""
    return Feedback.objects.filter(Q(rating=-1) | ~Q(flag=""), handled_at__isnull=True).order_by("-updated_at", "-pk")


def assign(ids: Collection[uuid.UUID], to: AbstractBaseUser | None) -> int:
    """``to``: None for nobody; how many have another one now."""
    chosen = Feedback.objects.filter(pk__in=ids)
    others = (
        chosen.filter(Q(assigned_to__isnull=True) | ~Q(assigned_to=to))
        if to
        else chosen.filter(assigned_to__isnull=False)
    )
    return others.update(assigned_to=to)


def label(ids: Collection[uuid.UUID], label: str) -> int:
    """Raises :class:`ReviewRefused` for an unknown label."""
    if label not in Feedback.Label.values:
        raise ReviewRefused("There is no such label.")
    return Feedback.objects.filter(pk__in=ids).exclude(label=label).update(label=label)


def resolve(ids: Collection[uuid.UUID], *, by: str) -> int:
    """Of those that are to be reviewed; how many."""
    return to_review().filter(pk__in=ids).update(handled_at=timezone.now(), handled_by=by)


def reopen(ids: Collection[uuid.UUID]) -> int:
    return Feedback.objects.filter(pk__in=ids, handled_at__isnull=False).update(handled_at=None, handled_by="")


def write_note(feedback: Feedback, text: str, *, by: str) -> FeedbackNote | None:
    """None for an empty one. Raises :class:`ReviewRefused` when it is too long."""
    text = text.strip()
    if len(text) > LONGEST_NOTE:
        raise ReviewRefused(f"A note has at most {LONGEST_NOTE} characters.")
    return FeedbackNote.objects.create(feedback=feedback, by=by, text=text) if text else None


@transaction.atomic
def review(
    feedback: Feedback, *, by: AbstractBaseUser, to: AbstractBaseUser | None, cause: str, note: str, is_settled: bool
) -> list[str]:
    """All that one form says, or nothing of it; what it changed, for the log. Raises :class:`ReviewRefused`."""
    ids, name = [feedback.pk], by.get_username()
    deeds = [
        (assign(ids, to), f"assigned to {to.get_username()}" if to else "assigned to nobody"),
        (label(ids, cause), f"labelled {cause or 'nothing'}"),
        (write_note(feedback, note, by=name) is not None, "note written"),
        (resolve(ids, by=name) if is_settled else reopen(ids), "resolved" if is_settled else "opened again"),
    ]
    return [said for changed, said in deeds if changed]


def neighbours(feedback: Feedback) -> tuple[uuid.UUID | None, uuid.UUID | None]:
    """(the newer, the older) one that is to be reviewed."""
    newer = to_review().filter(updated_at__gt=feedback.updated_at).order_by("updated_at", "pk")
    older = to_review().filter(updated_at__lt=feedback.updated_at)
    return newer.values_list("pk", flat=True).first(), older.values_list("pk", flat=True).first()
