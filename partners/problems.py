"""Errors as RFC 9457 problem details: a stable type, a title, and what to do about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import orjson
import structlog
from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.db import DatabaseError, DataError
from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError

log = structlog.get_logger(__name__)
# Wrong fields that an answer names: a small body can have a million of them.
MOST_FIELDS = 100


@dataclass(frozen=True, slots=True)
class Kind:
    """``advice``: what the caller can do about it, for the documentation."""

    statuses: tuple[int, ...]
    title: str
    advice: str


# The last word of a type, /api/v1/docs#problem-…; a word never changes its meaning.
ProblemName = Literal[
    "malformed", "unauthorized", "forbidden", "not-found", "not-allowed", "key-reused", "in-progress", "limit",
    "switched-off", "too-large", "not-json", "invalid", "too-many", "internal", "unavailable",
]  # fmt: skip
KINDS: dict[ProblemName, Kind] = {
    "malformed": Kind((400,), "The request cannot be read", "Send well-formed HTTP with a JSON body in UTF-8."),
    "unauthorized": Kind((401,), "A valid API key is needed", "Send Authorization: Bearer and a secret in force."),
    "forbidden": Kind((403,), "This key may not do that", "Use a key with the scope, origin and network for it."),
    "not-found": Kind((404,), "There is no such thing", "Check the id: others' things look as if they were not there."),
    "not-allowed": Kind((405,), "This method is not offered here", "Use a method that Allow names."),
    "key-reused": Kind((409,), "This idempotency key belongs to another request", "Make a new key for a new request."),
    "in-progress": Kind((409,), "The same request is being answered", "Send it again after Retry-After seconds."),
    "limit": Kind((409,), "There are as many of these as there may be", "Remove one that is not needed any more."),
    "switched-off": Kind(
        (409,), "The shop does not offer this at the moment", "Do without it: it is no fault of yours."
    ),
    "too-large": Kind((413,), "The body is too large", "Send less at once."),
    "not-json": Kind((415,), "The body must be JSON", "Send Content-Type: application/json and no Content-Encoding."),
    "invalid": Kind((422,), "The request is not valid", "Mend what errors names: field and pointer say where."),
    "too-many": Kind((429,), "Too many requests", "Wait Retry-After seconds; the RateLimit headers tell what is left."),
    "internal": Kind((500,), "Something went wrong on our side", "Send it again, with the same Idempotency-Key."),
    "unavailable": Kind((503,), "Not available right now", "Send it again after Retry-After seconds."),
}


class Problem(Exception):
    """Raised by operations; becomes the answer. ``errors``: [{"field", "message", "pointer"?}]."""

    def __init__(
        self,
        status: int,
        name: ProblemName,
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
    status: int,
    name: ProblemName,
    detail: str,
    *,
    errors: list[dict[str, str]] | None = None,
    retry_after_s: int | None = None,
) -> HttpResponse:
    body: dict[str, Any] = {
        "type": f"/api/v1/docs#problem-{name}",
        "title": KINDS[name].title,
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


def _field_problem(place: Sequence[str | int], message: str) -> dict[str, str]:
    """``place``: where it came in (query, body…), the parameter's name, and the way inside a body."""
    inside = [str(part) for part in place[2:]] if place[0] == "body" else []
    if place[0] != "body":
        return {"field": ".".join(map(str, place[1:])), "message": message}
    escaped = [part.replace("~", "~0").replace("/", "~1") for part in inside]
    return {"field": ".".join(inside) or "body", "message": message, "pointer": "/".join(["#", *escaped])}


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
        errors = [_field_problem(each["loc"], each["msg"]) for each in error.errors[:MOST_FIELDS]]
        return problem_response(422, "invalid", "Some fields are not valid.", errors=errors)

    @api.exception_handler(HttpError)
    def on_http(request: HttpRequest, error: HttpError) -> HttpResponse:
        # The framework wraps what the reader of bodies raises.
        if isinstance(error.__cause__, RequestDataTooBig):
            return on_size(request, error.__cause__)
        if isinstance(error.__cause__, Problem):
            return on_problem(request, error.__cause__)
        return problem_response(error.status_code, "malformed", str(error))

    @api.exception_handler(RequestDataTooBig)
    def on_size(request: HttpRequest, error: RequestDataTooBig) -> HttpResponse:
        return problem_response(413, "too-large", f"A body may have {settings.DATA_UPLOAD_MAX_MEMORY_SIZE} bytes.")

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
