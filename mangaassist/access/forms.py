"""The sign-in of the operator's room."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import ngettext

from mangaassist.access.audit import Kind, network_address, record
from mangaassist.access.models import AuditEntry
from mangaassist.access.throttle import Attempt, TooManyAttempts, begin_attempt


class SignInForm(AdminAuthenticationForm):
    """Django's own, with a limit on guessing."""

    request: HttpRequest
    # Seconds, once the limit is reached.
    wait_s: float | None = None

    def clean(self) -> dict[str, Any]:
        username = self.cleaned_data.get("username")
        if not username or not self.cleaned_data.get("password"):
            return super().clean()
        try:
            attempt = begin_attempt(self.request, username)
        except TooManyAttempts as refusal:
            self.wait_s = refusal.wait_s
            self._note_refusal(username)
            raise ValidationError(_wait_in_words(refusal.wait_s), code="throttled") from refusal
        return self._tried(attempt, username)

    def _tried(self, attempt: Attempt, username: str) -> dict[str, Any]:
        try:
            cleaned = super().clean()
        except ValidationError:
            record(Kind.FAILED, actor=_known(username), request=self.request)
            raise
        attempt.succeeded()
        return cleaned

    def _note_refusal(self, username: str) -> None:
        """Once while it lasts: a log that a stranger can fill says nothing."""
        since = timezone.now() - timedelta(minutes=settings.SIGN_IN_PAUSE_MIN)
        who, address = _known(username), network_address(self.request)
        told = AuditEntry.objects.filter(kind=Kind.THROTTLED, actor=who, address=address, at__gt=since)
        if not told.exists():
            record(Kind.THROTTLED, actor=who, request=self.request)


def _known(username: str) -> str:
    """A name that somebody has. Anything else may be a password in the wrong field."""
    is_known = get_user_model().objects.filter(username=username).exists()
    return username if is_known else "unknown name"


def _wait_in_words(wait_s: float) -> str:
    minutes = math.ceil(wait_s / 60)
    text = ngettext(
        "Too many attempts. Try again in %(minutes)d minute.",
        "Too many attempts. Try again in %(minutes)d minutes.",
        minutes,
    )
    return text % {"minutes": minutes}
