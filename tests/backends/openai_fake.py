"""An OpenAI-compatible server on a loopback port. It sends exactly the bytes that a test tells it to, as servers differ."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


def chunk(text: str = "", reason: str | None = None, **more: Any) -> dict[str, Any]:
    choice = {"index": 0, "delta": {"content": text} if text else {}, "finish_reason": reason}
    return {"id": "c", "object": "chat.completion.chunk", "choices": [choice]} | more


def event(body: dict[str, Any] | str, end: str = "\n") -> bytes:
    data = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
    return f"data: {data}{end}{end}".encode()


def answer(*texts: str, reason: str = "stop", usage: dict[str, Any] | None = None) -> list[bytes]:
    """A whole stream as OpenAI sends it."""
    usage = usage or {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
    return [
        event(chunk()),
        *(event(chunk(text)) for text in texts),
        event(chunk(reason=reason)),
        event({"choices": [], "usage": usage}),
        event("[DONE]"),
    ]


@dataclass
class FakeOpenAI:
    """``pieces``: the body, piece by piece; ``pauses``: seconds before the piece of that number; ``status`` other than 200:
    the pieces are its error; ``cut``: the connection ends without the body's end; ``gone``: a client went away."""

    pieces: list[bytes] = field(default_factory=list)
    pauses: dict[int, float] = field(default_factory=dict)
    hold_s: float = 0.0
    # It answers once this is set.
    go: threading.Event = field(default_factory=threading.Event)
    # Set when it has been asked.
    reached: threading.Event = field(default_factory=threading.Event)
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False
    asked: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    gone: threading.Event = field(default_factory=threading.Event)
    url: str = ""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64
    fake: FakeOpenAI


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_POST(self) -> None:
        fake = self.server.fake
        assert self.path == "/v1/chat/completions", self.path
        fake.asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        fake.keys.append(self.headers.get("Authorization"))
        fake.reached.set()
        fake.go.wait(60)
        time.sleep(fake.hold_s)
        self.send_response(fake.status)
        self.send_header("Content-Type", "text/event-stream" if fake.status == 200 else "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        for name, value in fake.headers.items():
            self.send_header(name, value)
        self.end_headers()
        try:
            for number, piece in enumerate(fake.pieces):
                self._pause(fake.pauses.get(number, 0))
                self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
                self.wfile.flush()
            if fake.cut:
                self.close_connection = True
            else:
                self.wfile.write(b"0\r\n\r\n")
        except OSError:
            fake.gone.set()

    def _pause(self, seconds: float) -> None:
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            time.sleep(0.02)
            self.connection.setblocking(False)
            try:
                if not self.connection.recv(1):
                    raise ConnectionAbortedError
            except BlockingIOError:
                pass
            finally:
                self.connection.setblocking(True)

    def log_message(self, format: str, *args: Any) -> None:
        """Silence."""


@contextmanager
def fake_openai() -> Iterator[FakeOpenAI]:
    fake = FakeOpenAI()
    fake.go.set()
    server = _Server(("127.0.0.1", 0), _Handler)
    server.fake = fake
    fake.url = f"http://127.0.0.1:{server.server_port}/v1"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
