"""Browser sessions of the demo shop's visitors; of staff none is touched."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.models import Session

from mangaassist.privacy.registry import Counts, Holder, register_holder
from mangaassist.privacy.subject import Subject


def _erase(subject: Subject) -> Counts:
    keys = list(_sessions_of(subject))
    return {"browser sessions": Session.objects.filter(pk__in=keys).delete()[0]}


def _sessions_of(subject: Subject) -> Iterator[str]:
    """What is in a session is written so that only reading each tells. One that was written since is a new visit."""
    if not subject.owners:
        return
    written_before = subject.until + timedelta(seconds=settings.SESSION_COOKIE_AGE)
    for session in Session.objects.filter(expire_date__lte=written_before).iterator(chunk_size=500):
        known = session.get_decoded()
        mine = known.get("customer_id") or known.get("guest_id")
        if mine and mine in subject.names and SESSION_KEY not in known:
            yield session.session_key


def register() -> None:
    register_holder(Holder(app="sessions", personal=("Session",), erase=_erase))
