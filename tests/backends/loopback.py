"""What the services on a loopback port have in common: HTTP that keeps its connections, answers in pieces, AWS's errors
and a look at every request by botocore's service models.
"""

from __future__ import annotations

import json
import re
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


def faults_of(value: Any, shape: Any, path: str = "") -> Iterator[str]:
    """Each breach of the model, in a line: botocore itself sends many values that a service refuses."""
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


class LoopbackServer(ThreadingHTTPServer):
    """``fake``: what a test tells the service and what the service was told."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 64
    fake: Any

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no fault of the service's."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class LoopbackHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: LoopbackServer

    def read_json(self) -> dict[str, Any]:
        body: dict[str, Any] = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
        return body

    def send_json(self, status: int, body: dict[str, Any] | bytes, *, code: str = "") -> None:
        """``code``: AWS's name of an error, in the header where its REST protocol has it."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        if code:
            self.send_header("x-amzn-ErrorType", code)
        self.end_headers()
        self.wfile.write(data)

    # --- An answer in pieces

    def begin_pieces(self, status: int, content_type: str, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Transfer-Encoding", "chunked")
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()

    def send_piece(self, data: bytes) -> None:
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.flush()

    def end_pieces(self) -> None:
        self.wfile.write(b"0\r\n\r\n")

    def pause(self, seconds: float) -> None:
        """In small steps with a look at the line: raises ``ConnectionAbortedError`` when the client has left."""
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            time.sleep(0.02)
            if self._has_left():
                raise ConnectionAbortedError

    def _has_left(self) -> bool:
        self.connection.setblocking(False)
        try:
            return len(self.connection.recv(1)) == 0
        except BlockingIOError:
            return False
        finally:
            self.connection.setblocking(True)

    def log_message(self, format: str, *args: Any) -> None:
        """Silence."""


@contextmanager
def serving(fake: Any, handler: type[LoopbackHandler]) -> Iterator[str]:
    """The service's address, for as long as it is there."""
    server = LoopbackServer(("127.0.0.1", 0), handler)
    server.fake = fake
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
