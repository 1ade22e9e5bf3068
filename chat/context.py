"""The page that a shopper looks at, as the widget or a partner tells it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from recommendations.requests import DEVICES

_LIMITS = {"asin": 32, "series": 64, "category": 64, "query": 200, "locale": 8, "device": 16}


class ContextRefused(ValueError):
    """Names the field that is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageContext:
    asin: str = ""
    series: str = ""
    category: str = ""
    query: str = ""
    locale: str = ""
    device: str = ""

    def as_dict(self) -> dict[str, str]:
        return {name: value for name, value in asdict(self).items() if value}


def read_context(body: Any) -> PageContext:
    """From untrusted JSON. It is a hint: what is unknown is ignored, and what is too long for a name is cut.

    Raises :class:`ContextRefused` for what is no text at all.
    """
    if body is None:
        return PageContext()
    if not isinstance(body, dict):
        raise ContextRefused("context must be an object.")
    fields: dict[str, str] = {}
    for name, limit in _LIMITS.items():
        value = body.get(name)
        if value is None:
            continue
        if not isinstance(value, str):
            raise ContextRefused(f"context.{name} must be text.")
        fields[name] = "".join(char for char in value if char.isprintable()).strip()[:limit]
    if fields.get("device") not in DEVICES:
        fields.pop("device", None)
    return PageContext(**fields)
