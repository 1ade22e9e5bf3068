"""Amazon Personalize's runtime on a loopback port, as strict as the service: botocore itself sends many values that
the service refuses, so every request is checked by the service's model here.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import botocore.session

from tests.backends.loopback import LoopbackHandler, faults_of, serving

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


class _Handler(LoopbackHandler):
    def do_POST(self) -> None:
        fake: FakePersonalize = self.server.fake
        request = self.read_json()
        fake.asked.append(request)
        if self.path in TOLD_SHAPES:
            status, code, body = fake.take(self.path, request)
            # The control plane's protocol names the error in the body, the others in a header.
            self.send_json(status, body | ({"__type": code} if code else {}), code=code)
            return
        if self.path not in {"/recommendations", "/personalize-ranking"}:
            self.send_json(404, {}, code="ResourceNotFoundException")
            return
        # A hanging service took the request and never answers.
        if not fake.answering.wait(timeout=10):
            return
        status, code, body = fake.rank(request) if self.path == "/personalize-ranking" else fake.reply(request)
        self.send_json(status, b"<html>" if fake.garbage else json.dumps(body).encode(), code=code)


@contextmanager
def fake_personalize() -> Iterator[FakePersonalize]:
    fake = FakePersonalize()
    fake.answering.set()
    with serving(fake, _Handler) as fake.url:
        try:
            yield fake
        finally:
            fake.answering.set()
