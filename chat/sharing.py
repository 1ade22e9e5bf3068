"""Links to a conversation for other staff: signed, expiring, revocable. A link opens for nobody who is not signed in as
staff, and shows the words without personal data, so that it may be sent through a chat or a ticket.
"""

from __future__ import annotations

import uuid
from datetime import timedelta

from django.core import signing
from django.db.models import F
from django.utils import timezone

from chat.models import Conversation, SharedConversation

SALT = "chat.shared-conversation"
# Days that a link may be open.
CHOICES = (1, 7, 30)


class LinkClosed(Exception):
    """Forged, expired, revoked, or its conversation is gone: the same words for all."""


def share(conversation: Conversation, *, by: str, days: int) -> SharedConversation:
    """Raises ``ValueError`` for a time that is not offered."""
    if days not in CHOICES:
        raise ValueError(f"{days} days are not offered.")
    expires_at = timezone.now() + timedelta(days=days)
    return SharedConversation.objects.create(conversation=conversation, by=by, expires_at=expires_at)


def token_of(shared: SharedConversation) -> str:
    return signing.Signer(salt=SALT).sign(shared.pk.hex)


def open_link(token: str, *, by: str) -> SharedConversation:
    """The link's row, with its conversation; counted. Raises :class:`LinkClosed`."""
    shared = _open(token)
    if shared is None:
        raise LinkClosed
    SharedConversation.objects.filter(pk=shared.pk).update(opened=F("opened") + 1, last_opened_by=by)
    return shared


def turn_away(token: str) -> None:
    """Somebody tried who may not: counted, for whoever has shared it."""
    shared = _open(token)
    if shared is not None:
        SharedConversation.objects.filter(pk=shared.pk).update(turned_away=F("turned_away") + 1)


def _open(token: str) -> SharedConversation | None:
    try:
        pk = uuid.UUID(signing.Signer(salt=SALT).unsign(token))
    except (signing.BadSignature, ValueError):
        return None
    shared = SharedConversation.objects.select_related("conversation").filter(pk=pk).first()
    return shared if shared is not None and shared.is_open else None


def revoke(conversation: Conversation, share_id: uuid.UUID) -> bool:
    """False when there is no such link, or it was revoked before."""
    links = conversation.shares.filter(pk=share_id, revoked_at=None)
    return bool(links.update(revoked_at=timezone.now()))
