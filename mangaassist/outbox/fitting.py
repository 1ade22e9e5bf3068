"""Bodies within the limits of what carries them. The whole text stands in our own rows; the body names the row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson


class TooBig(ValueError):
    """Not even without its texts."""


def fit(body: dict[str, Any], *, limit: int, texts: Sequence[str]) -> dict[str, Any]:
    """The body, as JSON in UTF-8 at most ``limit`` bytes long.

    ``texts``: fields that may be cut, the longest first; then the body says ``"truncated": true``. Raises
    :class:`TooBig`.
    """
    if _size(body) <= limit:
        return body
    cut = body | {"truncated": True}
    for name in sorted(texts, key=lambda name: -_size(cut.get(name))):
        if isinstance(cut.get(name), str):
            cut[name] = _beginning(cut[name], _size(cut[name]) - (_size(cut) - limit))
        if _size(cut) <= limit:
            return cut
    raise TooBig(f"{_size(body)} bytes, and {_size(cut)} without its texts; {limit} are possible")


def _beginning(text: str, size: int) -> str:
    """As much of it as takes ``size`` bytes of JSON, quotes included."""
    least, most = 0, len(text)
    while least < most:
        middle = (least + most + 1) // 2
        if _size(text[:middle]) <= size:
            least = middle
        else:
            most = middle - 1
    return text[:least]


def _size(value: Any) -> int:
    return len(orjson.dumps(value))
