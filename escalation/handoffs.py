"""Opening, cancelling and closing handoffs. Two clicks, two tabs or a retry make one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.utils import timezone

from escalation.backends import handoff_backends
from escalation.backends.base import HandoffUnavailable, QueueView
from escalation.models import Handoff, HandoffLine, HandoffQuerySet, HandoffTransition
from escalation.signals import handoff_changed


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoffTicket:
    """What a shopper is told. ``estimated_wait``: seconds, None when unknown. ``created``: not open before."""

    handoff_id: str
    estimated_wait: int | None
    position: int | None
    created: bool


def open_handoff(
    *,
    conversation_id: str,
    customer_id: str,
    reason: str,
    language: str,
    summary: str,
    lines: Sequence[tuple[str, str]],
) -> HandoffTicket:
    """The conversation's open handoff, opened now if there is none. ``lines``: (role, text), oldest first."""
    created = True
    try:
        with transaction.atomic():
            handoff = Handoff.objects.create(
                conversation_id=conversation_id,
                customer_id=customer_id,
                reason=reason[:500],
                language=language,
                summary=summary,
            )
            HandoffLine.objects.bulk_create(HandoffLine(handoff=handoff, role=role, text=text) for role, text in lines)
            _record(handoff, by="shopper")
    except IntegrityError:
        handoff, created = Handoff.objects.open().get(conversation_id=conversation_id), False
    try:
        view = handoff_backends["default"].look(str(handoff.pk))
    except HandoffUnavailable:
        view = QueueView(position=None, estimated_wait=None)
    return HandoffTicket(
        handoff_id=str(handoff.pk), estimated_wait=view.estimated_wait, position=view.position, created=created
    )


def cancel_handoff(conversation_id: str) -> bool:
    """The shopper leaves the queue; False when nothing was open."""
    return _end(Handoff.objects.open().filter(conversation_id=conversation_id), Handoff.Status.CANCELLED, "shopper")


def close_handoff(handoff_id: str, *, by: str) -> bool:
    """A person has finished; False when it was over already."""
    return _end(Handoff.objects.open().filter(pk=handoff_id), Handoff.Status.CLOSED, by)


@transaction.atomic
def _end(handoffs: HandoffQuerySet, status: Handoff.Status, by: str) -> bool:
    handoff = handoffs.select_for_update().first()
    if handoff is None:
        return False
    handoff.status, handoff.closed_at = status, timezone.now()
    handoff.save(update_fields=["status", "closed_at"])
    _record(handoff, by=by)
    return True


def _record(handoff: Handoff, *, by: str) -> None:
    transition = HandoffTransition.objects.create(handoff=handoff, status=handoff.status, by=by)
    # Inside the transaction: a receiver's message and this change are one.
    handoff_changed.send(
        sender=Handoff,
        handoff_id=str(handoff.pk),
        conversation_id=handoff.conversation_id,
        status=handoff.status,
        at=transition.at,
    )
