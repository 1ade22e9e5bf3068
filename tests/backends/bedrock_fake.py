"""Amazon Bedrock's runtime on a loopback port: ConverseStream with AWS' event-stream encoding, requests checked against
botocore's service model.

A message of the encoding (AWS SDK "vnd.amazon.eventstream"): total length, headers' length and the CRC32 of both, all
big-endian 32 bits; headers as (name length, name, type 7, value length, value); the payload; the CRC32 of all of it.
"""

from __future__ import annotations

import json
import struct
import threading
import time
from binascii import crc32
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import botocore.session

from tests.backends.loopback import LoopbackHandler, faults_of, serving

REQUEST = (
    botocore.session.get_session().get_service_model("bedrock-runtime").operation_model("ConverseStream").input_shape
)
Event = tuple[str, dict[str, Any]]


def encode(headers: dict[str, str], payload: bytes) -> bytes:
    head = b"".join(
        struct.pack(f"!B{len(name)}sBH", len(name), name.encode(), 7, len(value.encode())) + value.encode()
        for name, value in headers.items()
    )
    prelude = struct.pack("!II", len(head) + len(payload) + 16, len(head))
    body = prelude + struct.pack("!I", crc32(prelude)) + head + payload
    return body + struct.pack("!I", crc32(body))


def message(name: str, body: dict[str, Any]) -> bytes:
    kind = "exception" if name.endswith("Exception") else "event"
    headers = {f":{kind}-type": name, ":content-type": "application/json", ":message-type": kind}
    return encode(headers, json.dumps(body).encode())


def delta(text: str) -> Event:
    return "contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": text}}


def answer(*texts: str, reason: str = "end_turn", usage: dict[str, int] | None = None) -> list[Event]:
    """A whole stream as the service sends it."""
    usage = usage or {"inputTokens": 100, "outputTokens": 20, "totalTokens": 120}
    return [
        ("messageStart", {"role": "assistant"}),
        *map(delta, texts),
        ("contentBlockStop", {"contentBlockIndex": 0}),
        ("messageStop", {"stopReason": reason}),
        ("metadata", {"usage": usage, "metrics": {"latencyMs": 400}}),
    ]


@dataclass
class FakeBedrock:
    """``events``: the stream; ``bytes_after``: raw bytes at its end; ``pauses``: seconds before the event of that number;
    ``hold_s``: before anything; ``error``: (status, code) instead of a stream; ``gone``: set when a client went away."""

    events: list[Event] = field(default_factory=list)
    bytes_after: bytes = b""
    pauses: dict[int, float] = field(default_factory=dict)
    hold_s: float = 0.0
    error: tuple[int, str] | None = None
    asked: list[dict[str, Any]] = field(default_factory=list)
    # What each request said of its trace.
    places: list[str | None] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    gone: threading.Event = field(default_factory=threading.Event)
    url: str = ""


class _Handler(LoopbackHandler):
    def do_POST(self) -> None:
        fake: FakeBedrock = self.server.fake
        body = self.read_json()
        _, model, model_id, operation = self.path.split("/")
        if (model, operation) != ("model", "converse-stream"):
            fake.faults.append(f"no such operation: {self.path}")
        request = body | {"modelId": unquote(model_id)}
        fake.faults += faults_of(request, REQUEST)
        fake.asked.append(request)
        fake.places.append(self.headers.get("traceparent"))
        time.sleep(fake.hold_s)
        if fake.error:
            status, code = fake.error
            self.send_json(status, {"message": "as told"}, code=code)
            return
        self.begin_pieces(200, "application/vnd.amazon.eventstream")
        try:
            for number, (name, event) in enumerate(fake.events):
                self.pause(fake.pauses.get(number, 0))
                self.send_piece(message(name, event))
            if fake.bytes_after:
                self.send_piece(fake.bytes_after)
            self.end_pieces()
        except OSError:
            fake.gone.set()


@contextmanager
def fake_bedrock() -> Iterator[FakeBedrock]:
    fake = FakeBedrock()
    with serving(fake, _Handler) as fake.url:
        yield fake
