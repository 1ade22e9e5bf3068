"""Every change of a handoff's state. Each is one transaction and one row of the audit trail, and idempotent: two
clicks, two tabs or a retry make one. What cannot be is refused with a :class:`HandoffConflict`.

                 take, assign              return
    queued ──────────────────────▶ agent ─────────▶ queued          transfer: agent ▶ another agent
      │ cancel ▶ cancelled           │ close, cancel ▶ closed
      │ close  ▶ closed
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from escalation.actors import SHOPPER, SYSTEM, Actor
from escalation.models import AgentPresence, Handoff, HandoffLine, HandoffTransition, Priority, Trigger
from escalation.signals import handoff_changed, handoff_rated
from mangaassist.doorbell import ring_after_commit

# The desk's bell (mangaassist.doorbell): rung with a handoff's id whenever it or its lines have changed.
DESK_BELL = "desk"
Status = Handoff.Status


class HandoffConflict(Exception):
    """What was asked does not fit the state. ``code``: over, taken, not_yours, not_taken, full, not_allowed,
    not_there;
    at the desk also elsewhere (its contact centre answers it), by e-mail also no_email.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class SaidLine:
    """A line from before the handoff. ``cards``: [{"card_id", "kind", "id", "reason"}]."""

    role: str
    text: str
    cards: list[dict[str, Any]] = field(default_factory=list)
    author: str = ""
    at: datetime = field(default_factory=timezone.now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """``created``: it was not open before."""

    handoff_id: str
    created: bool


def open_handoff(
    *,
    conversation_id: str,
    customer_id: str,
    reason: str,
    language: str,
    summary: str,
    lines: Sequence[SaidLine],
    trigger: str = Trigger.ASKED,
    priority: int = Priority.NORMAL,
    package: dict[str, Any] | None = None,
) -> Opened:
    """The conversation's open handoff, opened now if there is none. ``lines``: oldest first."""
    for is_last in (False, True):
        handoff = Handoff(
            conversation_id=conversation_id,
            customer_id=customer_id,
            trigger=trigger,
            reason=reason[:500],
            priority=priority,
            language=language,
            summary=summary,
            package=package or {},
        )
        try:
            _store(handoff, lines)
        except IntegrityError:
            known = Handoff.objects.open().filter(conversation_id=conversation_id).first()
            if known is not None:
                return Opened(handoff_id=str(known.pk), created=False)
            if is_last:  # The one that was in the way has been closed meanwhile: once, but not again and again.
                raise
        else:
            break
    return Opened(handoff_id=str(handoff.pk), created=True)


@transaction.atomic
def _store(handoff: Handoff, lines: Sequence[SaidLine]) -> None:
    handoff.save(force_insert=True)
    HandoffLine.objects.bulk_create(
        HandoffLine(handoff=handoff, role=line.role, text=line.text, cards=line.cards, author=line.author, at=line.at)
        for line in lines
    )
    record(handoff, before="", by=SHOPPER if handoff.trigger == Trigger.ASKED else SYSTEM)


@transaction.atomic
def cancel_handoff(conversation_id: str) -> bool:
    """The shopper goes back to the assistant, from the queue or from the agent; False when nothing was open."""
    handoff = Handoff.objects.open().filter(conversation_id=conversation_id).select_for_update().first()
    if handoff is None:
        return False
    if handoff.status == Status.QUEUED:
        _end(handoff, Status.CANCELLED, SHOPPER)
    else:
        _end(handoff, Status.CLOSED, SHOPPER, reason=Handoff.CloseReason.SHOPPER_LEFT)
    return True


@transaction.atomic
def take_handoff(handoff_id: str, *, by: Actor) -> None:
    """From the queue to ``by``. Nothing changes when they have it already.

    Raises :class:`HandoffConflict`: over, taken (somebody was faster), full (they have as many as they can).
    """
    handoff = find_open(handoff_id)
    if handoff.status == Status.AGENT:
        if _holds(handoff, by):
            return
        raise HandoffConflict("taken", f"{handoff.agent_name or 'Somebody'} has taken it.")
    # In this order: two takes at once count one after the other.
    if by.role == "agent" and _locked_capacity(by) <= _held(by):
        raise HandoffConflict("full", "You have as many conversations as you said you can take.")
    _give(handoff, by, by=by)


@transaction.atomic
def assign_handoff(handoff_id: str, *, to: Actor, by: Actor) -> None:
    """A lead gives a waiting shopper to an agent.

    Raises :class:`HandoffConflict`: over, taken, not_allowed, not_there.
    """
    if not by.is_lead:
        raise HandoffConflict("not_allowed", "Only a lead assigns conversations to others.")
    handoff = find_open(handoff_id)
    if handoff.status == Status.AGENT:
        if _holds(handoff, to):
            return
        raise HandoffConflict("taken", f"{handoff.agent_name or 'Somebody'} has taken it; transfer it.")
    _must_be_there(to, by)
    _give(handoff, to, by=by, detail=f"assigned to {to.name}")


@transaction.atomic
def transfer_handoff(handoff_id: str, *, to: Actor, by: Actor, detail: str = "") -> None:
    """From its agent to another one. Raises :class:`HandoffConflict`: over, not_taken, not_yours, not_there."""
    handoff = _held_open(handoff_id, by)
    if not _holds(handoff, to):
        _must_be_there(to, by)
        _give(handoff, to, by=by, detail=f"transferred to {to.name}. {detail}".strip())


@transaction.atomic
def return_handoff(handoff_id: str, *, by: Actor, detail: str = "") -> None:
    """Back to the queue, where its age puts it in front. Nothing changes when it waits there already.

    Raises :class:`HandoffConflict`: over, not_yours.
    """
    handoff = find_open(handoff_id)
    if handoff.status == Status.QUEUED:
        return
    _must_hold(handoff, by)
    handoff.agent_id, handoff.agent_name, handoff.taken_at = None, "", None
    _move(handoff, Status.QUEUED, by, detail, "agent", "agent_name", "taken_at")


@transaction.atomic
def close_handoff(handoff_id: str, *, by: Actor, reason: str = Handoff.CloseReason.RESOLVED, detail: str = "") -> bool:
    """The conversation goes back to the assistant; False when it was over already.

    Raises :class:`HandoffConflict`: not_yours.
    """
    handoff = Handoff.objects.select_for_update().get(pk=handoff_id)
    if handoff.status not in Handoff.OPEN:
        return False
    if handoff.status == Status.AGENT:
        _must_hold(handoff, by)
    _end(handoff, Status.CLOSED, by, reason=reason, detail=detail)
    return True


@transaction.atomic
def shopper_is(conversation_id: str, customer_id: str) -> bool:
    """The guest of an open handoff has signed in; False when nothing changes. A customer stays who they are."""
    handoff = Handoff.objects.open().filter(conversation_id=conversation_id).select_for_update().first()
    if handoff is None or handoff.customer_id or not customer_id:
        return False
    handoff.customer_id = customer_id
    handoff.save(update_fields=["customer_id"])
    record(handoff, before=handoff.status, by=SHOPPER, detail="signed in")
    return True


@transaction.atomic
def rate_handoff(handoff_id: str, *, conversation_id: str, csat: int, comment: str = "") -> None:
    """The shopper's opinion (1-5) of a person's help; a second one replaces the first.

    Raises ``Handoff.DoesNotExist`` for another conversation's, ``ValueError`` for another number, and
    :class:`HandoffConflict`: not_taken (nobody had answered yet).
    """
    if not 1 <= csat <= 5:
        raise ValueError("csat goes from 1 to 5.")
    handoff = Handoff.objects.select_for_update().get(pk=handoff_id, conversation_id=conversation_id)
    if handoff.taken_at is None:
        raise HandoffConflict("not_taken", "Nobody has answered in this handoff.")
    handoff.csat, handoff.csat_comment = csat, comment[:2000]
    handoff.save(update_fields=["csat", "csat_comment"])
    handoff_rated.send(
        sender=Handoff,
        handoff_id=str(handoff.pk),
        conversation_id=conversation_id,
        csat=csat,
        at=timezone.now(),
    )
    ring_after_commit(DESK_BELL, str(handoff.pk))


# --- The same for all ---------------------------------------------------------------------------------------


def must_hold(handoff: Handoff, by: Actor) -> None:
    """Raises :class:`HandoffConflict` unless ``by`` is its agent: over, not_taken, not_yours."""
    if handoff.status not in Handoff.OPEN:
        raise HandoffConflict("over", "This handoff is over.")
    if handoff.status == Status.QUEUED:
        raise HandoffConflict("not_taken", "Nobody has taken it yet.")
    if not _holds(handoff, by):
        raise HandoffConflict("not_yours", f"{handoff.agent_name or 'Somebody else'} has it.")


def find_open(handoff_id: str) -> Handoff:
    """Locked. Raises :class:`HandoffConflict`: over."""
    handoff = Handoff.objects.select_for_update().get(pk=handoff_id)
    if handoff.status not in Handoff.OPEN:
        raise HandoffConflict("over", "This handoff is over.")
    return handoff


def _held_open(handoff_id: str, by: Actor) -> Handoff:
    handoff = find_open(handoff_id)
    if handoff.status == Status.QUEUED:
        raise HandoffConflict("not_taken", "Nobody has taken it yet.")
    _must_hold(handoff, by)
    return handoff


def _must_hold(handoff: Handoff, by: Actor) -> None:
    """Its agent, or a lead."""
    if not by.is_lead and not _holds(handoff, by):
        raise HandoffConflict("not_yours", f"{handoff.agent_name or 'Somebody else'} has it.")


def _holds(handoff: Handoff, actor: Actor) -> bool:
    if handoff.agent_id is None and actor.user_id is None:
        return handoff.agent_name == actor.shown
    return handoff.agent_id == actor.user_id


def _must_be_there(to: Actor, by: Actor) -> None:
    """A shopper is given to nobody who will not see them: their desk is open. Away is their own word, and a lead's to
    overrule. The contact centre knows where its people are.
    """
    if to.user_id in {None, by.user_id}:
        return
    presence = AgentPresence.objects.filter(user=to.user_id).first()
    if presence is None:
        raise HandoffConflict("not_there", f"{to.shown} has never opened the desk.")
    if not presence.is_open:
        raise HandoffConflict("not_there", f"{to.shown} does not have the desk open.")


def _held(actor: Actor) -> int:
    return Handoff.objects.filter(status=Status.AGENT, agent=actor.user_id).count()


def _locked_capacity(actor: Actor) -> int:
    """Whoever asks for the same agent's waits for the end of this transaction."""
    presence = AgentPresence.objects.filter(user=actor.user_id).select_for_update().first()
    return presence.capacity if presence else AgentPresence.capacity.field.default


def _give(handoff: Handoff, to: Actor, *, by: Actor, detail: str = "") -> None:
    handoff.agent_id, handoff.agent_name, handoff.taken_at = to.user_id, to.shown, timezone.now()
    _move(handoff, Status.AGENT, by, detail, "agent", "agent_name", "taken_at")


def _end(handoff: Handoff, status: Handoff.Status, by: Actor, *, reason: str = "", detail: str = "") -> None:
    handoff.closed_at, handoff.close_reason = timezone.now(), reason
    _move(handoff, status, by, detail, "closed_at", "close_reason")


def _move(handoff: Handoff, status: Handoff.Status, by: Actor, detail: str, *changed: str) -> None:
    before, handoff.status = handoff.status, status
    handoff.save(update_fields=["status", *changed])
    record(handoff, before=before, by=by, detail=detail)


def record(handoff: Handoff, *, before: str, by: Actor, detail: str = "") -> None:
    """A row of the trail, and everybody hears of it. In the change's transaction, after it."""
    transition = HandoffTransition.objects.create(
        handoff=handoff, from_status=before, status=handoff.status, by=by.name, detail=detail[:300]
    )
    # Inside the transaction: a receiver's change and this one are one.
    handoff_changed.send(
        sender=Handoff,
        handoff_id=str(handoff.pk),
        conversation_id=handoff.conversation_id,
        status=handoff.status,
        before=before,
        agent_name=handoff.agent_name,
        trigger=handoff.trigger,
        by_email=bool(handoff.email),
        close_reason=handoff.close_reason,
        language=handoff.language,
        at=transition.at,
    )
    ring_after_commit(DESK_BELL, str(handoff.pk))
