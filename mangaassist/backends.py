"""Pluggable backends, Django's way: a setting names the class, this builds it once per process.

``SETTING = {"default": {"BACKEND": "dotted.path.Class", "OPTIONS": {...}}}``
"""

from __future__ import annotations

import threading
from typing import Any, Generic, TypeVar

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.utils.module_loading import import_string

B = TypeVar("B")

# Every handler of this process, for the system checks.
handlers: list[BackendHandler[Any]] = []


def build_defaults() -> None:
    """Builds what the process will need, so that no request waits for a client (130-190 ms each) to be made.

    Raises ``ImproperlyConfigured``.
    """
    for handler in handlers:
        # A role may have none: a queue that nobody configured.
        if "default" in getattr(settings, handler.setting, {}):
            handler["default"]


class BackendHandler(Generic[B]):
    """The configured backends of one role, by alias.

    ``handler["default"]`` returns the same instance for the life of the process (until the setting
    changes, as tests do). Raises ``ImproperlyConfigured`` for an unknown alias, a class that cannot be
    imported, one that does not subclass the role's base, or an option that it does not know.
    """

    def __init__(self, setting: str, base: type[B]) -> None:
        self.setting = setting
        self.base = base
        self._built: dict[str, B] = {}
        self._lock = threading.Lock()
        setting_changed.connect(self._forget, weak=False)
        handlers.append(self)

    def __getitem__(self, alias: str) -> B:
        backend = self._built.get(alias)
        if backend is None:
            with self._lock:
                backend = self._built.get(alias)
                if backend is None:
                    backend = self._built[alias] = self._build(alias)
        return backend

    def find(self, alias: str) -> tuple[type[B], dict[str, Any]]:
        """The class and its options, without building it. Raises ``ImproperlyConfigured``."""
        try:
            spec: dict[str, Any] = getattr(settings, self.setting)[alias]
            path: str = spec["BACKEND"]
        except (AttributeError, KeyError) as error:
            raise ImproperlyConfigured(f"{self.setting}[{alias!r}] is not set.") from error
        try:
            found = import_string(path)
        except ImportError as error:
            raise ImproperlyConfigured(f"{self.setting}[{alias!r}]: cannot import {path!r}: {error}") from error
        if not (isinstance(found, type) and issubclass(found, self.base)):
            raise ImproperlyConfigured(
                f"{self.setting}[{alias!r}]: {path!r} is not a {self.base.__module__}.{self.base.__name__}."
            )
        return found, spec.get("OPTIONS", {})

    def _build(self, alias: str) -> B:
        found, options = self.find(alias)
        try:
            return found(**options)
        except TypeError as error:
            path = f"{found.__module__}.{found.__qualname__}"
            raise ImproperlyConfigured(f"{self.setting}[{alias!r}]: {path!r}: {error}") from error

    def _forget(self, *, setting: str, **kwargs: Any) -> None:
        if setting == self.setting:
            self._built.clear()
