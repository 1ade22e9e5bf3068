"""What staff did to a shopper's rows stays written down, but no longer whose rows they were.

Also said here: what the tables hold that lie below this app, or are Django's.
"""

from __future__ import annotations

import json
import re

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

from mangaassist.access.models import AuditEntry
from mangaassist.privacy.registry import Counts, Holder, Retention, holders, register_holder, register_retention
from mangaassist.privacy.subject import Subject

ERASED = "[erased]"
# A shorter name is a word of too much else: it is taken out of the names of rows, and elsewhere where it stands in
# brackets or quotes, as names do.
LONG_ENOUGH = 5
_OPENING, _CLOSING = "(\"'“‘「『", ")\"'”’」』"


def erase(subject: Subject) -> Counts:
    """What the log says of one conversation it says by an id that names nobody (chat.audit)."""
    if not subject.owners:
        return {}
    # In JSON a name may be written in ASCII.
    forms = {form for name in subject.names - subject.turns for form in (name, json.dumps(name)[1:-1])}
    names = sorted(forms, key=len, reverse=True)
    alone, named = _anywhere(names), _as_names(names)
    personal = {f"{holder.app}.{name}".lower() for holder in holders() for name in holder.personal}
    kinds = [kind for kind in ContentType.objects.all() if f"{kind.app_label}.{kind.model}" in personal]
    with override("en"):
        # The log begins with what a row is, and goes on with its name.
        begins = tuple(f"{kind.name} " for kind in kinds)
    changed = 0
    for name in names:
        of_rows = LogEntry.objects.filter(content_type__in=kinds, action_time__lte=subject.until)
        for entry in of_rows.filter(Q(object_repr__contains=name) | Q(change_message__contains=name)):
            changed += LogEntry.objects.filter(pk=entry.pk).update(
                object_repr=alone.sub(ERASED, entry.object_repr)[:200],
                change_message=alone.sub(ERASED, entry.change_message),
            )
        lines = AuditEntry.objects.filter(at__lte=subject.until)
        for line in lines.filter(Q(what__contains=name) | Q(detail__contains=name)):
            begin = next((each for each in begins if line.what.startswith(each)), "")
            what = begin + (alone if begin else named).sub(ERASED, line.what[len(begin) :])
            detail = named.sub(ERASED, line.detail)
            if (what, detail) != (line.what, line.detail):
                changed += AuditEntry.objects.filter(pk=line.pk).update(what=what[:300], detail=detail)
    return {"lines of logs": changed}


def _anywhere(names: list[str]) -> re.Pattern[str]:
    """Each as a word of its own."""
    return re.compile("|".join(rf"(?<!\w){re.escape(name)}(?!\w)" for name in names))


def _as_names(names: list[str]) -> re.Pattern[str]:
    """Short ones only in brackets or quotes."""
    return re.compile(
        "|".join(
            rf"(?<!\w){re.escape(name)}(?!\w)"
            if len(name) >= LONG_ENOUGH
            else rf"(?<=[{_OPENING}]){re.escape(name)}(?=[{_CLOSING}])"
            for name in names
        )
    )


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
