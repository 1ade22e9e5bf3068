"""Sessions of staff: where they are, when they end, and how to end all of them."""

from __future__ import annotations

import time
from datetime import timedelta
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest
from django.utils import timezone

from mangaassist.access.audit import network_address
from mangaassist.access.models import StaffSession

# Under these names a session knows when it began, when it was last used, and under which key it is noted here.
BEGAN, SEEN, NOTED = "room_began", "room_seen", "room_noted"
# A use is written down at most so often.
SEEN_EVERY_S = 60


def begin(request: HttpRequest) -> None:
    """A new one, at the sign-in."""
    now = time.time()
    request.session[BEGAN] = request.session[SEEN] = now
    _note(request)


def expired(request: HttpRequest, *, idle_counts: bool) -> bool:
    """Whether it has lasted or lain idle too long; if not, its use is noted. Its user is signed in."""
    session, now = request.session, time.time()
    began, seen = session.get(BEGAN), session.get(SEEN, 0)
    if began is None:  # From before sessions were noted.
        begin(request)
        return False
    if is_over(session):
        return True
    if idle_counts and now - seen > settings.STAFF_IDLE_MIN * 60:
        return True
    # A changed password gives the session another key.
    if now - seen > SEEN_EVERY_S or session.get(NOTED) != session.session_key:
        session[SEEN] = now
        _note(request)
    return False


def is_over(session: SessionBase) -> bool:
    """Whether it has lasted too long, however much it is used."""
    began = session.get(BEGAN)
    return began is not None and time.time() - began > settings.STAFF_SESSION_H * 3600


def _note(request: HttpRequest) -> None:
    session = request.session
    if session.session_key is None:
        session.create()
    before, session[NOTED] = session.get(NOTED), session.session_key
    seen: dict[str, Any] = {
        "user_id": request.user.pk,
        "seen_at": timezone.now(),
        "address": network_address(request),
        "browser": request.headers.get("User-Agent", "")[:200],
        "session_key": session.session_key,
    }
    if before and before != session.session_key:
        StaffSession.objects.filter(session_key=before).delete()
    StaffSession.objects.update_or_create(session_key=session.session_key, defaults=seen)


def end(noted: list[StaffSession]) -> int:
    """Ends these sessions, open desks among them; how many."""
    store = import_module(settings.SESSION_ENGINE).SessionStore
    for each in noted:
        store(each.session_key).delete()
    StaffSession.objects.filter(pk__in=[each.pk for each in noted]).delete()
    return len(noted)


def sign_out_everywhere(user_id: int) -> int:
    """Ends every session of a user; how many."""
    return end(list(StaffSession.objects.filter(user_id=user_id)))


def forget_ended() -> int:
    """Notes of sessions that can have no life in them any more."""
    before = timezone.now() - timedelta(seconds=settings.SESSION_COOKIE_AGE)
    return StaffSession.objects.filter(seen_at__lt=before).delete()[0]
