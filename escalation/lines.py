"""What is said in a handoff. Lines are escalation's own; agents' words reach the shopper by a signal."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from escalation.actors import Actor
from escalation.contacts import tell_centre
from escalation.handoffs import DESK_BELL, must_hold
from escalation.models import Handoff, HandoffLine
from escalation.signals import agent_spoke, agent_typing
from mangaassist.doorbell import aring, ring_after_commit

# Rung with a conversation's id and ``active`` while its shopper types.
TYPING_BELL = "shopper-types"
LONGEST_LINE = 4000
Role = HandoffLine.Role


class LineRefused(ValueError):
    """The text is empty or too long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """Where a shopper's word went. ``first_while_waiting``: it is their first in it, and nobody has answered yet."""

    handoff_id: str
    status: str
    first_while_waiting: bool


def say(
    handoff_id: str, text: str, *, by: Actor, client_id: uuid.UUID, cards: list[dict[str, Any]] | None = None
) -> HandoffLine:
    """An agent speaks to the shopper, once per ``client_id``: a resend gets the same line.

    ``cards``: [{"card_id", "kind", "id", "reason"}], at most 10. Raises :class:`LineRefused` and
    :class:`~escalation.handoffs.HandoffConflict`: over, not_taken, not_yours.
    """
    text = _readable(text, may_be_empty=bool(cards))
    with transaction.atomic():
        handoff = Handoff.objects.select_for_update().get(pk=handoff_id)
        known = handoff.lines.filter(client_id=client_id).first()
        if known is not None:
            return known
        must_hold(handoff, by)
        line = HandoffLine.objects.create(
            handoff=handoff,
            role=Role.AGENT,
            text=text,
            cards=(cards or [])[:10],
            author=by.shown,
            client_id=client_id,
        )
        agent_spoke.send(
            sender=HandoffLine,
            handoff_id=str(handoff.pk),
            conversation_id=handoff.conversation_id,
            line_id=line.pk,
            text=text,
            cards=line.cards,
            agent_name=by.shown,
            at=line.at,
        )
        ring_after_commit(DESK_BELL, str(handoff.pk))
    return line


def note(handoff_id: str, text: str, *, by: Actor, client_id: uuid.UUID) -> HandoffLine:
    """A word among agents, also after the end. Raises :class:`LineRefused`."""
    text = _readable(text)
    with transaction.atomic():
        handoff = Handoff.objects.get(pk=handoff_id)
        line, _ = HandoffLine.objects.get_or_create(
            handoff=handoff, client_id=client_id, defaults={"role": Role.NOTE, "text": text, "author": by.shown}
        )
        ring_after_commit(DESK_BELL, str(handoff.pk))
    return line


def shopper_spoke(conversation_id: str, text: str, *, client_id: uuid.UUID) -> Heard | None:
    """The shopper's word for whoever answers; None when no handoff is open. Once per ``client_id``."""
    with transaction.atomic():
        # Locked: one that is being closed is over when this goes on, and the assistant answers the word.
        handoff = Handoff.objects.open().filter(conversation_id=conversation_id).select_for_update().first()
        if handoff is None:
            return None
        waiting = handoff.status == Handoff.Status.QUEUED
        before = handoff.lines.filter(client_id__isnull=False, role=Role.SHOPPER)
        first = waiting and not before.exists()
        line, is_new = HandoffLine.objects.get_or_create(
            handoff=handoff, client_id=client_id, defaults={"role": Role.SHOPPER, "text": text}
        )
        if is_new:
            tell_centre(handoff, "tell", line_id=line.pk)
            ring_after_commit(DESK_BELL, str(handoff.pk))
    return Heard(handoff_id=str(handoff.pk), status=handoff.status, first_while_waiting=first and is_new)


def agent_types(handoff_id: str, *, by: Actor, active: bool) -> None:
    """The shopper sees that an agent types. Nothing is stored; nothing happens unless they have the handoff."""
    handoff = Handoff.objects.filter(pk=handoff_id, status=Handoff.Status.AGENT, agent_id=by.user_id).first()
    if handoff is not None:
        agent_typing.send(sender=Handoff, conversation_id=handoff.conversation_id, agent_name=by.shown, active=active)


async def shopper_types(conversation_id: str, *, active: bool) -> None:
    """The desk sees that the shopper types. Nothing is stored."""
    await aring(TYPING_BELL, conversation_id, active=active)


def _readable(text: str, *, may_be_empty: bool = False) -> str:
    # PostgreSQL stores no NUL, and a contact centre may send one.
    text = text.replace("\0", "").strip()
    if not text and not may_be_empty:
        raise LineRefused("The text is empty.")
    if len(text) > LONGEST_LINE:
        raise LineRefused(f"The text may have {LONGEST_LINE} characters.")
    return text
