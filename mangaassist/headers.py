"""What every answer tells a browser, whoever made it: probes, problems and redirects as well as pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.conf import settings
from django.http import HttpRequest
from django.utils.decorators import sync_and_async_middleware

# For what is no page of ours: it loads nothing, and nobody frames it.
_NO_PAGE = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
_POLICY = "Content-Security-Policy"
# It says what has changed of the answer that is kept: nothing.
_NOT_MODIFIED = 304


@sync_and_async_middleware
def complete_headers(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """First in MIDDLEWARE, so that it sees what the others answer by themselves. Nothing that is set is changed."""
    if iscoroutinefunction(get_response):

        async def answer(request: HttpRequest) -> Any:
            return _completed(await get_response(request))

        return answer

    def answer_blocking(request: HttpRequest) -> Any:
        return _completed(get_response(request))

    return answer_blocking


def _completed(response: Any) -> Any:
    headers = response.headers
    headers.setdefault("Permissions-Policy", settings.PERMISSIONS_POLICY)
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("Referrer-Policy", settings.SECURE_REFERRER_POLICY)
    headers.setdefault(_POLICY, _NO_PAGE)
    # What nobody has marked as everybody's is somebody's.
    if response.status_code != _NOT_MODIFIED:
        headers.setdefault("Cache-Control", "private, no-store")
    return response
