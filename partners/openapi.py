"""The OpenAPI 3.1 document: what the code says of its operations, and what is so for all of them."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from ninja import NinjaAPI
from ninja.openapi.docs import DocsBase
from ninja.operation import Operation
from pydantic.json_schema import models_json_schema

from partners.idempotency import HEADER, LONGEST_KEY
from partners.problems import KINDS
from partners.schemas import Problem
from partners.webhooks.document import told_webhooks
from shop.models import ASIN_PATTERN

_REF = "#/components/schemas/{model}"
DESCRIPTION = """Conversations, products, recommendations and orders for a shop's own systems.

Send `Authorization: Bearer ma_…` with each request; a key has scopes, and the operations say which they need.
Send an `Idempotency-Key` with each POST and repeat it without fear for 24 hours: it has its effect once, and you get
the first answer again. Prices, stock and orders are read live for every answer. Errors are problem details (RFC 9457);
their types are explained at `/api/v1/docs`."""
TAGS = {
    "conversations": "Questions, answers, opinions, and people. Scope `conversations`.",
    "catalogue": "Products with their live offers. Scope `catalog:read`.",
    "recommendations": "What to read next (scope `recommendations`), and what shoppers did (scope `events`).",
    "orders": "A customer's orders, read live. Scope `orders:read`.",
    "catalogue changes": "Changes of products, offers and the rest of the feed. Scope `catalog:write`.",
    "webhooks": "Where you hear of what happens: docs/webhooks.md tells how to verify it. Scope `webhooks`.",
}
_HEADERS = {
    "RateLimit-Policy": ('"minute";q=600;w=60', "The key's quotas (draft-ietf-httpapi-ratelimit-headers-10)."),
    "RateLimit": ('"minute";r=599;t=42', "What is left of them, and the seconds until they begin anew."),
    "RateLimit-Limit": ("600", "Requests a minute, for clients of the draft's versions up to 07."),
    "RateLimit-Remaining": ("599", "Requests left until RateLimit-Reset."),
    "RateLimit-Reset": ("42", "Seconds until there are more."),
}
# What may come of any request with a key, of one with a body, and of one that names something by its path.
_ANY = (401, 403, 422, 429, 500, 503)
_WITH_BODY = (400, 413, 415)
_CONVERSATION = {"conversation_id": "$response.body#/conversation_id"}
_JOB = {"job_id": "$response.body#/id"}
_SAME_CONVERSATION = {"conversation_id": "$request.path.conversation_id"}
_WEBHOOK = {"webhook_id": "$response.body#/webhook_id"}
# A POST only because of what it asks for: answered anew each time, whatever key comes with it.
READS = {"get_products"}
# {operation: {name of the link: (operation it leads to, parameters)}}; only what every answer has can be linked.
LINKS: dict[str, dict[str, tuple[str, dict[str, str]]]] = {
    "create_conversation": {
        "ask": ("send_message", _CONVERSATION),
        "read": ("list_messages", _CONVERSATION),
        "person": ("request_handoff", _CONVERSATION),
    },
    "create_webhook": {
        "look": ("get_webhook", _WEBHOOK),
        "try": ("send_test_event", _WEBHOOK),
        "renew": ("rotate_webhook_secret", _WEBHOOK),
        "remove": ("delete_webhook", _WEBHOOK),
    },
    "send_message": {
        "read": ("list_messages", _SAME_CONVERSATION | {"after": "$response.body#/question_id"}),
    },
    "upload_feed": {"job": ("get_feed_job", _JOB), "rejects": ("list_feed_rejects", _JOB)},
}


class PartnerAPI(NinjaAPI):
    """Names operations as the code does, and completes the document."""

    def get_openapi_operation_id(self, operation: Operation) -> str:
        return operation.view_func.__name__

    def get_openapi_schema(self, **kwargs: Any) -> Any:
        document = super().get_openapi_schema(**kwargs)
        document["tags"] = [{"name": name, "description": text} for name, text in TAGS.items()]
        components = document["components"]
        components["schemas"].update(_problem_schemas())
        document["webhooks"], payloads = told_webhooks(_REF)
        components["schemas"].update(payloads)
        components["responses"] = {f"Problem{status}": _problem(status) for status in _statuses()}
        components["headers"] = {name: _header(*about) for name, about in _HEADERS.items()}
        for path, methods in document["paths"].items():
            for method, operation in methods.items():
                _complete(path, method, operation)
        return document


def _problem_schemas() -> dict[str, Any]:
    _, schemas = models_json_schema([(Problem, "serialization")], ref_template=_REF)
    found: dict[str, Any] = schemas["$defs"]
    return found


def _statuses() -> list[int]:
    return sorted({status for kind in KINDS.values() for status in kind.statuses} - {405})


def _problem(status: int) -> dict[str, Any]:
    kinds = {name: kind for name, kind in KINDS.items() if status in kind.statuses}
    problem: dict[str, Any] = {
        "description": ". ".join(f"{kind.title} (`{name}`)" for name, kind in kinds.items()),
        "content": {
            "application/problem+json": {
                "schema": {"$ref": _REF.format(model="Problem")},
                "examples": {
                    name: {
                        "value": {
                            "type": f"/api/v1/docs#problem-{name}",
                            "title": kind.title,
                            "status": status,
                            "detail": kind.advice,
                        }
                    }
                    for name, kind in kinds.items()
                },
            }
        },
    }
    # Of the kinds of a 409 only one has it.
    if status in {409, 429, 503}:
        wait = _header("2", "Seconds after which to send it again.")
        problem["headers"] = {"Retry-After": wait | {"required": status != 409}}
    return problem


def _header(example: str, description: str) -> dict[str, Any]:
    return {"description": description, "schema": {"type": "string", "examples": [example]}}


def _complete(path: str, method: str, operation: dict[str, Any]) -> None:
    responses = operation["responses"]
    for parameter in operation["parameters"]:
        parameter.update(_IN_PATHS.get(parameter["name"], {}) if parameter["in"] == "path" else {})
    for response in responses.values():
        response["headers"] = {name: {"$ref": f"#/components/headers/{name}"} for name in _HEADERS}
    statuses = [*_ANY, *(_WITH_BODY if "requestBody" in operation else ()), *([404] if "{" in path else [])]
    if method == "post" and operation["operationId"] not in READS:
        statuses.append(409)
        operation["parameters"] = [*operation.get("parameters", []), _IDEMPOTENCY_KEY]
        for response in responses.values():
            response["headers"]["Idempotency-Replayed"] = _header("true", "This is the first answer again.")
    name = operation["operationId"]
    success = responses[min(responses)]
    if name == "send_message":
        success["content"]["text/event-stream"] = _EVENT_STREAM
    if name == "upload_feed":
        success["headers"]["Location"] = _header(
            "/api/v1/catalog/jobs/4e0f1f6c-1111-4222-8333-444455556666", "The job."
        )
    if name in LINKS:
        success["links"] = {
            link: {"operationId": target, "parameters": parameters}
            for link, (target, parameters) in LINKS[name].items()
        }
    responses.update({status: {"$ref": f"#/components/responses/Problem{status}"} for status in sorted(statuses)})


# What an operation takes as any text, to answer what cannot be one with 404.
_IN_PATHS: dict[str, dict[str, Any]] = {
    "conversation_id": {"schema": {"type": "string", "format": "uuid"}, "description": "Of this key's tenant."},
    "webhook_id": {"schema": {"type": "string", "format": "uuid"}, "description": "Of this key's tenant."},
    "asin": {"schema": {"type": "string", "pattern": f"^{ASIN_PATTERN}$"}, "example": "BERSERK-EN-1"},
    "job_id": {"schema": {"type": "string", "format": "uuid"}, "description": "Of this key's tenant."},
    "order_id": {"schema": {"type": "string", "minLength": 1, "maxLength": 32}, "example": "MA-10002"},
}
_IDEMPOTENCY_KEY = {
    "in": "header",
    "name": HEADER,
    "required": False,
    "description": "A name of your own for this request: sent again within 24 hours, it has no second effect.",
    "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY, "pattern": "^[!-~]([ -~]*[!-~])?$"},
    "example": "order-4711-question-1",
}
_EVENT_STREAM = {
    "schema": {
        "type": "string",
        "description": "The turn's frames: event is the type, id the seq, data the frame.",
    },
    "example": 'event: delta\nid: 2\ndata: {"type":"delta","turn_id":"…","seq":2,"text":"Yes:"}\n\n',
}


# As octets, which every tool knows how to send; other types are taken as well.
FEED_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "Lines of the catalogue feed, of every kind, in any order: as they are (also as "
        "application/x-ndjson) or gzip, known by its first bytes (also as application/gzip or Content-Encoding: gzip).",
        "content": {
            "application/octet-stream": {
                "schema": {"type": "string", "format": "binary", "minLength": 1},
                "example": '{"kind":"series","id":"berserk","title":"Berserk"}\n',
            }
        },
    }
}


class DocsPage(DocsBase):
    """For people: how to begin, what errors mean, and every operation to try. All of it from our own files."""

    def render_page(self, request: HttpRequest, api: NinjaAPI, **kwargs: Any) -> HttpResponse:
        settings = {"layout": "BaseLayout", "deepLinking": True, "url": self.get_openapi_url(api, kwargs)}
        return render(request, "partners/docs.html", {"api": api, "kinds": KINDS, "settings": settings})
