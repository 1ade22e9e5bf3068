"""Around every answer of the API, also of requests that never reach an operation."""

from __future__ import annotations

from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from mangaassist.dbthreads import in_database
from partners.models import ApiKey
from partners.problems import ProblemName, problem_response

API = "/api/v1/"
_BARE: dict[int, tuple[ProblemName, str]] = {
    400: ("malformed", "This is no request that can be read."),
    404: ("not-found", "There is no such address."),
    405: ("not-allowed", "Use another method: see Allow."),
}
_PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, POST, DELETE",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, Idempotency-Key, Accept, Last-Event-ID",
    "Access-Control-Max-Age": "600",
}
_EXPOSED = (
    "RateLimit, RateLimit-Policy, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, Retry-After, "
    "Idempotency-Replayed, Location"
)


class PartnerMiddleware:
    """Quota headers, CORS for the pages that a key allows (Fetch standard), and problems instead of bare errors."""

    async_capable = True
    sync_capable = True

    def __init__(self, get_response: Any) -> None:
        self._get_response = get_response
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        if self._is_async:
            return self._answer(request)
        if _is_preflight(request):
            return _preflight(request.headers["Origin"])
        return _finished(request, self._get_response(request))

    async def _answer(self, request: HttpRequest) -> Any:
        if _is_preflight(request):
            return await in_database(_preflight, request.headers["Origin"])
        return _finished(request, await self._get_response(request))


def _is_preflight(request: HttpRequest) -> bool:
    return (
        request.method == "OPTIONS"
        and request.path_info.startswith(API)
        and "Origin" in request.headers
        and "Access-Control-Request-Method" in request.headers
    )


def _preflight(origin: str) -> HttpResponse:
    """A preflight brings no key: any usable key's origin may go on, and the request itself is then checked."""
    response = HttpResponse(status=204)
    response["Vary"] = "Origin"
    now = timezone.now()
    keys = ApiKey.objects.exclude(allowed_origins=[]).filter(revoked_at=None)
    if any(origin in key.allowed_origins and key.is_usable(now) for key in keys):
        response["Access-Control-Allow-Origin"] = origin
        for name, value in _PREFLIGHT.items():
            response[name] = value
    return response


def _finished(request: HttpRequest, response: Any) -> Any:
    if not request.path_info.startswith(API):
        return response
    response = _as_problem(response)
    if usage := getattr(request, "partner_usage", None):
        for name, value in usage.headers().items():
            response[name] = value
    # Prices, stock and orders are as of now; and what one key may see is for nobody else.
    if "Cache-Control" not in response:
        response["Cache-Control"] = "no-store"
    key: ApiKey | None = getattr(request, "partner_key", None)
    origin = request.headers.get("Origin")
    if key is not None and origin in key.allowed_origins:
        response["Access-Control-Allow-Origin"] = origin
        response["Access-Control-Expose-Headers"] = _EXPOSED
        response["Vary"] = "Origin"
    return response


def _as_problem(response: Any) -> Any:
    """What is refused before an operation is found (no such address, wrong method) is a problem as well."""
    if response.status_code not in _BARE or response.get("Content-Type", "").startswith("application/"):
        return response
    problem = problem_response(response.status_code, *_BARE[response.status_code])
    if "Allow" in response:
        problem["Allow"] = response["Allow"]
    return problem
