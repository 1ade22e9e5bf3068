"""What a loopback Sentry hears of a fault, and what it does not."""

from __future__ import annotations

import gzip
import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import orjson
import pytest
import sentry_sdk

from mangaassist import reporting
from mangaassist.correlation import correlated
from tests.mangaassist.running import until

CORRELATION = "0b9d7d3e-5a3f-4a55-9c6e-6a4f0f2f9c11"
PRIVATE = ("kentaro@example.com", "090-1234-5678", "03-3581-4321", "Miura Kentaro", "secret-of-a-cookie")


class Receiver(HTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Ingest)
        self.bodies: list[bytes] = []


class Ingest(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        self.server.bodies.append(body)
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *args: Any) -> None:
        """Silent."""


@pytest.fixture
def sentry(settings: Any) -> Iterator[Receiver]:
    server = Receiver()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    settings.SENTRY_DSN = f"http://key@127.0.0.1:{server.server_port}/1"
    reporting.configure("web")
    yield server
    sentry_sdk.get_client().close(timeout=5)
    sentry_sdk.init()
    server.shutdown()
    server.server_close()


def heard(sentry: Receiver) -> dict[str, Any]:
    sentry_sdk.flush(20)
    until(lambda: bool(sentry.bodies), "an event")
    # An envelope: a line about it, then a line about the item, then the item (Sentry, "Envelopes").
    event: dict[str, Any] = orjson.loads(sentry.bodies[0].split(b"\n")[2])
    return event


def break_with_words(text: str) -> None:
    asked = {"text": text, "cookie": PRIVATE[4]}
    raise ValueError(f"cannot read {PRIVATE[0]}, {PRIVATE[1]}\nDETAIL: Key (name)=({PRIVATE[3]}) {asked}")


def test_a_fault_arrives_with_its_place_and_without_a_word_of_the_shopper(sentry: Receiver) -> None:
    sentry_sdk.set_user({"email": PRIVATE[0], "username": PRIVATE[3]})
    sentry_sdk.set_context("order", {"phone": PRIVATE[2]})
    sentry_sdk.set_tag("name", PRIVATE[3])
    sentry_sdk.add_breadcrumb(message=f"asked by {PRIVATE[3]}")
    with correlated(CORRELATION):
        try:
            break_with_words(f"I am {PRIVATE[3]}, {PRIVATE[2]}")
        except ValueError:
            logging.getLogger("chat").exception("frame_failed for %s", PRIVATE[0])
    event = heard(sentry)
    (fault,) = event["exception"]["values"]
    assert fault["type"] == "ValueError"
    assert fault["value"] == "cannot read [email], [phone]"
    assert fault["stacktrace"]["frames"][-1]["function"] == "break_with_words"
    assert event["tags"] == {"service": "web", "correlation": CORRELATION}
    sent = b"".join(sentry.bodies).decode()
    assert [each for each in PRIVATE if each in sent] == []
