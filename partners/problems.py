"""Errors as RFC 9457 problem details: a stable type, a title, and what to do about it."""

from __future__ import annotations

from typing import Any

import orjson
import structlog
from django.db import DatabaseError, DataError
from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError

from partners.schemas import Problem as ProblemOut

log = structlog.get_logger(__name__)
# What every operation may answer besides its own.
ERRORS = {401: ProblemOut, 403: ProblemOut, 404: ProblemOut, 422: ProblemOut, 503: ProblemOut}
_TITLES = {
    "unauthorized": "A valid API key is needed",
    "forbidden": "This key may not do that",
    "not-found": "There is no such thing",
    "invalid": "The request is not valid",
    "unavailable": "Not available right now",
    "malformed": "The request cannot be read",
    "not-allowed": "This method is not offered here",
    "internal": "Something went wrong on our side",
    "key-reused": "This idempotency key belongs to another request",
    "in-progress": "The same request is being answered",
    "too-many": "Too many requests",
}


class Problem(Exception):
    """Raised by operations; becomes the answer. ``errors``: [{"pointer", "detail"}]."""

    def __init__(
        self,
        status: int,
        name: str,
        detail: str,
        *,
        errors: list[dict[str, str]] | None = None,
        retry_after_s: int | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.name = name
        self.detail = detail
        self.errors = errors
        self.retry_after_s = retry_after_s


def problem_response(
    status: int, name: str, detail: str, *, errors: list[dict[str, str]] | None = None, retry_after_s: int | None = None
) -> HttpResponse:
    body: dict[str, Any] = {
        "type": f"/api/v1/docs#problem-{name}",
        "title": _TITLES[name],
        "status": status,
        "detail": detail,
    }
    if errors:
        body["errors"] = errors
    response = HttpResponse(orjson.dumps(body), status=status, content_type="application/problem+json")
    if retry_after_s is not None:
        response["Retry-After"] = str(retry_after_s)
    if status == 401:
        response["WWW-Authenticate"] = "Bearer"
    return response


def register(api: NinjaAPI) -> None:
    """Turns every way to fail into a problem."""

    @api.exception_handler(Problem)
    def on_problem(request: HttpRequest, error: Problem) -> HttpResponse:
        return problem_response(
            error.status, error.name, error.detail, errors=error.errors, retry_after_s=error.retry_after_s
        )

    @api.exception_handler(AuthenticationError)
    def on_authentication(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
        return problem_response(401, "unauthorized", "Send 'Authorization: Bearer <key>'.")

    @api.exception_handler(ValidationError)
    def on_validation(request: HttpRequest, error: ValidationError) -> HttpResponse:
        errors = [
            {"field": ".".join(str(part) for part in each["loc"][1:]) or "body", "message": each["msg"]}
            for each in error.errors
        ]
        return problem_response(422, "invalid", "Some fields are not valid.", errors=errors)

    @api.exception_handler(HttpError)
    def on_http(request: HttpRequest, error: HttpError) -> HttpResponse:
        return problem_response(error.status_code, "invalid", str(error))

    @api.exception_handler(Exception)
    def on_surprise(request: HttpRequest, error: Exception) -> HttpResponse:
        log.error("partner_request_failed", path=request.path_info, exc_info=error)
        return problem_response(500, "internal", "Nothing is known to be wrong with the request; please try again.")

    @api.exception_handler(DataError)
    def on_data(request: HttpRequest, error: DataError) -> HttpResponse:
        log.warning("partner_request_not_storable", error=str(error))
        return problem_response(422, "invalid", "A value is too long or too large, or holds the character NUL.")

    @api.exception_handler(DatabaseError)
    def on_database(request: HttpRequest, error: DatabaseError) -> HttpResponse:
        log.error("partner_request_not_stored", error=str(error))
        return problem_response(503, "unavailable", "Nothing was stored; please try again.", retry_after_s=2)
