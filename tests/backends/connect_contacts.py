"""Contacts of an Amazon Connect that a test has configured, and what Connect tells of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from django.db.models import F

from escalation.contact_events import apply_contact_event
from mangaassist.outbox.models import OutboxMessage
from mangaassist.outbox.relay import drain
from tests.backends.connect_fake import contact_id_of

FLOW = "22222222-2222-3333-4444-555555555555"
QUEUE = "33333333-2222-3333-4444-555555555555"
TOPIC_ARN = "arn:aws:sns:us-east-1:123456789012:chat"
Configure = Callable[..., None]


def deliver() -> None:
    """The relay, as soon as everything is due."""
    OutboxMessage.objects.filter(topic="handoff-contact").update(due_at=F("created_at") - timedelta(seconds=1))
    drain("handoff-contact")


def contact_event(kind: str, number: int = 1, **detail: str) -> None:
    """Of our contact, or (from 2) of one that transfers have made of it."""
    known = {"eventType": kind, "contactId": contact_id_of(number), "initialContactId": contact_id_of(1)}
    if number > 1:
        known["previousContactId"] = contact_id_of(number - 1)
    apply_contact_event({"detail-type": "Amazon Connect Contact Event", "detail": known | detail})
