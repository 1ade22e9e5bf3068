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


def _shape(service: str, operation: str) -> Any:
    return _SESSION.get_service_model(service).operation_model(operation).input_shape


REQUEST_SHAPE = _shape("personalize-runtime", "GetRecommendations")
RANKING_SHAPE = _shape("personalize-runtime", "GetPersonalizedRanking")
# What the service is told: path → shape.
TOLD_SHAPES = {
    "/events": _shape("personalize-events", "PutEvents"),
    "/items": _shape("personalize-events", "PutItems"),
    "/users": _shape("personalize-events", "PutUsers"),
    "/": _shape("personalize", "CreateDataDeletionJob"),
}


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
    # PutEvents and PutItems with one of these items are refused.
    refused_items: set[str] = field(default_factory=set)
    # Names of deletion jobs: the same is not created twice.
    jobs: list[str] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)
    answering: threading.Event = field(default_factory=threading.Event)
    url: str = ""

    @property
    def last(self) -> dict[str, Any]:
        return self.asked[-1]

    def take(self, path: str, request: dict[str, Any]) -> tuple[int, str, dict[str, Any]]:
        faults = list(faults_of(request, TOLD_SHAPES[path]))
        records = [*request.get("eventList", ()), *request.get("items", ())]
        if faults or {each.get("itemId") for each in records} & self.refused_items:
            return 400, "InvalidInputException", {"message": "; ".join(faults)}
        if self.failure:
            return self.failure[0], self.failure[1], {"message": "as told"}
        if path == "/":
            if request["jobName"] in self.jobs:
                return 400, "ResourceAlreadyExistsException", {"message": "there is one"}
            self.jobs.append(request["jobName"])
            return 200, "", {"dataDeletionJobArn": "arn:aws:personalize:us-east-1:1:data-deletion-job/x"}
        return 200, "", {}

    def rank(self, request: dict[str, Any]) -> tuple[int, str, dict[str, Any]]:
        """By the campaign's items: those of the input that are in them, in their order."""
        faults = list(faults_of(request, RANKING_SHAPE))
        if len(request.get("inputList", ())) > 500:
            faults.append("inputList: more than 500")
        if faults:
            return 400, "InvalidInputException", {"message": "; ".join(faults)}
        if self.failure:
            return self.failure[0], self.failure[1], {"message": "as told"}
        order = [item["itemId"] for item in self.answers[request["campaignArn"]]]
        known = [{"itemId": id, "score": 0.5} for id in order if id in request["inputList"]]
        unknown = [{"itemId": id} for id in request["inputList"] if id not in order]
        return 200, "", {"personalizedRanking": known + unknown, "recommendationId": f"RID-{len(self.asked)}"}

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
        if self.path in TOLD_SHAPES:
            status, code, body = fake.take(self.path, request)
            # The control plane's protocol names the error in the body, the others in a header.
            self._send(status, code, json.dumps(body | ({"__type": code} if code else {})).encode())
            return
        if self.path not in {"/recommendations", "/personalize-ranking"}:
            self._send(404, "ResourceNotFoundException", b"{}")
            return
        # A hanging service took the request and never answers.
        if not fake.answering.wait(timeout=10):
            return
        status, code, body = fake.rank(request) if self.path == "/personalize-ranking" else fake.reply(request)
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
