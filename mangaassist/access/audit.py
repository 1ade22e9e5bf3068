"""Writing the audit log."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.http import HttpRequest
from django.utils import timezone

from mangaassist.access.models import AuditEntry
from mangaassist.addresses import address_of

Kind = AuditEntry.Kind
MOST_DETAIL = 4_000


def record(kind: str, *, actor: str = "", request: HttpRequest | None = None, what: str = "", detail: str = "") -> None:
    """``actor``: a user's name, or who else acts; the request's user when it is not given."""
    if not actor and request is not None:
        actor = name_of(getattr(request, "user", None))
    address = network_address(request) if request is not None else ""
    AuditEntry.objects.create(
        kind=kind, actor=actor[:150], address=address, what=what[:300], detail=detail[:MOST_DETAIL]
    )


def name_of(user: Any) -> str:
    return str(user.get_username()) if getattr(user, "is_authenticated", False) else ""


def network_address(request: HttpRequest) -> str:
    """What limits count by (mangaassist.addresses): an IPv6 address stands for its /64."""
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "").encode("latin-1", "replace")
    scope = {"client": (request.META.get("REMOTE_ADDR", ""), 0), "headers": [(b"x-forwarded-for", forwarded)]}
    return address_of(scope, trusted=settings.TRUSTED_PROXIES)


def forget_old() -> int:
    """Removes what is older than it is kept; how many lines that were."""
    before = timezone.now() - timedelta(days=settings.AUDIT_KEPT_DAYS)
    # The admin's own log names rows, and so may name shoppers: it is kept no longer.
    LogEntry.objects.filter(action_time__lt=before).delete()
    return AuditEntry.objects.filter(at__lt=before).delete()[0]
