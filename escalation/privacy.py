"""Handoffs: their lines are a copy of what was said, with notes of agents and where to write to."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from escalation.forgetting import forget_handoffs, forget_words
from escalation.models import Handoff
from mangaassist.privacy.registry import (
    Countable,
    Counts,
    Holder,
    Retention,
    Rows,
    TopicData,
    register_holder,
    register_retention,
    unless_named,
)
from mangaassist.privacy.subject import Subject
from mangaassist.privacy.words import Words


def _handoffs(subject: Subject) -> QuerySet[Handoff]:
    """Of their conversations whenever they were opened: a turn that was under way may have asked for people since."""
    mine = Q(conversation_id__in=subject.conversations)
    if subject.customer_id:
        mine |= Q(customer_id=subject.customer_id, opened_at__lte=subject.until)
    return Handoff.objects.filter(mine)


def _find(subject: Subject) -> Subject:
    if not (subject.customer_id or subject.conversations):
        return subject
    rows = list(_handoffs(subject).values_list("pk", "conversation_id"))
    return subject.with_more(handoffs=[str(pk) for pk, _ in rows], conversations=[id for _, id in rows])


def _export(subject: Subject) -> Iterator[tuple[str, Rows]]:
    yield "handoffs", _told(subject)


def _told(subject: Subject) -> Iterator[dict[str, Any]]:
    for row in _handoffs(subject).order_by("opened_at").iterator(chunk_size=50):
        yield {
            "id": str(row.pk),
            "conversation_id": row.conversation_id,
            "status": row.status,
            "reason": row.reason,
            "summary": row.whole_summary,
            "email": row.email or None,
            "rating": row.csat,
            "comment": row.csat_comment,
            "opened_at": row.opened_at.isoformat(),
            "closed_at": row.closed_at and row.closed_at.isoformat(),
            "lines": [
                {"role": line.role, "author": line.author or None, "text": line.text, "at": line.at.isoformat()}
                for line in row.lines.all()
            ],
        }


def _erase(subject: Subject) -> Counts:
    """Those whose conversation is gone already: chat takes the others with it."""
    conversations = set(_handoffs(subject).values_list("conversation_id", flat=True))
    return {"handoffs": sum(forget_handoffs(each) for each in conversations)}


def _count(subject: Subject) -> Iterator[tuple[str, Countable]]:
    yield "handoffs", _handoffs(subject)


def _redact(words: Words) -> None:
    forget_words(words.conversation, words.said)


def remove_old(before: datetime, most: int) -> int:
    """Closed handoffs with their lines; the conversation stays for as long as conversations do."""
    old = Handoff.objects.filter(opened_at__lt=before, closed_at__lt=before).exclude(status__in=Handoff.OPEN)
    ids = list(old.order_by("opened_at").values_list("pk", flat=True)[:most])
    Handoff.objects.filter(pk__in=ids).delete()
    return len(ids)


def register() -> None:
    register_holder(
        Holder(
            app="escalation",
            personal=("Handoff", "HandoffLine", "HandoffTransition"),
            impersonal=(
                "AgentPresence", "CannedReply", "OfficeHours", "EscalationRule", "HandoffPolicy",
            ),
            topics={
                # To end a contact stays to be told: the row holds ids of ours alone.
                "handoff-contact": TopicData(unless_named, stays_until_done=True),
                "handoff-events": TopicData(unless_named),
                "handoff-mail": TopicData(unless_named),
            },
            find=_find,
            export=_export,
            count=_count,
            erase=_erase,
            redact=_redact,
        )
    )  # fmt: skip
    register_retention(
        Retention(
            key="handoffs",
            name=_("Handoffs"),
            about=_("What people were told and wrote, notes and addresses of shoppers, since the closing."),
            setting="HANDOFFS_KEPT_DAYS",
            remove=remove_old,
        )
    )
