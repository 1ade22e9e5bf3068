"""What the logs say of a conversation that is no more."""

from __future__ import annotations

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model

from mangaassist.access.models import AuditEntry


def hide_name(model: type[Model], pk: object) -> None:
    """Nor does the log say whose it was: earlier entries name the row by its id."""
    entries = LogEntry.objects.filter(content_type=ContentType.objects.get_for_model(model), object_id=str(pk))
    entries.update(object_repr=str(pk))
    AuditEntry.objects.filter(what__endswith=f"({pk})").update(what=f"{model._meta.verbose_name} ({pk})")
