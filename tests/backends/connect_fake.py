"""Amazon Connect and its participant service on a loopback port, as strict as botocore's service models."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import botocore.session

from tests.backends.loopback import LoopbackHandler, faults_of, serving

_SESSION = botocore.session.get_session()
_OPERATIONS = [
    (service, _SESSION.get_service_model(service).operation_model(name))
    for service, name in (
        ("connect", "StartTaskContact"),
        ("connect", "StartChatContact"),
        ("connect", "StopContact"),
        ("connect", "UpdateContactAttributes"),
        ("connect", "GetCurrentMetricData"),
        ("connect", "GetContactMetrics"),
        ("connectparticipant", "CreateParticipantConnection"),
        ("connectparticipant", "SendMessage"),
    )
]
INSTANCE = "11111111-2222-3333-4444-555555555555"


def contact_id_of(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012d}"


@dataclass
class FakeConnect:
    """``asked``: (operation, request) of everything that was taken. ``lost_answers``: so many times the work is done and
    the connection cut before the answer. ``failure``: an error code instead of an answer."""

    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    # ClientToken → contact: the same token is the same contact.
    contacts: dict[str, str] = field(default_factory=dict)
    words: dict[str, str] = field(default_factory=dict)
    stopped: set[str] = field(default_factory=set)
    expired: set[str] = field(default_factory=set)
    waits: dict[str, float] = field(default_factory=dict)
    queue_wait: float | None = None
    failure: str = ""
    lost_answers: int = 0
    faults: list[str] = field(default_factory=list)
    url: str = ""

    def of(self, operation: str) -> list[dict[str, Any]]:
        return [request for name, request in self.asked if name == operation]

    def answer(self, operation: str, request: dict[str, Any]) -> tuple[int, str, dict[str, Any]]:
        if self.failure:
            status = {"InternalServiceException": 500, "ThrottlingException": 429}.get(self.failure, 400)
            return status, self.failure, {"Message": "as told"}
        match operation:
            case "StartTaskContact" | "StartChatContact":
                contact = self.contacts.setdefault(request["ClientToken"], contact_id_of(len(self.contacts) + 1))
                joins = {"ParticipantId": "p", "ParticipantToken": f"join {contact}"}
                return 200, "", {"ContactId": contact} | (joins if operation == "StartChatContact" else {})
            case "CreateParticipantConnection":
                token = request["ParticipantToken"].replace("join", "speak") + " again" * len(self.expired)
                return 200, "", {"ConnectionCredentials": {"ConnectionToken": token, "Expiry": "2030-01-01T00:00:00Z"}}
            case "SendMessage" if request["ConnectionToken"] in self.expired:
                return 403, "AccessDeniedException", {"Message": "the token has expired"}
            case "SendMessage":
                self.words.setdefault(request["ClientToken"], request["Content"])
                return 200, "", {"Id": "m", "AbsoluteTime": "2026-01-01T00:00:00Z"}
            case "StopContact":
                if request["ContactId"] in self.stopped or request["ContactId"] not in self.contacts.values():
                    return 410, "ContactNotFoundException", {"Message": "no such contact"}
                self.stopped.add(request["ContactId"])
                return 200, "", {}
            case "UpdateContactAttributes":
                known = request["InitialContactId"] in self.contacts.values()
                return (200, "", {}) if known else (404, "ResourceNotFoundException", {"Message": "no such contact"})
            case "GetContactMetrics":
                results = [
                    {"Name": each["Name"], "Value": {"Number": self.waits[each["Name"]]}}
                    for each in request["Metrics"]
                    if each["Name"] in self.waits
                ]
                return 200, "", {"MetricResults": results, "Id": request["ContactId"]}
        collection = {"Metric": request["CurrentMetrics"][0], "Value": self.queue_wait}
        results = [{"Collections": [collection]}] if self.queue_wait is not None else []
        return 200, "", {"MetricResults": results}


class _Handler(LoopbackHandler):
    def _take(self) -> None:
        fake: FakeConnect = self.server.fake
        operation, request = self._read(self.read_json())
        if operation is None:
            fake.faults.append(f"no such operation: {self.command} {self.path}")
            self.send_json(404, {}, code="ResourceNotFoundException")
            return
        faults = list(faults_of(request, operation.input_shape))
        if faults:
            fake.faults += faults
            self.send_json(400, {"Message": "; ".join(faults)}, code="InvalidParameterException")
            return
        fake.asked.append((operation.name, request))
        status, code, answer = fake.answer(operation.name, request)
        if fake.lost_answers:
            fake.lost_answers -= 1
            self.close_connection = True
            return
        self.send_json(status, answer, code=code)

    do_PUT = do_POST = _take

    def _read(self, body: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        """The operation by its method and path, and its input as the model names it."""
        for _, operation in _OPERATIONS:
            pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(operation.http["requestUri"]))
            found = re.fullmatch(pattern, self.path)
            if operation.http["method"] != self.command or found is None:
                continue
            request = body | found.groupdict()
            for name, shape in operation.input_shape.members.items():
                if shape.serialization.get("location") == "header":
                    value = self.headers.get(shape.serialization["name"])
                    request |= {name: value} if value is not None else {}
            return operation, request
        return None, {}


@contextmanager
def fake_connect() -> Iterator[FakeConnect]:
    fake = FakeConnect()
    with serving(fake, _Handler) as fake.url:
        yield fake
