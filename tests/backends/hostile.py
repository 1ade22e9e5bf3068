"""A simulated AWS behind a proxy that hangs, hangs up, throttles, takes a part, or loses its answers.

Everything else is real: boto3, sockets, retries. Rules are used up in the order in which they were given.
"""

from __future__ import annotations

import base64
import http.client
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from moto.server import ThreadedMotoServer

PATIENCE_S = 60


@dataclass(frozen=True)
class Request:
    """``operation`` as in ``PutRecords``."""

    operation: str
    path: str
    headers: dict[str, str]
    body: dict[str, Any]


@dataclass(frozen=True)
class Answer:
    status: int
    body: dict[str, Any]


class HangUp(Exception):
    """The connection is closed without an answer."""


Forward = Callable[[Request], Answer]
# What becomes of a request: an answer, or HangUp. ``forward`` asks the simulated AWS.
Behaviour = Callable[[Request, Forward], Answer]


def error(status: int, code: str) -> Behaviour:
    return lambda request, forward: Answer(status, {"__type": code, "message": "injected"})


def hang_up(request: Request, forward: Forward) -> Answer:
    raise HangUp


def lose_answer(request: Request, forward: Forward) -> Answer:
    """Done, and nobody is told."""
    forward(request)
    raise HangUp


class Hanging:
    """Until it is let go; then it hangs up."""

    def __init__(self) -> None:
        self.free = threading.Event()

    def __call__(self, request: Request, forward: Forward) -> Answer:
        self.free.wait(PATIENCE_S)
        raise HangUp


def refuse_if(found: Callable[[str], bool]) -> Behaviour:
    """HTTP 400 for the whole call when what is to be put holds this."""

    def behave(request: Request, forward: Forward) -> Answer:
        if any(found(base64.b64decode(each["Data"]).decode()) for each in request.body["Records"]):
            return Answer(400, {"__type": "ValidationException", "message": "injected"})
        return forward(request)

    return behave


def take_all_but(*refused: int) -> Behaviour:
    """HTTP 200 with failures inside, for PutRecords and SendMessageBatch."""

    def behave(request: Request, forward: Forward) -> Answer:
        name = "Records" if request.operation == "PutRecords" else "Entries"
        entries = request.body[name]
        taken = [each for place, each in enumerate(entries) if place not in refused]
        answer = forward(Request(request.operation, request.path, request.headers, request.body | {name: taken}))
        if request.operation == "PutRecords":
            throttled = {"ErrorCode": "ProvisionedThroughputExceededException", "ErrorMessage": "Rate exceeded"}
            results = iter(answer.body["Records"])
            records = [throttled if place in refused else next(results) for place in range(len(entries))]
            return Answer(200, {"FailedRecordCount": len(refused), "Records": records})
        failed = [
            {"Id": entries[place]["Id"], "Code": "InternalError", "Message": "later", "SenderFault": False}
            for place in refused
        ]
        return Answer(200, answer.body | {"Failed": failed})

    return behave


@dataclass
class Outside:
    """``asked``: all requests, in the order in which they came."""

    address: str
    behind: str
    asked: list[Request] = field(default_factory=list)
    _rules: list[tuple[str, Behaviour]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def will(self, operation: str, *behaviours: Behaviour) -> None:
        """The next requests of this operation meet these, one after the other."""
        with self._lock:
            self._rules += [(operation, each) for each in behaviours]

    def be_good(self) -> None:
        with self._lock:
            self._rules.clear()

    def asked_for(self, operation: str) -> list[dict[str, Any]]:
        return [each.body for each in self.asked if each.operation == operation]

    def behave(self, request: Request) -> Answer:
        with self._lock:
            self.asked.append(request)
            place = next((n for n, (name, _) in enumerate(self._rules) if name == request.operation), None)
            behaviour = self._rules.pop(place)[1] if place is not None else None
        return behaviour(request, self._forward) if behaviour else self._forward(request)

    def _forward(self, request: Request) -> Answer:
        connection = http.client.HTTPConnection(self.behind.removeprefix("http://"), timeout=PATIENCE_S)
        try:
            body = json.dumps(request.body).encode()
            headers = request.headers | {"Content-Length": str(len(body))}
            connection.request("POST", request.path, body, headers)
            response = connection.getresponse()
            return Answer(response.status, json.loads(response.read() or b"{}"))
        finally:
            connection.close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    outside: Outside

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        operation = self.headers["X-Amz-Target"].rpartition(".")[2]
        try:
            answer = self.outside.behave(Request(operation, self.path, dict(self.headers), body))
            written = json.dumps(answer.body).encode()
            self.send_response(answer.status)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(written)))
            self.end_headers()
            self.wfile.write(written)
        except (HangUp, BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        pass


def _forget_everything(host: str, port: int) -> None:
    """moto keeps its state in this process, from one server to the next."""
    connection = http.client.HTTPConnection(host, port, timeout=PATIENCE_S)
    connection.request("POST", "/moto-api/reset")
    assert connection.getresponse().status == 200
    connection.close()


@contextmanager
def hostile_outside() -> Iterator[Outside]:
    """Set ``AWS_ENDPOINT_URL`` to its address; ``behind`` is the simulated AWS itself."""
    moto = ThreadedMotoServer(port=0, verbose=False)
    moto.start()
    host, port = moto.get_host_and_port()
    _forget_everything(host, port)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    outside = Outside(f"http://127.0.0.1:{server.server_port}", f"http://{host}:{port}")
    server.RequestHandlerClass = type("Handler", (_Handler,), {"outside": outside})
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield outside
    finally:
        server.shutdown()
        server.server_close()
        moto.stop()
