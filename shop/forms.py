"""Lists in the forms of the catalogue: words one a line, volumes as numbers between commas."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from mangaassist.list_fields import LinesField, differs

# What a feed may bring as well (shop.feed_fields).
MOST_VOLUMES = 500
HIGHEST_VOLUME = 10_000
_BETWEEN = re.compile(r"[,、\s]+")


class VolumesField(forms.CharField):
    """A list of volumes in their order, such as ``1, 2, 3``."""

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(map(str, value)) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        # A Japanese keyboard writes wide digits and commas.
        words = [word for word in _BETWEEN.split(unicodedata.normalize("NFKC", value or "")) if word]
        if len(words) > MOST_VOLUMES or not all(
            word.isascii() and word.isdecimal() and len(word) <= 5 and int(word) <= HIGHEST_VOLUME for word in words
        ):
            text = _("At most %(most)d whole numbers up to %(highest)d, with commas between them.")
            raise ValidationError(text, code="volumes", params={"most": MOST_VOLUMES, "highest": HIGHEST_VOLUME})
        return sorted({int(word) for word in words})

    def has_changed(self, initial: Any, data: Any) -> bool:
        return differs(self, initial, data)


class ListsInForm:
    """Mixed into the admin of a model: its lists of ``as_lines`` one entry a line, of ``as_volumes`` as numbers."""

    as_lines: tuple[str, ...] = ()
    as_volumes: tuple[str, ...] = ()

    def formfield_for_dbfield(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        label, required = capfirst(db_field.verbose_name), not db_field.blank
        if db_field.name in self.as_lines:
            return LinesField(label=label, required=required, help_text=_("One a line."))
        if db_field.name in self.as_volumes:
            return VolumesField(label=label, required=required, help_text=_("Numbers, such as 1, 2, 3."))
        return super().formfield_for_dbfield(db_field, request, **kwargs)  # type: ignore[misc]
