"""Which pages may open a WebSocket. Browsers let any page try: this is the guard (no CORS there)."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.conf import settings


def origin_allowed(scope: Any, *, others: Collection[str] = ()) -> bool:
    """Browsers always send an Origin: it must be exactly our own, scheme, host and port, or one of ``others``.

    No Origin: not a browser, which brings no cookie of somebody else's.
    """
    headers: dict[bytes, str] = {name.lower(): value.decode("latin-1") for name, value in scope.get("headers", [])}
    origin = headers.get(b"origin")
    if origin is None:
        return True
    if origin in others:
        return True
    # With ``HTTPS`` every page of ours is sent to it, whatever the proxy before us speaks to us.
    scheme = "https" if settings.HTTPS or scope.get("scheme") == "wss" else "http"
    return origin == f"{scheme}://{headers.get(b'host', '')}"
