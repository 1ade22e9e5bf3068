"""What a contact centre is told, behind the outbox and in order per handoff: begin, the shopper's words,
a summary that comes later, end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import structlog
from django.db import transaction

from escalation.actors import SYSTEM
from escalation.backends import handoff_backends
from escalation.backends.base import ContactCentre, HandoffUnavailable
from escalation.handoffs import record
from escalation.models import Handoff, HandoffLine
from mangaassist.outbox.delivery import enqueue
from mangaassist.outbox.topics import Delivery, NotYet

log = structlog.get_logger(__name__)

TOPIC = "handoff-contact"
Step = Literal["start", "tell", "describe", "stop"]
# Attempts to begin before our own desk takes it, where it may.
TRIES_BEFORE_DESK = 3


def centre() -> ContactCentre | None:
    """The configured contact centre; None where people answer at our desk."""
    backend = handoff_backends["default"]
    return backend if isinstance(backend, ContactCentre) else None


def answered_elsewhere(handoff: Handoff) -> bool:
    """The contact centre's agents answer it there: nobody at our desk may take it."""
    backend = centre()
    return backend is not None and backend.carries_words and not handoff.contact.get("fallback")


def tell_centre(handoff: Handoff, step: Step, *, line_id: int | None = None) -> None:
    """Writes down that the contact centre is to be told; in the change's transaction. Nothing without one."""
    backend = centre()
    if backend is None or (step == "tell" and not backend.carries_words):
        return
    payload = {"handoff_id": str(handoff.pk), "step": step, "line_id": line_id}
    enqueue(TOPIC, payload, key=str(handoff.pk))


def deliver(deliveries: Sequence[Delivery]) -> Mapping[str, str]:
    """The relay's handler."""
    failed: dict[str, str] = {}
    for delivery in deliveries:
        try:
            _deliver(delivery)
        except HandoffUnavailable as error:
            failed[delivery.id] = NotYet(error) if error.is_outage else str(error)
    return failed


def _deliver(delivery: Delivery) -> None:
    backend = centre()
    handoff = Handoff.objects.filter(pk=delivery.payload["handoff_id"]).first()
    if backend is None or handoff is None or handoff.contact.get("fallback"):
        return
    match delivery.payload["step"]:
        # A first attempt may have begun it unheard: then it must be known to be ended, even when nobody waits any more.
        case "start" if not handoff.contact_id and (handoff.status in Handoff.OPEN or delivery.attempt > 1):
            _start(backend, handoff, delivery)
        case "tell" if handoff.contact_id and handoff.status in Handoff.OPEN:
            line = HandoffLine.objects.filter(pk=delivery.payload["line_id"]).first()
            if line is not None:
                state = backend.tell(handoff, line.text, word_id=delivery.id)
                _renew(handoff, state)
        case "describe" if handoff.contact_id and handoff.status in Handoff.OPEN:
            _describe(backend, handoff)
        case "stop" if handoff.contact_id:
            backend.stop(handoff)


def _start(backend: ContactCentre, handoff: Handoff, delivery: Delivery) -> None:
    try:
        contact = backend.start(handoff)
    except HandoffUnavailable as error:
        log.warning("contact_not_started", handoff=str(handoff.pk), attempt=delivery.attempt, error=str(error)[:200])
        if backend.falls_back and delivery.attempt >= TRIES_BEFORE_DESK:
            _remember(handoff, {"fallback": "desk"}, detail="the contact centre does not answer: taken to the desk")
            return
        if not handoff.contact.get("unreached"):
            _remember(handoff, {"unreached": True}, detail="the contact centre does not answer")
        raise
    _remember(handoff, contact.state, contact_id=contact.id, detail=f"contact {contact.id}")


def _describe(backend: ContactCentre, handoff: Handoff) -> None:
    """Once, and never in the way of the shopper's words: the contact has a summary already."""
    try:
        backend.describe(handoff)
    except HandoffUnavailable as error:
        log.info("contact_not_described", handoff=str(handoff.pk), error=str(error)[:200])


@transaction.atomic
def _renew(handoff: Handoff, state: dict[str, object]) -> None:
    """Keeps what has changed of it while a word was told; what else came to be known meanwhile stays."""
    changed = {name: value for name, value in state.items() if handoff.contact.get(name) != value}
    if changed:
        locked = Handoff.objects.select_for_update().get(pk=handoff.pk)
        locked.contact = locked.contact | changed
        locked.save(update_fields=["contact"])


@transaction.atomic
def _remember(handoff: Handoff, state: dict[str, object], *, detail: str, contact_id: str = "") -> None:
    """Keeps what the contact came to and tells everybody. It may have ended meanwhile: then the stop follows."""
    locked = Handoff.objects.select_for_update().get(pk=handoff.pk)
    locked.contact, locked.contact_id = state, contact_id
    locked.save(update_fields=["contact", "contact_id"])
    if locked.status in Handoff.OPEN:
        record(locked, before=locked.status, by=SYSTEM, detail=detail)
