"""What operators did to conversations and opinions, in the admin's own log."""

from __future__ import annotations

from typing import Any

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model
from django.http import HttpRequest

from mangaassist.access.models import AuditEntry


def log_deed(
    request: HttpRequest, model: type[Model], pk: object, shown: str, what: str, *, flag: int = CHANGE
) -> None:
    """``shown``: the row's name at that time; ``what``: the deed, in English as the rest of the log's own words."""
    who: Any = request.user
    LogEntry.objects.create(
        user_id=who.pk,
        content_type=ContentType.objects.get_for_model(model),
        object_id=str(pk),
        object_repr=shown[:200],
        action_flag=flag,
        change_message=what,
    )


def hide_name(model: type[Model], pk: object) -> None:
    """Nor does the log say whose it was: earlier entries name the row by its id."""
    entries = LogEntry.objects.filter(content_type=ContentType.objects.get_for_model(model), object_id=str(pk))
    entries.update(object_repr=str(pk))
    AuditEntry.objects.filter(what__endswith=f"({pk})").update(what=f"{model._meta.verbose_name} ({pk})")
