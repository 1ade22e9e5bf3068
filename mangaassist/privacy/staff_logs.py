"""What staff did to a shopper's rows stays written down, but no longer whose rows they were.

Also said here: what the tables hold that lie below this app, or are Django's.
"""

from __future__ import annotations

import re

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from mangaassist.access.models import AuditEntry
from mangaassist.privacy.registry import Counts, Holder, Retention, holders, register_holder, register_retention
from mangaassist.privacy.subject import Subject

ERASED = "[erased]"
# A shorter name is a word of too much else: it is taken out of the names of rows alone.
LONG_ENOUGH = 5


def erase(subject: Subject) -> Counts:
    names = sorted(subject.names - subject.turns, key=len, reverse=True)
    if not names:
        return {}
    word = re.compile("|".join(rf"(?<!\w){re.escape(name)}(?!\w)" for name in names))
    models = [f"{holder.app}.{name}".lower() for holder in holders() for name in holder.personal]
    kinds = [kind.pk for kind in ContentType.objects.all() if f"{kind.app_label}.{kind.model}" in models]
    changed = 0
    for name in names:
        of_rows = LogEntry.objects.filter(content_type__in=kinds)
        for entry in of_rows.filter(Q(object_repr__contains=name) | Q(change_message__contains=name)):
            changed += LogEntry.objects.filter(pk=entry.pk).update(
                object_repr=word.sub(ERASED, entry.object_repr)[:200],
                change_message=word.sub(ERASED, entry.change_message),
            )
        if len(name) < LONG_ENOUGH:
            continue
        for line in AuditEntry.objects.filter(Q(what__contains=name) | Q(detail__contains=name)):
            changed += AuditEntry.objects.filter(pk=line.pk).update(
                what=word.sub(ERASED, line.what)[:300], detail=word.sub(ERASED, line.detail)
            )
    return {"lines of logs": changed}


def register() -> None:
    register_holder(Holder(app="privacy", impersonal=("Erasure", "RetentionRun"), erase=erase, stage=3))
    register_holder(
        Holder(app="access", impersonal=("AuditEntry", "SignInFailure", "StaffSession"))  # Of staff.
    )
    register_holder(Holder(app="admin", impersonal=("LogEntry",)))
    register_holder(
        Holder(
            app="auth",
            impersonal=(
                "Permission", "Group_permissions", "Group", "User_groups", "User_user_permissions", "User",
            ),
        )
    )  # fmt: skip
    register_holder(Holder(app="contenttypes", impersonal=("ContentType",)))
    register_retention(
        Retention(
            key="audit",
            name=_("Audit log"),
            about=_("What staff did. Nobody removes a line before."),
            setting="AUDIT_KEPT_DAYS",
        )
    )
