"""What Django tells of sign-ins and of changes in the admin goes into the audit log."""

from __future__ import annotations

from typing import Any

from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.db.models.signals import post_save
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils.translation import override

from mangaassist.access import sessions
from mangaassist.access.audit import Kind, name_of, record
from mangaassist.access.models import StaffSession

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


@receiver(user_logged_in)
def signed_in(sender: Any, request: HttpRequest, user: Any, **kwargs: Any) -> None:
    if user.is_staff:
        request.user = user
        sessions.begin(request)
        record(Kind.SIGNED_IN, request=request, actor=name_of(user))


@receiver(user_logged_out)
def signed_out(sender: Any, request: HttpRequest, user: Any, **kwargs: Any) -> None:
    if user is None or not user.is_staff:
        return
    StaffSession.objects.filter(session_key=request.session.session_key).delete()
    if not getattr(request, "_expired", False):
        record(Kind.SIGNED_OUT, request=request, actor=name_of(user))


@receiver(post_save, sender=LogEntry)
def changed_in_the_admin(sender: Any, instance: LogEntry, created: bool, **kwargs: Any) -> None:
    if created:
        record_change(instance)


def record_change(entry: LogEntry) -> None:
    kind = _BY_FLAG[entry.action_flag]
    model = f"{entry.content_type.app_label}.{entry.content_type.model}" if entry.content_type else ""
    # A log is read by many: in one language.
    with override("en"):
        detail = entry.get_change_message()
        name = entry.content_type.name if entry.content_type else ""
    verb = {Kind.ADDED: "added", Kind.CHANGED: "changed", Kind.DELETED: "deleted"}[kind]
    own = _BY_MODEL.get(model)
    record(
        own or kind,
        actor=name_of(entry.user),
        what=f"{name} {entry.object_repr} ({entry.object_id or '–'})",
        detail=f"{verb}: {detail}" if own and detail else detail or verb,
    )
