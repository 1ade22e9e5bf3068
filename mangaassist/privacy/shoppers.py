"""Finding a shopper: by customer id, by a guest's session, or by one of their conversations."""

from __future__ import annotations

from django.utils import timezone

from mangaassist.privacy.registry import holders
from mangaassist.privacy.subject import Subject

LONGEST_NAME = 128


class NotOne(ValueError):
    """What was given names no shopper, or more than one way."""


def find_shopper(*, customer_id: str = "", session_id: str = "", conversation_id: str = "") -> Subject:
    """Exactly one of the three. Of a conversation of a customer's the whole customer is meant, of a guest's the guest.

    Raises :class:`NotOne`. A shopper of whom nothing is kept is found as well, with nothing.
    """
    given = [name.strip() for name in (customer_id, session_id, conversation_id) if name.strip()]
    if len(given) != 1:
        raise NotOne("Give a customer id, a session id or a conversation id: one of them.")
    if len(given[0]) > LONGEST_NAME or "\x00" in given[0]:
        raise NotOne(f"An id has at most {LONGEST_NAME} characters.")
    subject = Subject(until=timezone.now(), customer_id=customer_id.strip()).with_more(
        sessions=[session_id.strip()], conversations=[conversation_id.strip()]
    )
    # What one app adds may tell another one more: a conversation its session, and that its other conversations.
    while (wider := _widened(subject)) != subject:
        subject = wider
    return subject


def _widened(subject: Subject) -> Subject:
    for holder in holders():
        subject = holder.find(subject)
    return subject
