"""What happens in the contact centre, as it comes back through a queue, at least once and in any order.

Two kinds of message: chat streaming (Amazon Connect → SNS → SQS; "Use the Amazon SNS payload after enabling message
streaming" in Connect's administrator guide) and contact events (EventBridge → SQS, "Amazon Connect contact events").
"""

from __future__ import annotations

import uuid
from typing import Any

import orjson
from django.conf import settings
from django.db import transaction

from escalation.actors import contact_centre
from escalation.contacts import centre
from escalation.handoffs import close_handoff, record, take_handoff, transfer_handoff
from escalation.lines import LONGEST_LINE, say
from escalation.models import Handoff, HandoffLine
from escalation.signals import agent_typing
from mangaassist.outbox.backends import handoff_events_queues
from mangaassist.outbox.backends.base import Queue
from mangaassist.outbox.consumers import MessageRefused, NothingToConsume

TOPIC = "handoff-events"
_EVENT = "application/vnd.amazonaws.connect.event."
_ENDS = frozenset({"DISCONNECTED", "COMPLETED"})
_WORDS = frozenset({"text/plain", "text/markdown"})


class ContactUnknown(Exception):
    """No handoff has this contact yet: its start may still be under way. The message comes again."""


def events_queue() -> Queue:
    """Raises :class:`NothingToConsume`."""
    if not settings.HANDOFF_EVENTS_QUEUES:
        raise NothingToConsume("No queue tells of contacts: set HANDOFF=connect and CONNECT_EVENTS_QUEUE_URL.")
    return handoff_events_queues["default"]


def apply_contact_event(body: dict[str, Any]) -> None:
    """Raises :class:`MessageRefused` for nonsense and :class:`ContactUnknown`."""
    if body.get("detail-type") == "Amazon Connect Contact Event":
        _contact_event(body.get("detail"))
        return
    event, visibility = _unwrapped(body)
    role = event.get("ParticipantRole")
    if visibility == "AGENT" or role == "CUSTOMER":
        return  # For agents only, or the shopper's own words.
    handoff = _handoff_of(event.get("ContactId"), event.get("InitialContactId"))
    if handoff is None:
        raise ContactUnknown(str(event.get("ContactId")))
    if handoff.status not in Handoff.OPEN:
        return
    kind, name = str(event.get("ContentType", "")), str(event.get("DisplayName") or "")[:150]
    if kind == f"{_EVENT}chat.ended":
        close_handoff(str(handoff.pk), by=contact_centre(name), reason=Handoff.CloseReason.ELSEWHERE)
    elif role == "AGENT" and kind == f"{_EVENT}participant.joined":
        _taken(handoff, name)
    elif role == "AGENT" and kind == f"{_EVENT}typing":
        agent_typing.send(sender=Handoff, conversation_id=handoff.conversation_id, agent_name=name, active=True)
    elif kind in _WORDS and event.get("Content"):
        _said(handoff, event, name, by_agent=role == "AGENT")


def _unwrapped(body: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """(the event, MessageVisibility) out of SNS's envelope."""
    try:
        event = orjson.loads(body["Message"])
    except (KeyError, TypeError, orjson.JSONDecodeError) as error:
        raise MessageRefused("neither a contact event nor a streamed message") from error
    if not isinstance(event, dict):
        raise MessageRefused("the streamed message is no object")
    attribute = (body.get("MessageAttributes") or {}).get("MessageVisibility") or {}
    return event, str(attribute.get("Value", "ALL"))


def _handoff_of(*contact_ids: Any) -> Handoff | None:
    known = [each for each in contact_ids if isinstance(each, str) and each]
    return Handoff.objects.filter(contact_id__in=known).first() if known else None


def _taken(handoff: Handoff, name: str) -> None:
    by = contact_centre(name)
    if handoff.status == Handoff.Status.QUEUED:
        take_handoff(str(handoff.pk), by=by)
    elif name and handoff.agent_name != name:
        transfer_handoff(str(handoff.pk), to=by, by=by)


def _said(handoff: Handoff, event: dict[str, Any], name: str, *, by_agent: bool) -> None:
    """An agent's words reach the shopper; those of the flow are kept for whoever reads the handoff."""
    text = str(event["Content"]).replace("\0", "")
    # The message's own id: a message that comes twice is one line.
    word = f"{handoff.contact_id} {event.get('Id') or event.get('AbsoluteTime')}"
    if not by_agent:
        HandoffLine.objects.get_or_create(
            handoff=handoff,
            client_id=uuid.uuid5(uuid.NAMESPACE_OID, word),
            defaults={"role": HandoffLine.Role.NOTICE, "text": text, "author": name},
        )
        return
    # Events come in any order: whoever speaks has taken it.
    _taken(handoff, name)
    for place, start in enumerate(range(0, len(text), LONGEST_LINE)):
        piece = text[start : start + LONGEST_LINE].strip()
        if piece:
            client_id = uuid.uuid5(uuid.NAMESPACE_OID, f"{word} {place}")
            say(str(handoff.pk), piece, by=contact_centre(name), client_id=client_id)


def _contact_event(detail: Any) -> None:
    """Of every contact of the instance: those that are not ours are none of our business."""
    if not isinstance(detail, dict):
        raise MessageRefused("a contact event without its detail")
    handoff = _handoff_of(detail.get("contactId"), detail.get("initialContactId"))
    if handoff is None or handoff.status not in Handoff.OPEN:
        return
    kind = detail.get("eventType")
    all_ended = _follow(str(handoff.pk), detail, ended=kind in _ENDS)
    backend = centre()
    carries_words = backend is not None and backend.carries_words
    if kind == "CONNECTED_TO_AGENT" and carries_words:
        _taken(handoff, "")
    elif kind == "CONNECTED_TO_AGENT":
        _task_accepted(str(handoff.pk), str(detail.get("contactId")))
    elif all_ended and not carries_words:  # A chat outlives its contacts and says itself when it ends.
        _task_ended(str(handoff.pk))


@transaction.atomic
def _follow(handoff_id: str, detail: dict[str, Any], *, ended: bool) -> bool:
    """A transfer makes a new contact with the same ``initialContactId`` and ends the one before. All are remembered, in
    whatever order they are heard of: {contact: whether it has ended}. True when none is left.
    """
    handoff = Handoff.objects.select_for_update().get(pk=handoff_id)
    contacts: dict[str, bool] = {handoff.contact_id: False} | handoff.contact.get("contacts", {})
    contact, previous = str(detail.get("contactId")), detail.get("previousContactId")
    contacts[contact] = ended or contacts.get(contact, False)
    if ended and previous in contacts:  # Its own end may have been lost: events are sent at best effort.
        contacts[previous] = True
    if contacts != handoff.contact.get("contacts"):
        handoff.contact = handoff.contact | {"contacts": contacts}
        handoff.save(update_fields=["contact"])
    return all(contacts.values())


@transaction.atomic
def _task_accepted(handoff_id: str, contact_id: str) -> None:
    """Whoever accepts a task answers at our desk, as the user they are there: it waits until they take it."""
    handoff = Handoff.objects.select_for_update().get(pk=handoff_id)
    if handoff.status == Handoff.Status.QUEUED:
        _note(handoff, f"task {contact_id} accepted")


@transaction.atomic
def _task_ended(handoff_id: str) -> None:
    """Nobody waits for an answer any more, unless somebody at our desk is giving it: a task may be completed as soon as
    it was read, and its end may come before what came before it. Then the one who answers closes it.
    """
    handoff = Handoff.objects.select_for_update().get(pk=handoff_id)
    if handoff.status == Handoff.Status.AGENT and handoff.agent_id is not None:
        _note(handoff, "task ended")
    else:
        close_handoff(handoff_id, by=contact_centre(""), reason=Handoff.CloseReason.ELSEWHERE)


def _note(handoff: Handoff, detail: str) -> None:
    """In the trail, once."""
    if not handoff.transitions.filter(detail=detail).exists():
        record(handoff, before=handoff.status, by=contact_centre(""), detail=detail)
