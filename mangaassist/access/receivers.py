"""What Django tells of sign-ins and of changes in the admin goes into the audit log."""

from __future__ import annotations

from typing import Any

from django.contrib.admin.models import LogEntry
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.db.models.signals import post_save
from django.dispatch import receiver
from django.http import HttpRequest

from mangaassist.access import sessions
from mangaassist.access.audit import Kind, name_of, record, record_change
from mangaassist.access.models import StaffSession


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
