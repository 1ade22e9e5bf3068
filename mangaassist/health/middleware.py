"""Answers probes before anything else: they come by IP address, without TLS, and must not wait for a thread."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from asgiref.sync import async_to_sync, iscoroutinefunction
from django.http import HttpRequest
from django.utils.decorators import sync_and_async_middleware

from mangaassist.health.urls import urlpatterns

_PROBES = {f"/{each.pattern}": each.callback for each in urlpatterns}


@sync_and_async_middleware
def answer_probes(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """First in MIDDLEWARE: no Host check, no redirect to https, no session."""
    if iscoroutinefunction(get_response):

        async def answer(request: HttpRequest) -> Any:
            probe = _PROBES.get(request.path_info)
            return await (get_response(request) if probe is None else probe(request))

        return answer

    def answer_blocking(request: HttpRequest) -> Any:
        probe = _PROBES.get(request.path_info)
        return get_response(request) if probe is None else async_to_sync(probe)(request)

    return answer_blocking
