"""How many rehearsals one person may have: each takes a turn's work, and may ask a model that is paid."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from asgiref.sync import async_to_sync
from django.utils import timezone
from django.utils.translation import gettext as _

from chat.assistant import BUDGET_SPENT, read_assistant, why_no_model
from chat.generation import generators
from mangaassist.access.audit import name_of
from mangaassist.access.models import AuditEntry

# What the log of deeds says of one, and what they are counted by.
REPLAYED, PREVIEWED = "replayed", "previewed"
# By one person within an hour.
MOST_REHEARSALS = 60


def why_no_rehearsal(user: Any) -> str:
    """For whom it is too many, or for the day's account of models; empty when it may be."""
    since = timezone.now() - timedelta(hours=1)
    mine = AuditEntry.objects.filter(actor=name_of(user), at__gt=since, detail__in=(REPLAYED, PREVIEWED))
    if mine.count() >= MOST_REHEARSALS:
        told = {"count": MOST_REHEARSALS}
        return _("You have had %(count)d answers rehearsed within an hour. Go on later.") % told
    if generators["default"].writes_freely and async_to_sync(why_no_model)(read_assistant()) == BUDGET_SPENT:
        return _("Today's budget for models is spent: this would not show what a model writes.")
    return ""
