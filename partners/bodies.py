"""What comes as a request's body: JSON in UTF-8 (RFC 8259), read strictly, for two readers must not understand it
differently."""

from __future__ import annotations

import json
import math
from typing import Any

import orjson
from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest
from ninja.parser import Parser

from partners.problems import Problem


class StrictParser(Parser):
    """Raises ``RequestDataTooBig``, and :class:`Problem`: 415 not JSON, 400 unreadable, 422 a name twice."""

    def parse_body(self, request: HttpRequest) -> Any:
        _check_type(request)
        # Without a Content-Length the framework's own limit does not see it.
        if len(request.body) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
            raise RequestDataTooBig
        return read_json(request.body)


def _check_type(request: HttpRequest) -> None:
    kind = request.content_type or ""
    is_json = kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))
    charset = (request.content_params or {}).get("charset", "utf-8").lower()
    if not is_json or charset not in {"utf-8", "utf8", "us-ascii"}:
        raise Problem(415, "not-json", "Send JSON in UTF-8, as Content-Type: application/json.")
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise Problem(415, "not-json", "Send the body without a Content-Encoding.")


def read_json(body: bytes) -> Any:
    """Raises :class:`Problem`."""
    try:
        # It refuses what json lets pass: invalid UTF-8, half surrogate pairs, NaN, a thousand levels.
        orjson.loads(body)
        return json.loads(body, object_pairs_hook=_object, parse_float=_float)
    except (ValueError, RecursionError) as error:
        raise Problem(400, "malformed", "The body is no JSON in UTF-8, or too deep.") from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise Problem(422, "invalid", f"The name {name[:40]!r} stands twice in one object.")
        found[name] = value
    return found


def _float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number beyond a double's range")
    return number
