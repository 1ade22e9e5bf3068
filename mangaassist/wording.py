"""What operators read of our models, in their language: names of models, fields and choices, and the words of help.

A model says them in English; here they are looked up in the catalogue (mangaassist/locale) when they are shown. So
no model repeats itself, and no migration is made for the sake of a word. tests/mangaassist/test_wording.py holds the
catalogue against every registered model.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.db import models
from django.utils.functional import Promise, lazy
from django.utils.translation import gettext, pgettext

_Words = Iterator[tuple[str, str | Promise]]
# Written by others, who bring their own catalogues.
FOREIGN = frozenset({"admin", "auth", "contenttypes", "sessions", "messages", "staticfiles", "humanize"})


def translate_names() -> None:
    """Once, when all models are loaded."""
    for config in apps.get_app_configs():
        if config.label in FOREIGN:
            continue
        config.verbose_name = _lazily(config.verbose_name, config.label)
        for model in config.get_models():
            _translate(model)


def _translate(model: type[models.Model]) -> None:
    options = model._meta
    app = options.app_label
    # Django makes the plural by an s to the name, also to a Japanese one.
    plural = options.original_attrs.get("verbose_name_plural", f"{options.verbose_name}s")
    options.verbose_name = _lazily(options.verbose_name, app)
    options.verbose_name_plural = _lazily(plural, app)
    for field in options.local_fields + options.local_many_to_many:
        # What a migration compares is kept apart by Django (Field._verbose_name).
        field.verbose_name = _lazily(field.verbose_name, app)
        if field.help_text:
            field.help_text = _lazily(field.help_text, app)
        if isinstance(field.choices, list):
            field.choices = [(value, _lazily(label, app)) for value, label in field.choices]


def _lazily(text: Any, app: str) -> Any:
    return _found(app, text) if isinstance(text, str) and text else text


def _find(app: str, text: str) -> str:
    """In the words of one app where they differ (a series is complete otherwise than a turn), else in everybody's."""
    own = pgettext(app, text)
    return own if own != text else gettext(text)


_found = lazy(_find, str)


def shown_words() -> _Words:
    """(where, what) an operator can read of the models in the admin, on pages of their own or within another's."""
    for model, page in admin.site._registry.items():
        if model._meta.app_label in FOREIGN:
            continue
        yield from _words_of(model, model._meta.fields)
        for inline in page.inlines:
            shown = tuple(map(str, inline.fields or ()))
            # A row within another's page shows the fields that it names, or all that may be written.
            fields = [each for each in inline.model._meta.fields if (each.name in shown if shown else each.editable)]
            yield from _words_of(inline.model, fields)


def _words_of(model: type[models.Model], fields: Iterable[models.Field[Any, Any]]) -> _Words:
    options = model._meta
    yield options.label, options.verbose_name or ""
    yield f"{options.label}s", options.verbose_name_plural or ""
    for field in fields:
        yield f"{options.label}.{field.name}", field.verbose_name
        if field.help_text:
            yield f"{options.label}.{field.name}: help", field.help_text
        # A function makes a list that is no text of ours: time zones.
        for value, label in field.choices if isinstance(field.choices, list) else ():
            yield f"{options.label}.{field.name}={value}", label
