"""The OpenAPI document's ``webhooks``: what a receiver gets, and what its answers mean."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from partners.webhooks.events import PAYLOADS

_HEADERS = {
    "webhook-id": ("The message's id, the same each time it is sent.", "5b6c7d8e-1111-4222-8333-444455556666"),
    "webhook-timestamp": ("When it was sent, seconds since the epoch: refuse what is five minutes old.", "1793534400"),
    "webhook-signature": ("v1, and HMAC-SHA256 of id.timestamp.body; one for each secret in force.", "v1,K5oZ…="),
}
_RESPONSES = {
    "2XX": {"description": "Taken. What the body says is not looked at."},
    "410": {"description": "The receiver is gone for good: its webhook is switched off."},
    "default": {"description": "Not taken: it is sent again, for a day, and later messages of its conversation wait."},
}


def told_webhooks(ref_template: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """(the section, the schemas that it names)"""
    models: list[tuple[type[BaseModel], JsonSchemaMode]] = [(model, _AS_SENT) for model in PAYLOADS.values()]
    _, schemas = models_json_schema(models, ref_template=ref_template)
    section = {name: {"post": _operation(name, model, ref_template)} for name, model in PAYLOADS.items()}
    return section, schemas["$defs"]


_AS_SENT: Literal["serialization"] = "serialization"


def _operation(name: str, model: type[BaseModel], ref_template: str) -> dict[str, Any]:
    return {
        "operationId": f"on_{name.replace('.', '_')}",
        "summary": (model.__doc__ or name).splitlines()[0],
        "tags": ["webhooks"],
        "security": [],
        "parameters": [
            {
                "in": "header", "name": header, "required": True, "description": description,
                "schema": {"type": "string"}, "example": example,
            }
            for header, (description, example) in _HEADERS.items()
        ],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"$ref": ref_template.format(model=model.__name__)}}},
        },
        "responses": _RESPONSES,
    }  # fmt: skip
