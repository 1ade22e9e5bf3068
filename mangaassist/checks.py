"""System checks: every bad setting is one readable line, and the start stops there."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.core.exceptions import ImproperlyConfigured

from mangaassist.backends import BackendHandler, handlers

# The tag of checks that look at nothing but settings: `make run` starts with them, before any app's code is loaded.
SETTINGS = "settings"
SHORTEST_KEY_BYTES = 32
_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


@register(SETTINGS)
def environment_is_readable(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    return [Error(fault, id="mangaassist.E001") for fault in settings.SETTING_FAULTS]


@register(SETTINGS)
def hosts_are_named(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """A deployment without hosts would answer every request with 400."""
    if settings.ALLOWED_HOSTS:
        return []
    return [Error("ALLOWED_HOSTS must name the hosts that this site answers for.", id="mangaassist.E002")]


@register(SETTINGS)
def keys_are_long_enough(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """HS256 is as strong as its key: at least as long as the hash (RFC 7518, section 3.2)."""
    return [
        Error(f"{name} is shorter than {SHORTEST_KEY_BYTES} bytes.", id="mangaassist.E003")
        for name in ("SECRET_KEY", "WIDGET_IDENTITY_KEY")
        if 0 < len(getattr(settings, name).encode()) < SHORTEST_KEY_BYTES
    ]


@register(SETTINGS)
def origins_are_origins(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Exact origins only: a pattern here would let any page speak for a shopper."""
    return [
        Error(
            f"WIDGET_ALLOWED_ORIGINS holds {origin!r}, which is not an origin: write scheme://host or "
            "scheme://host:port, without a path.",
            id="mangaassist.E004",
        )
        for origin in settings.WIDGET_ALLOWED_ORIGINS
        if not _is_origin(origin)
    ]


def _is_origin(text: str) -> bool:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return False
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return (
        parts.scheme in {"http", "https"}
        and re.fullmatch(r"[a-z0-9.\-]+|\[[0-9a-f:.]+\]", host or "") is not None
        and text == f"{parts.scheme}://{host}" + (f":{port}" if port else "")
    )


@register
def backends_fit_their_roles(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Each role's class can be imported, keeps the role's promise and gets the options that it needs."""
    import_module(settings.ROOT_URLCONF)  # with it every app has made its handlers
    return [
        Error(fault, id="mangaassist.E005")
        for handler in handlers
        for alias in getattr(settings, handler.setting, {})
        for fault in _backend_faults(handler, alias)
    ]


def _backend_faults(handler: BackendHandler[Any], alias: str) -> Iterator[str]:
    try:
        found, options = handler.find(alias)
    except ImproperlyConfigured as error:
        yield str(error)
        return
    path = f"{found.__module__}.{found.__qualname__}"
    variables = settings.OPTION_VARIABLES.get(getattr(settings, handler.setting)[alias]["BACKEND"], {})
    parameters = inspect.signature(found).parameters.values()
    named = {each.name: each for each in parameters if each.kind in _NAMED}
    takes_any = any(each.kind is inspect.Parameter.VAR_KEYWORD for each in parameters)
    for name in options:
        if name not in named and not takes_any:
            yield f"{handler.setting}[{alias!r}]: {path} has no option {name!r}; it knows {', '.join(named) or 'none'}."
    for name, parameter in named.items():
        variable = variables.get(name, f"the option {name!r}")
        needed = parameter.default is parameter.empty or variable in settings.REQUIRED_VARIABLES
        if needed and not options.get(name):
            yield f"{variable} must be set: {path} ({handler.setting}[{alias!r}]) cannot do without."
