"""On the pages of the operator's room: sessions that have lasted too long end, and what is taken away as a file is
written into the audit log."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, sync_to_async
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.decorators import sync_and_async_middleware
from django.utils.translation import gettext as _

from mangaassist.access.audit import Kind, record
from mangaassist.access.sessions import expired

# Its page is kept open through a shift and lives by its socket: only the age of a session counts there.
DESK = "/desk/"


@sync_and_async_middleware
def watch_room(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """Behind Django's own authentication. Other pages pass through without a look at session or user."""
    if iscoroutinefunction(get_response):

        async def answer(request: HttpRequest) -> Any:
            if not _is_watched(request):
                return await get_response(request)
            response = await sync_to_async(_end_expired)(request) or await get_response(request)
            await sync_to_async(_note_export)(request, response)
            return response

        return answer

    def answer_blocking(request: HttpRequest) -> Any:
        if not _is_watched(request):
            return get_response(request)
        response = _end_expired(request) or get_response(request)
        _note_export(request, response)
        return response

    return answer_blocking


def _is_watched(request: HttpRequest) -> bool:
    return request.path_info.startswith((_room(), DESK))


def _room() -> str:
    return "/" + settings.ADMIN_PATH


def _end_expired(request: HttpRequest) -> HttpResponse | None:
    if not request.user.is_authenticated:
        return None
    if not expired(request, idle_counts=request.path_info.startswith(_room())):
        return None
    record(Kind.EXPIRED, request=request)
    # No second line of the same in the log: see receivers.
    request._expired = True  # type: ignore[attr-defined]
    logout(request)
    messages.info(request, _("You were signed out after a while. Please sign in again."))
    return redirect_to_login(request.get_full_path(), reverse("admin:login"))


def _note_export(request: HttpRequest, response: Any) -> None:
    disposition = response.get("Content-Disposition", "")
    if disposition.startswith("attachment"):
        record(Kind.EXPORT, request=request, what=request.path_info, detail=disposition)
