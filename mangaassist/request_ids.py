"""Every answer over HTTP says which request it was (``X-Request-ID``): the id to look for in the logs."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest
from django.utils.decorators import sync_and_async_middleware

from mangaassist.correlation import correlated, is_id

HEADER = "X-Request-ID"


@sync_and_async_middleware
def name_requests(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """A caller's own id is kept where it is a UUID; anything else might be a name or an address."""
    if iscoroutinefunction(get_response):

        async def answer(request: HttpRequest) -> Any:
            id = _id_of(request)
            with correlated(id, request=id):
                response = await get_response(request)
            response[HEADER] = id
            return response

        return answer

    def answer_blocking(request: HttpRequest) -> Any:
        id = _id_of(request)
        with correlated(id, request=id):
            response = get_response(request)
        response[HEADER] = id
        return response

    return answer_blocking


def _id_of(request: HttpRequest) -> str:
    given = request.headers.get(HEADER, "")
    return given.lower() if is_id(given) else str(uuid.uuid4())
