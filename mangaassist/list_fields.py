"""Lists of short texts in forms: one a line."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

# What a feed may bring as well (shop.feed_fields).
MOST = 100
LONGEST = 200


class LinesField(forms.CharField):
    """A list of short texts, one a line; each stands in it once."""

    widget = forms.Textarea(attrs={"rows": 3})

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(map(str, value)) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        lines = list(dict.fromkeys(line.strip() for line in (value or "").splitlines() if line.strip()))
        if len(lines) > MOST or any(len(line) > LONGEST for line in lines):
            text = _("At most %(most)d lines of at most %(longest)d characters.")
            raise ValidationError(text, code="long", params={"most": MOST, "longest": LONGEST})
        return lines

    def has_changed(self, initial: Any, data: Any) -> bool:
        return differs(self, initial, data)


def differs(field: forms.Field, initial: Any, data: Any) -> bool:
    """Whether a list was changed; what is none is said by the field."""
    try:
        return bool((initial or []) != field.to_python(data))
    except ValidationError:
        return True
