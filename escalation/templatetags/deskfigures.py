"""How the desk's figures are written."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils.translation import gettext

register = template.Library()


@register.filter
def duration(seconds: float | None) -> str:
    """0:42, 12:05, 3:10:00; a dash for nothing."""
    if seconds is None:
        return "–"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


@register.filter
def in_words(label: Any) -> str:
    """A choice's label in the reader's language."""
    return gettext(str(label))


@register.filter
def percent_of(part: float, whole: float) -> int:
    return round(100 * part / whole) if whole else 0
