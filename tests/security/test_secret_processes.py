"""Secrets stay where they are: real processes are given marked ones and made to fail, and whatever they write or answer
is searched for the marks."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from django.conf import settings
from websockets.sync.client import connect

from mangaassist.embedded import redis_program
from tests.mangaassist.running import Running, free_port, until
from tests.security.test_secrets import NUMBER, SECRETS

MARKED = {name: value.format(NUMBER) for name, value in SECRETS.items()}
MARKS = [*MARKED.values(), f"redis-mark-{NUMBER}"]


class Quoting(BaseHTTPRequestHandler):
    """AWS, Bedrock and OpenAI at their worst: whatever was sent is quoted in the error."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        told = {"__type": "SignatureDoesNotMatch", "message": f"{dict(self.headers)} {body!r}"}
        answer = json.dumps(told).encode()
        self.send_response(403)
        self.send_header("Content-Type", "application/x-amz-json-1.0")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_PUT = do_POST

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def quoting() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Quoting)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def redis_url(tmp_path: Path) -> Iterator[str]:
    """A Redis that asks for a password."""
    port = free_port()
    command = [redis_program(), "--port", str(port), "--bind", "127.0.0.1", "--requirepass", f"redis-mark-{NUMBER}"]
    server = subprocess.Popen([*command, "--dir", str(tmp_path), "--save", ""], stdout=subprocess.DEVNULL)
    yield f"redis://:redis-mark-{NUMBER}@127.0.0.1:{port}/0"
    server.terminate()
    server.wait()


# A partner with a webhook to nobody, and a test event for it.
PARTNER = """
from partners.models import create_api_key
from partners.webhooks.models import Webhook
from partners.webhooks.messages import send_test
from partners.webhooks.signing import secret_of
key, secret = create_api_key("A shop", ["conversations", "webhooks"])
hook = Webhook.objects.create(key=key, url="http://127.0.0.1:9/hook", events=["feedback.received"])
salt = hook.add_secret()
send_test(hook)
print("secrets", secret, secret_of(salt))
"""


@pytest.mark.process
def test_no_secret_is_in_a_log_an_error_or_a_figure(tmp_path: Path, quoting: str, redis_url: str) -> None:
    data_dir = tmp_path / "data"
    given = MARKED | {
        "REDIS_URL": redis_url,
        "LOG_FORMAT": "json",
        "LOG_LEVEL": "DEBUG",
        "AWS_ENDPOINT_URL": quoting,
        "AWS_DEFAULT_REGION": "eu-west-1",
        "FEEDBACK_QUEUE": "sqs",
        "FEEDBACK_QUEUE_URL": f"{quoting}/123456789012/feedback",
        "ANALYTICS": "kinesis",
        "KINESIS_ANALYTICS_STREAM": "analytics",
        "GENERATOR": "openai",
        "OPENAI_BASE_URL": f"{quoting}/v1",
        "OPENAI_MODEL": "m",
        "WEBHOOK_LOOPBACK": "1",
    }
    running = Running(data_dir, free_port(), **given)
    answers: list[str] = []
    secrets: list[str] = []
    try:
        running.wait_ready()
        made = subprocess.run(
            [sys.executable, "manage.py", "shell", "--verbosity", "0", "-c", PARTNER],
            cwd=settings.BASE_DIR, env=os.environ | given | {"DATA_DIR": str(data_dir), "DEMO": "0"},
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        secrets = made.stdout.rpartition("secrets ")[2].split()
        assert len(secrets) == 2, made.stderr
        answers += [fetch(running.port, "POST", "/api/v1/conversations", bearer=secrets[0])]
        answers += [fetch(running.port, "POST", "/api/v1/conversations", bearer=f"{secrets[0]}x")]
        talk(running.port)
        # The worker has met AWS and the receiver that is not there.
        running.wait_for("SignatureDoesNotMatch")
        until(lambda: webhook_error(running.port, secrets[0]) is not None, "the failed webhook")
        answers += [fetch(running.port, "GET", "/api/v1/webhooks", bearer=secrets[0])]
        answers += [fetch(running.port, "GET", path) for path in ("/readyz", "/metrics", "/nowhere", "/admin/login/")]
        break_database(data_dir)
        answers += [fetch(running.port, "GET", path) for path in ("/chat/", "/desk/", "/readyz", "/metrics")]
        answers += [fetch(running.port, "GET", "/api/v1/products/x", bearer=secrets[0])]
        assert any(answer.startswith("500") for answer in answers), answers
    finally:
        running.stop()
    written = [*running.lines, *answers, *files_in(data_dir)]
    assert len(running.lines) > 20
    for mark in (*MARKS, *secrets):
        assert [text[:400] for text in written if mark in text] == []


def webhook_error(port: int, secret: str) -> str | None:
    told = json.loads(fetch(port, "GET", "/api/v1/webhooks", bearer=secret).partition("\n\n")[2])
    error: str | None = told["webhooks"][0]["last_error"]
    return error


def talk(port: int) -> None:
    """A question and an opinion: the first leaves for Kinesis, the second for SQS."""
    token = json.loads(fetch(port, "POST", "/widget/v1/token").partition("\n\n")[2])["token"]
    with connect(f"ws://127.0.0.1:{port}/ws/chat/") as socket:

        def until_told(type: str) -> dict[str, str]:
            while (frame := json.loads(socket.recv(60)))["type"] != type:
                pass
            return dict(frame)

        socket.send(json.dumps({"type": "hello", "v": 1, "token": token, "caps": ["stream"]}))
        until_told("ready")
        asked = {"type": "user_message", "client_msg_id": str(uuid.uuid4()), "text": "something dark?"}
        socket.send(json.dumps(asked))
        answer = until_told("response")
        opinion = {"type": "feedback", "client_msg_id": str(uuid.uuid4()), "message_id": answer["message_id"]}
        socket.send(json.dumps(opinion | {"rating": "down"}))
        until_told("saved")


def fetch(port: int, method: str, path: str, *, bearer: str = "") -> str:
    """Status, headers and body as text."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {bearer}"} if bearer else {})
    connection.request(method, path, "{}" if method == "POST" else None, headers)
    answer = connection.getresponse()
    text = f"{answer.status}\n{answer.headers}\n\n{answer.read().decode(errors='replace')}"
    connection.close()
    return text


def break_database(data_dir: Path) -> None:
    """Every next reader of it fails, in every process."""
    for file in data_dir.glob("mangaassist.sqlite3*"):
        with file.open("r+b") as opened:
            opened.write(b"\x00" * max(file.stat().st_size, 100))
    time.sleep(0.1)


def files_in(data_dir: Path) -> list[str]:
    """What was written beside the database and the key's own file."""
    kept = {"secret_key", "mangaassist.sqlite3", "mangaassist.sqlite3-wal", "mangaassist.sqlite3-shm"}
    files = [file for file in data_dir.rglob("*") if file.is_file() and file.name not in kept]
    return [file.read_bytes().decode(errors="replace") for file in files if file.stat().st_size < 5_000_000]
