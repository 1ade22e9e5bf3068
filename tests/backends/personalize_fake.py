"""Amazon Personalize's runtime on a loopback port, as strict as the service: botocore itself sends many values that
the service refuses, so every request is checked against the service model's max, min, pattern and enum here.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import botocore.session

_SESSION = botocore.session.get_session()
REQUEST_SHAPE = _SESSION.get_service_model("personalize-runtime").operation_model("GetRecommendations").input_shape
EVENTS_SHAPE = _SESSION.get_service_model("personalize-events").operation_model("PutEvents").input_shape


def faults_of(value: Any, shape: Any, path: str = "") -> Iterator[str]:
    """Each breach of the model, in a line."""
    limits = shape.metadata
    if shape.type_name == "structure":
        if not isinstance(value, dict):
            yield f"{path}: not an object"
            return
        members = shape.members
        yield from (f"{path}.{name}: missing" for name in shape.required_members if name not in value)
        for name, inner in value.items():
            if name not in members:
                yield f"{path}.{name}: unknown"
            else:
                yield from faults_of(inner, members[name], f"{path}.{name}")
        return
    if shape.type_name in {"timestamp", "float", "boolean"}:
        return
    size = value if isinstance(value, int) else len(value)
    if "max" in limits and size > limits["max"]:
        yield f"{path}: {size} is above {limits['max']}"
    if "min" in limits and size < limits["min"]:
        yield f"{path}: {size} is below {limits['min']}"
    if isinstance(value, str):
        if "pattern" in limits and not re.fullmatch(limits["pattern"], value):
            yield f"{path}: {value!r} does not match {limits['pattern']}"
        if limits.get("enum") and value not in limits["enum"]:
            yield f"{path}: {value!r} is none of {limits['enum']}"
    elif shape.type_name == "map":
        for key, inner in value.items():
            yield from faults_of(key, shape.key, f"{path}[{key!r}]")
            yield from faults_of(inner, shape.value, f"{path}[{key!r}]")
    elif shape.type_name == "list":
        for place, inner in enumerate(value):
            yield from faults_of(inner, shape.member, f"{path}[{place}]")


@dataclass
class FakePersonalize:
    """``answers``: campaign ARN → items. ``failure``: (HTTP status, error code) instead; ``hang``: no answer."""

    answers: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    failure: tuple[int, str] | None = None
    garbage: bool = False
    # PutEvents with one of these items is refused.
    refused_items: set[str] = field(default_factory=set)
    asked: list[dict[str, Any]] = field(default_factory=list)
    answering: threading.Event = field(default_factory=threading.Event)
    url: str = ""

    @property
    def last(self) -> dict[str, Any]:
        return self.asked[-1]

    def take_events(self, request: dict[str, Any]) -> tuple[int, str, dict[str, Any]]:
        faults = list(faults_of(request, EVENTS_SHAPE))
        refused = {event.get("itemId") for event in request.get("eventList", ())} & self.refused_items
        if faults or refused:
            return 400, "InvalidInputException", {"message": "; ".join(faults)}
        if self.failure:
            return self.failure[0], self.failure[1], {"message": "as told"}
        return 200, "", {}

    def reply(self, request: dict[str, Any]) -> tuple[int, str, dict[str, Any]]:
        faults = list(faults_of(request, REQUEST_SHAPE))
        if faults:
            return 400, "InvalidInputException", {"message": "; ".join(faults)}
        if self.failure:
            return self.failure[0], self.failure[1], {"message": "as told"}
        if request.get("campaignArn") not in self.answers:
            return 404, "ResourceNotFoundException", {"message": "no such campaign"}
        items = self.answers[request["campaignArn"]][: request.get("numResults") or 25]
        return 200, "", {"itemList": items, "recommendationId": f"RID-{len(self.asked)}"}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    fake: FakePersonalize


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_POST(self) -> None:
        fake = self.server.fake
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        fake.asked.append(request)
        if self.path == "/events":
            status, code, body = fake.take_events(request)
            self._send(status, code, json.dumps(body).encode())
            return
        if self.path != "/recommendations":
            self._send(404, "ResourceNotFoundException", b"{}")
            return
        # A hanging service took the request and never answers.
        if not fake.answering.wait(timeout=10):
            return
        status, code, body = fake.reply(request)
        self._send(status, code, b"<html>" if fake.garbage else json.dumps(body).encode())

    def _send(self, status: int, code: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if code:
            self.send_header("x-amzn-ErrorType", code)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Silence."""


@contextmanager
def fake_personalize() -> Iterator[FakePersonalize]:
    fake = FakePersonalize()
    fake.answering.set()
    server = _Server(("127.0.0.1", 0), _Handler)
    server.fake = fake
    fake.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield fake
    finally:
        fake.answering.set()
        server.shutdown()
        server.server_close()
