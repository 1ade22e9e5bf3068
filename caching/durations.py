"""Times as operators read and write them: ``5400`` ↔ ``1 h 30 min``."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

_UNITS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
_SIZES = {"m": 60, **dict(_UNITS)}
_PART = re.compile(r"(\d{1,9})\s*(d|h|min|m|s)?(?=[\s\d]|$)\s*", re.IGNORECASE)


def human(seconds: float) -> str:
    """``5400`` → ``1 h 30 min``; ``0`` → ``0 s``."""
    rest, parts = round(seconds), []
    for unit, size in _UNITS:
        number, rest = divmod(rest, size)
        if number:
            parts.append(f"{number} {unit}")
    return " ".join(parts) or "0 s"


def seconds_of(text: str) -> int:
    """The other way; a bare number is seconds. Raises ``ValueError``."""
    rest, total, parts = text.strip(), 0, 0
    while rest:
        part = _PART.match(rest)
        if part is None or (part[2] is None and (parts or part.end() < len(rest))):
            raise ValueError(text)
        total += int(part[1]) * _SIZES[(part[2] or "s").lower()]
        rest = rest[part.end() :]
        parts += 1
    if not parts:
        raise ValueError(text)
    return total


class DurationInput(forms.CharField):
    """Seconds, shown and read in human units."""

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        if text in self.empty_values:
            return None
        try:
            return seconds_of(str(text))
        except ValueError:
            raise ValidationError("Write a time such as 900, 15 min or 1 h 30 min.", code="invalid") from None

    def prepare_value(self, value: Any) -> Any:
        return human(value) if isinstance(value, int) else value

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return bool(self.to_python(data) != initial)
        except ValidationError:
            return True
