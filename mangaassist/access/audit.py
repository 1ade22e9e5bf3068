"""Writing the audit log.

A deed in the admin is written once, as a line of the admin's own log (a row's history); the audit log gets its line
from there, whoever writes it: Django for its forms, :func:`log_deed` for deeds of our own.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models import Model
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import override

from mangaassist.access.models import AuditEntry
from mangaassist.addresses import address_of

Kind = AuditEntry.Kind
MOST_DETAIL = 4_000
_BY_FLAG = {ADDITION: Kind.ADDED, CHANGE: Kind.CHANGED, DELETION: Kind.DELETED}
# What somebody looks for first has a kind of its own.
_BY_MODEL = {
    "partners.apikey": Kind.KEY,
    "auth.user": Kind.ACCESS,
    "auth.group": Kind.ACCESS,
    "chat.assistantsettings": Kind.SETTINGS,
    "escalation.handoffpolicy": Kind.SETTINGS,
    "escalation.escalationrule": Kind.SETTINGS,
    "escalation.officehours": Kind.SETTINGS,
    "caching.cachepolicy": Kind.SETTINGS,
}
# Rows in one statement.
BATCH = 500


def record(kind: str, *, actor: str = "", request: HttpRequest | None = None, what: str = "", detail: str = "") -> None:
    """``actor``: a user's name, or who else acts; the request's user when it is not given."""
    if not actor and request is not None:
        actor = name_of(getattr(request, "user", None))
    address = network_address(request) if request is not None else ""
    _line(kind, actor, address, what, detail).save()


def _line(kind: str, actor: str, address: str, what: str, detail: str) -> AuditEntry:
    return AuditEntry(kind=kind, actor=actor[:150], address=address, what=what[:300], detail=detail[:MOST_DETAIL])


def log_deed(request: HttpRequest, row: Model, what: str, *, shown: str | None = None, flag: int = CHANGE) -> None:
    """One deed in the admin. ``what``: the deed, in English as the rest of the log's own words; ``shown``: the row's
    name at that time, where it is not its own."""
    log_deeds(request, [(row, what)], shown=shown, flag=flag)


def log_deeds(
    request: HttpRequest, deeds: Iterable[tuple[Model, str]], *, shown: str | None = None, flag: int = CHANGE
) -> None:
    """A line for each row, however many: in few statements."""
    who: Any = request.user
    entries = [
        LogEntry(
            user_id=who.pk,
            content_type=ContentType.objects.get_for_model(row),
            object_id=str(row.pk or "") or None,
            object_repr=(str(row) if shown is None else shown)[:200],
            action_flag=flag,
            change_message=what,
        )
        for row, what in deeds
    ]
    address, actor = network_address(request), name_of(who)
    with transaction.atomic():
        LogEntry.objects.bulk_create(entries, BATCH)
        # No receiver hears of rows that are made in bulk.
        AuditEntry.objects.bulk_create([_line_of(entry, actor, address) for entry in entries], BATCH)


def record_change(entry: LogEntry) -> None:
    """The line that belongs to one which Django wrote into its log."""
    _line_of(entry, name_of(entry.user), "").save()


def _line_of(entry: LogEntry, actor: str, address: str) -> AuditEntry:
    kind = _BY_FLAG[entry.action_flag]
    model = f"{entry.content_type.app_label}.{entry.content_type.model}" if entry.content_type else ""
    # A log is read by many: in one language.
    with override("en"):
        detail = entry.get_change_message()
        name = entry.content_type.name if entry.content_type else ""
    verb = {Kind.ADDED: "added", Kind.CHANGED: "changed", Kind.DELETED: "deleted"}[kind]
    own = _BY_MODEL.get(model)
    what = f"{name} {entry.object_repr} ({entry.object_id or '–'})"
    return _line(own or kind, actor, address, what, f"{verb}: {detail}" if own and detail else detail or verb)


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
