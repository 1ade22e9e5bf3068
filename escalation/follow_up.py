"""When nobody can answer in the chat, the request goes on by e-mail. Mails leave by the outbox."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import timedelta
from smtplib import SMTPException

from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.core.validators import validate_email
from django.db import transaction
from django.utils import timezone

from escalation.actors import SHOPPER, Actor
from escalation.handoffs import HandoffConflict, close_handoff, find_open, must_hold, record
from escalation.lines import LineRefused
from escalation.models import Handoff, HandoffLine
from mangaassist.outbox.delivery import enqueue
from mangaassist.outbox.models import OutboxMessage
from mangaassist.outbox.topics import Delivery

TOPIC = "handoff-mail"
LONGEST_MAIL = 10_000
_SUBJECTS = {"en": "Your request to our team", "ja": "お問い合わせの件"}
_NOTED = {
    "en": "Thank you for your request. Our team has it and will write to you at this address.",
    "ja": "お問い合わせありがとうございます。担当者が確認のうえ、このアドレスにご連絡いたします。",
}
# Nobody has shown that an address is theirs: a confirmation holds no word of whoever gave it, and goes out so rarely
# that it troubles nobody. The request itself is kept all the same.
CONFIRMATIONS_PER_CONVERSATION = 2
CONFIRMED_AGAIN_AFTER = timedelta(days=1)


def leave_email(conversation_id: str, email: str) -> bool:
    """The shopper who waits leaves an address: they are answered there, and the assistant goes on meanwhile.

    The same address again changes nothing. False when nobody is waited for. Raises ``ValidationError``.
    """
    validate_email(email)
    with transaction.atomic():
        handoff = (
            Handoff.objects.queued().filter(conversation_id=conversation_id).select_for_update(of=("self",)).first()
        )
        if handoff is None:
            return False
        if handoff.email != email:
            handoff.email = email
            handoff.save(update_fields=["email"])
            record(handoff, before=handoff.status, by=SHOPPER, detail="left an e-mail address")
            if _may_confirm(handoff):
                _post(handoff, _NOTED[_language(handoff)], key=_noted_key(handoff.email))
    return True


@transaction.atomic
def wait_here(conversation_id: str) -> bool:
    """Who left an address asks for a person again: they wait in the chat from now on. False when nothing changes."""
    handoff = Handoff.objects.queued().filter(conversation_id=conversation_id).select_for_update(of=("self",)).first()
    if handoff is None or not handoff.email:
        return False
    handoff.email = ""
    handoff.save(update_fields=["email"])
    record(handoff, before=handoff.status, by=SHOPPER, detail="waits in the chat again")
    return True


@transaction.atomic
def answer_by_email(handoff_id: str, text: str, *, by: Actor, client_id: uuid.UUID) -> None:
    """An agent's answer to the address that the shopper left, and the end of the handoff; once per ``client_id``.

    Raises :class:`LineRefused`, and :class:`HandoffConflict`: over, not_taken, not_yours, no_email.
    """
    text = text.strip()
    if not 0 < len(text) <= LONGEST_MAIL:
        raise LineRefused(f"A mail has 1 to {LONGEST_MAIL} characters.")
    if HandoffLine.objects.filter(handoff_id=handoff_id, client_id=client_id).exists():
        return
    handoff = find_open(handoff_id)
    must_hold(handoff, by)
    if not handoff.email:
        raise HandoffConflict("no_email", "The shopper has left no address.")
    HandoffLine.objects.create(
        handoff=handoff, role=HandoffLine.Role.AGENT, text=text, author=by.shown, client_id=client_id
    )
    _post(handoff, f"{text}\n\n{by.shown}", key=f"{handoff.pk} answer")
    close_handoff(handoff_id, by=by, reason=Handoff.CloseReason.BY_EMAIL)


def _noted_key(email: str) -> str:
    """By mailbox: what follows a plus is the same person's."""
    name, _, host = email.casefold().rpartition("@")
    return f"noted {name.partition('+')[0]}@{host}"[:200]


def _may_confirm(handoff: Handoff) -> bool:
    """At most twice in a conversation, and once a day to an address, whoever gives it."""
    told = OutboxMessage.objects.filter(topic=TOPIC, key__startswith="noted ")
    if told.filter(payload__conversation_id=handoff.conversation_id).count() >= CONFIRMATIONS_PER_CONVERSATION:
        return False
    lately = told.filter(created_at__gte=timezone.now() - CONFIRMED_AGAIN_AFTER)
    return not lately.filter(key=_noted_key(handoff.email)).exists()


def _language(handoff: Handoff) -> str:
    return "ja" if handoff.language == "ja" else "en"


def _post(handoff: Handoff, text: str, *, key: str) -> None:
    payload = {
        "to": handoff.email,
        "subject": _SUBJECTS[_language(handoff)],
        "text": text,
        "conversation_id": handoff.conversation_id,
    }
    enqueue(TOPIC, payload | {"at": timezone.now().isoformat()}, key=key)


def send_mails(deliveries: Sequence[Delivery]) -> Mapping[str, str]:
    """The relay's handler. The row's id is the Message-ID, so that a mail sent twice is one in most mailboxes."""
    failed: dict[str, str] = {}
    for delivery in deliveries:
        mail = delivery.payload
        headers = {"Message-ID": f"<{delivery.id}@mangaassist>"}
        try:
            EmailMessage(mail["subject"], mail["text"], to=[mail["to"]], headers=headers).send()
        except (OSError, SMTPException, ValidationError) as error:
            failed[delivery.id] = str(error)[:500]
    return failed
