"""Real processes tell what they should (one line a turn, figures, what is not well), and nothing else.

One shop at its most talkative: marked secrets in every setting, questions full of personal data, an outside that quotes
in its errors whatever it was sent, and in the end a database that is no more.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from django.conf import settings

from mangaassist.embedded import redis_program
from tests.journeys.test_faults import Shopper
from tests.mangaassist.running import Running, free_port, until
from tests.security.test_secrets import NUMBER, SECRETS

pytestmark = pytest.mark.process

NAME, MAIL, PHONE = "Kasumigaseki Taro", "taro.kasumi@example.com", "+81 3-3581-4321"
ADDRESS, ORDER = "1-1-2 Kasumigaseki", "MA-100777"
PRIVATE = ("Kasumigaseki", "Taro", "taro.kasumi", "3581-4321", "35814321", ORDER)
WORDS = f"I am {NAME}, {MAIL}, call {PHONE}. Send order {ORDER} to {ADDRESS}, 〒100-0013"
MARKED = {name: value.format(NUMBER) for name, value in SECRETS.items()}
REDIS_MARK = f"redis-mark-{NUMBER}"
# The worker's, the batch worker's, beat's, and those of consumers.
METRICS_PORTS = 6


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


def free_ports(number: int) -> int:
    """The first of so many that follow each other."""
    while True:
        first = free_port()
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            for port in range(first, first + number):
                stack.enter_context(socket.create_server(("127.0.0.1", port)))
            return first


@dataclass
class Told:
    running: Running
    redis: subprocess.Popen[bytes]
    metrics_port: int
    environment: dict[str, str]
    # A partner's key, and the secret of its webhook.
    secrets: list[str]
    # What was answered, besides what was written.
    answers: list[str] = field(default_factory=list)

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.running.port}"

    def logged(self, program: str) -> list[dict[str, Any]]:
        """The lines of JSON of a process; others are no log's."""
        found = []
        for line in tuple(self.running.lines):
            name, _, text = line.partition("| ")
            if name.strip() == program and text.startswith("{"):
                found.append(orjson.loads(text))
        return found

    def fetch(self, method: str, path: str, *, bearer: str = "") -> str:
        """Status, headers and body as text; kept."""
        connection = http.client.HTTPConnection("127.0.0.1", self.running.port, timeout=60)
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {bearer}"} if bearer else {})
        connection.request(method, path, "{}" if method == "POST" else None, headers)
        answer = connection.getresponse()
        text = f"{answer.status}\n{answer.headers}\n\n{answer.read().decode(errors='replace')}"
        connection.close()
        self.answers.append(text)
        return text


# A partner with a webhook to nobody, and a test event for it.
PARTNER = """
from partners.models import SCOPES, create_api_key
from partners.webhooks.models import Webhook
from partners.webhooks.messages import send_test
from partners.webhooks.signing import secret_of
key, secret = create_api_key("A shop", list(SCOPES))
hook = Webhook.objects.create(key=key, url="http://127.0.0.1:9/hook", events=["feedback.received"])
salt = hook.add_secret()
send_test(hook)
print("secrets", secret, secret_of(salt))
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    with contextlib.ExitStack() as stack:
        outside = ThreadingHTTPServer(("127.0.0.1", 0), Quoting)
        threading.Thread(target=outside.serve_forever, daemon=True).start()
        stack.callback(outside.server_close)
        stack.callback(outside.shutdown)
        quoting = f"http://127.0.0.1:{outside.server_port}"
        redis_port, metrics_port = free_port(), free_ports(METRICS_PORTS)
        redis = subprocess.Popen(
            [
                redis_program(),
                "--port",
                str(redis_port),
                "--bind",
                "127.0.0.1",
                "--requirepass",
                REDIS_MARK,
                "--save",
                "",
            ],
            cwd=tmp_path_factory.mktemp("redis"),
            stdout=subprocess.DEVNULL,
        )
        stack.callback(redis.wait)
        stack.callback(redis.kill)
        environment = MARKED | {
            "REDIS_URL": f"redis://:{REDIS_MARK}@127.0.0.1:{redis_port}/0",
            "LOG_FORMAT": "json",
            "LOG_LEVEL": "DEBUG",
            "METRICS_PORT": str(metrics_port),
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
        running = Running(tmp_path_factory.mktemp("shop"), free_port(), **environment)
        stack.callback(lambda: running.process.poll() is None and running.stop())
        running.wait_ready()
        made = subprocess.run(
            [sys.executable, "manage.py", "shell", "--verbosity", "0", "-c", PARTNER],
            cwd=settings.BASE_DIR,
            env=os.environ | environment | {"DATA_DIR": str(running.data_dir), "DEMO": "0"},
            capture_output=True,
            text=True,
            check=True,
        )
        secrets = made.stdout.rpartition("secrets ")[2].split()
        assert len(secrets) == 2, made.stderr
        yield Told(running, redis, metrics_port, environment, secrets)


def ask_by_form(base: str) -> None:
    with httpx.Client(base_url=base, timeout=60, follow_redirects=True) as browser:
        page = browser.get("/chat/").text
        fields = {
            name: re.search(rf'name="{name}" value="([^"]+)"', page)
            for name in ("csrfmiddlewaretoken", "client_msg_id")
        }
        form = {name: found[1] for name, found in fields.items() if found}
        assert browser.post("/chat/plain/", data=form | {"text": WORDS}).status_code == 200


def ask_as_partner(told: Told) -> None:
    headers = {"Authorization": f"Bearer {told.secrets[0]}"}
    with httpx.Client(base_url=f"{told.origin}/api/v1", headers=headers, timeout=60) as partner:

        def post(path: str, body: dict[str, Any]) -> dict[str, Any]:
            answer = partner.post(path, json=body, headers={"Idempotency-Key": str(uuid.uuid4())})
            assert answer.is_success, answer.text
            found: dict[str, Any] = answer.json()
            return found

        opened = post("/conversations", {"customer_id": MAIL})
        path = f"/conversations/{opened['conversation_id']}"
        said = post(f"{path}/messages", {"text": WORDS})
        opinion = {"message_id": said["message_id"], "rating": "down", "comment": WORDS}
        post(f"{path}/feedback", opinion)
        post(f"{path}/handoff", {"reason": WORDS})


def test_one_id_leads_from_browser_to_worker_and_no_word_of_a_shopper_is_logged(told: Told) -> None:
    asked, given = str(uuid.uuid4()), str(uuid.uuid4())
    with Shopper.at(told.running.port) as shopper:
        shopper.send(type="user_message", client_msg_id=asked, text=WORDS)
        response: dict[str, Any] = {}
        while response.get("type") != "response":
            response = orjson.loads(shopper.socket.recv(timeout=60))
        shopper.send(
            type="feedback", client_msg_id=given, message_id=response["message_id"], rating="down", comment=WORDS
        )
        shopper.send(type="handoff", client_msg_id=str(uuid.uuid4()), reason=WORDS)
        shopper.send(type=MAIL)
        shopper.send(type="handoff", client_msg_id=str(uuid.uuid4()), reason=7)
        ask_by_form(told.origin)
        ask_as_partner(told)
    until(lambda: any(each.get("correlation") == given for each in told.logged("worker")), "the opinion's delivery")
    turns = [each for each in told.logged("web") if each["event"] == "turn_finished"]
    assert [each["correlation"] for each in turns].count(asked) == 1
    assert len(turns) >= 3
    assert all(uuid.UUID(each["correlation"]) for each in turns)
    everything = "\n".join(told.running.lines)
    assert [each for each in PRIVATE if each in everything] == []


def figures(port: int, **headers: str) -> tuple[int, str]:
    answer = httpx.get(f"http://127.0.0.1:{port}/metrics", headers=headers, timeout=30)
    return answer.status_code, answer.text


def test_every_process_tells_its_figures_and_nobody_reads_them_through_a_proxy(told: Told) -> None:
    status, web = figures(told.running.port)
    assert status == 200
    assert 'mangaassist_part_ready{part="database"} 1.0' in web
    worker, _, beat = range(told.metrics_port, told.metrics_port + 3)
    until(lambda: 'task="mangaassist.health.tasks.heartbeat"' in figures(worker)[1], "the worker's tasks")
    assert 'mangaassist_breaker_state{breaker="broker"' in figures(worker)[1]
    assert 'mangaassist_tasks_sent_total{task="mangaassist.outbox.tasks.sweep"}' in figures(beat)[1]
    for header in ("X-Forwarded-For", "Forwarded", "X-Forwarded-Proto", "Via", "X-Real-IP"):
        assert figures(told.running.port, **{header: "127.0.0.1"}) == (404, "")


# --- What it says of itself under each fault


@contextlib.contextmanager
def redis_freezes(told: Told) -> Iterator[None]:
    told.redis.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        told.redis.send_signal(signal.SIGCONT)


@contextlib.contextmanager
def the_worker_freezes(told: Told) -> Iterator[None]:
    pid = told.running.children()["worker"]
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        # Its supervisor may have lost patience, and started another.
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


@contextlib.contextmanager
def somebody_locks_the_database(told: Told) -> Iterator[None]:
    """By a shell that somebody has left open in the middle of a transaction."""
    with contextlib.closing(sqlite3.connect(database(told), timeout=30, isolation_level=None)) as own:
        own.execute("BEGIN IMMEDIATE")
        yield
        own.execute("ROLLBACK")


def database(told: Told) -> Path:
    return told.running.data_dir / "mangaassist.sqlite3"


def fault_of(told: Told, part: str) -> str:
    found: str = told.running.get("/readyz")[1]["parts"][part].get("fault", "")
    return found


Fault = Callable[[Told], contextlib.AbstractContextManager[None]]


@pytest.mark.parametrize(
    ("fault", "part", "says"),
    [
        (redis_freezes, "redis", r"no answer within 1 s|TimeoutError"),
        (somebody_locks_the_database, "database", r"it takes no writes: somebody holds it|no answer within 1 s"),
        (the_worker_freezes, "worker", r"no heartbeat: (interactive|interactive, delivery|delivery)"),
    ],
)
def test_each_fault_is_told_and_heals_without_hands(told: Told, fault: Fault, part: str, says: str) -> None:
    until(lambda: not told.running.not_ready(), "ready before")
    with fault(told):
        until(lambda: re.fullmatch(says, fault_of(told, part)) is not None, f"{part} not ready")
        status, said = told.running.get("/readyz")
        assert (status, said["status"]) == (503, "not ready")
        assert str(told.running.data_dir) not in str(said)
        # Its balancer keeps it: the fault is not this process'.
        assert told.running.get("/healthz") == (200, {"status": "live"})
    until(lambda: not told.running.not_ready(), "ready again, by itself")


# --- Secrets. The last: it leaves nothing that works.


def test_no_secret_is_in_a_log_an_error_or_a_figure(told: Told) -> None:
    key = told.secrets[0]
    told.fetch("POST", "/api/v1/conversations", bearer=key)
    told.fetch("POST", "/api/v1/conversations", bearer=f"{key}x")
    # The worker has met AWS and the receiver that is not there.
    told.running.wait_for("SignatureDoesNotMatch")
    until(lambda: webhook_error(told) is not None, "the failed webhook")
    for path in ("/readyz", "/metrics", "/nowhere", "/admin/login/"):
        told.fetch("GET", path)
    break_database(told)
    broken = [told.fetch("GET", path) for path in ("/chat/", "/desk/", "/readyz", "/metrics")]
    broken.append(told.fetch("GET", "/api/v1/products/x", bearer=key))
    assert broken[-1].startswith("503"), broken
    told.running.stop()
    written = [*told.running.lines, *told.answers, *files_in(told.running.data_dir)]
    assert len(told.running.lines) > 20
    for mark in (*MARKED.values(), REDIS_MARK, *told.secrets):
        assert [text[:400] for text in written if mark in text] == []


def webhook_error(told: Told) -> str | None:
    answer = json.loads(told.fetch("GET", "/api/v1/webhooks", bearer=told.secrets[0]).partition("\n\n")[2])
    error: str | None = answer["webhooks"][0]["last_error"]
    return error


def break_database(told: Told) -> None:
    """Every next reader of it fails, in every process."""
    for file in told.running.data_dir.glob("mangaassist.sqlite3*"):
        with file.open("r+b") as opened:
            opened.write(b"\x00" * max(file.stat().st_size, 100))


def files_in(data_dir: Path) -> list[str]:
    """What was written beside the database and the key's own file."""
    kept = {"secret_key", "mangaassist.sqlite3", "mangaassist.sqlite3-wal", "mangaassist.sqlite3-shm"}
    files = [file for file in data_dir.rglob("*") if file.is_file() and file.name not in kept]
    return [file.read_bytes().decode(errors="replace") for file in files if file.stat().st_size < 5_000_000]
