"""An OpenAI-compatible server on a loopback port. It sends exactly the bytes that a test tells it to, as servers differ."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.backends.loopback import LoopbackHandler, serving


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
    """``pieces``: the body, piece by piece, or what ``answers`` makes of a request; ``pauses``: seconds before the piece of that number; ``status`` other than 200:
    the pieces are its error; ``cut``: the connection ends without the body's end; ``gone``: a client went away."""

    pieces: list[bytes] = field(default_factory=list)
    answers: Callable[[dict[str, Any]], list[bytes]] | None = None
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
    # What each request said of its trace.
    places: list[str | None] = field(default_factory=list)
    gone: threading.Event = field(default_factory=threading.Event)
    url: str = ""


class _Handler(LoopbackHandler):
    def do_POST(self) -> None:
        fake: FakeOpenAI = self.server.fake
        assert self.path == "/v1/chat/completions", self.path
        request = self.read_json()
        fake.asked.append(request)
        fake.keys.append(self.headers.get("Authorization"))
        fake.places.append(self.headers.get("traceparent"))
        fake.reached.set()
        fake.go.wait(60)
        time.sleep(fake.hold_s)
        content_type = "text/event-stream" if fake.status == 200 else "application/json"
        self.begin_pieces(fake.status, content_type, fake.headers)
        try:
            for number, piece in enumerate(fake.answers(request) if fake.answers else fake.pieces):
                self.pause(fake.pauses.get(number, 0))
                self.send_piece(piece)
            if fake.cut:
                self.close_connection = True
            else:
                self.end_pieces()
        except OSError:
            fake.gone.set()


@contextmanager
def fake_openai() -> Iterator[FakeOpenAI]:
    fake = FakeOpenAI()
    fake.go.set()
    with serving(fake, _Handler) as url:
        fake.url = f"{url}/v1"
        yield fake
