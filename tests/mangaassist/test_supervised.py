"""One supervised process: its output, its restarts, its end."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from mangaassist import environment, supervised
from mangaassist.settings import roles
from mangaassist.site import CONSUMERS, SHORT_NAMES, Site
from mangaassist.supervised import Output, Program, Supervised, _relay_lines
from tests.mangaassist.running import is_gone


class Recorder(Output):
    """Keeps what would be printed."""

    def __init__(self) -> None:
        self.coloured = False
        self.column = 8
        self.lines: list[str] = []
        self.heard_something = asyncio.Event()

    def _put(self, line: bytes) -> None:
        self.lines.append(line.decode().rstrip("\n"))
        self.heard_something.set()


@pytest.fixture
def output() -> Recorder:
    return Recorder()


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervised, "FIRST_PAUSE_S", 0.01)


def shell(
    output: Output, script: str, *, stop_s: float = 5.0, refused: Callable[[], None] = lambda: None
) -> Supervised:
    program = Program(name="shell", command=("sh", "-c", script), colour=36, stop_s=stop_s)
    return Supervised(program, output, {"PATH": "/usr/bin:/bin"}, Path("/"), refused)


async def heard(output: Recorder, text: str, times: int = 1) -> None:
    async with asyncio.timeout(20):
        while sum(text in line for line in output.lines) < times:
            output.heard_something.clear()
            await output.heard_something.wait()


async def test_what_dies_is_started_again_after_growing_pauses(output: Recorder) -> None:
    shell_ = shell(output, "echo hello; exit 3")
    shell_.start()
    await heard(output, "shell   | hello", times=3)
    await shell_.stop()
    ends = [line for line in output.lines if "ended" in line]
    assert ends[:2] == [
        "shell ended (exit status 3); starting it again in 0.01 s.",
        "shell ended (exit status 3); starting it again in 0.02 s.",
    ]


async def test_bad_settings_are_not_tried_again(output: Recorder) -> None:
    refused = asyncio.Event()
    shell_ = shell(output, "echo fault; exit 78", refused=refused.set)
    shell_.start()
    await asyncio.wait_for(refused.wait(), 20)
    await shell_.stop()
    assert output.lines == ["shell   | fault"]


async def test_who_does_not_listen_to_sigterm_is_killed_with_its_children(output: Recorder) -> None:
    shell_ = shell(output, "trap '' TERM; sleep 60 & echo child $!; wait; sleep 60", stop_s=0.2)
    shell_.start()
    await heard(output, "child ")
    child = int(output.lines[0].rpartition(" ")[2])
    await asyncio.wait_for(shell_.stop(), 10)
    assert is_gone(child)
    assert not any("again" in line for line in output.lines)


async def test_stopping_between_two_lives_ends_it(output: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervised, "FIRST_PAUSE_S", 60)
    shell_ = shell(output, "exit 1")
    shell_.start()
    await heard(output, "starting it again in 60 s")
    await asyncio.wait_for(shell_.stop(), 10)


@pytest.mark.parametrize(
    ("written", "lines"),
    [
        (b"a\r\nb\n", [b"a", b"b"]),
        (b"no end", [b"no end"]),
        (b"\n\n", [b"", b""]),
        (b"x" * (supervised.LINE_BYTES + 1), [b"x" * (supervised.LINE_BYTES + 1)]),
    ],
)
async def test_output_comes_line_by_line(written: bytes, lines: list[bytes]) -> None:
    stream = asyncio.StreamReader()
    stream.feed_data(written)
    stream.feed_eof()
    told: list[bytes] = []
    await _relay_lines(stream, told.append)
    assert b"".join(told) == b"".join(lines)
    assert told == lines or len(written) > supervised.LINE_BYTES


def test_a_reader_that_stops_reading_stops_nobody() -> None:
    process = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import os, sys; from mangaassist.supervised import Output; output = Output(coloured=True)\n"
            "for number in range(20_000): output.relay('web', 36, b'x' * 100)\n"
            "output.close(); print('done', file=sys.stderr, flush=True); os._exit(0)",
        ],
        cwd=settings.BASE_DIR,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stderr is not None
    assert process.stdout is not None
    began = time.monotonic()
    assert process.stderr.readline() == b"done\n"
    assert process.wait(20) == 0
    assert time.monotonic() - began < 20
    assert process.stdout.readline() == b"\x1b[36mweb     | \x1b[0m" + b"x" * 100 + b"\n"
    process.stdout.close()
    process.stderr.close()


QUEUES = {"KNOWLEDGE_EVENTS_QUEUE_URL": "https://sqs/k", "CONNECT_EVENTS_QUEUE_URL": "https://sqs/c"}
AWS = {"MANGAASSIST_PROFILE": "aws"} | QUEUES


@pytest.mark.parametrize(
    ("variables", "consumed"),
    [
        ({}, ()),
        (AWS, ("feedback", "reindex", "knowledge-events", "handoff-events")),
        ({"MANGAASSIST_PROFILE": "aws"}, ("feedback", "reindex")),
        (AWS | {"FEEDBACK_QUEUE": "database", "REINDEX_STREAM": "database"}, ("knowledge-events", "handoff-events")),
        (AWS | {"KNOWLEDGE_SOURCE": "folder", "HANDOFF": "desk"}, ("feedback", "reindex")),
        (AWS | {"KNOWLEDGE_SOURCE": "our.own.Source"}, ("feedback", "reindex", "handoff-events")),
        ({"FEEDBACK_QUEUE": "sqs"}, ("feedback",)),
        ({"FEEDBACK_QUEUE": "our.own.Queue"}, ("feedback",)),
        (QUEUES | {"REINDEX_STREAM": "kinesis", "KNOWLEDGE_SOURCE": "s3"}, ("reindex", "knowledge-events")),
        (QUEUES | {"HANDOFF": "connect"}, ("handoff-events",)),
        (QUEUES | {"HANDOFF": "desk"}, ()),
        # The same by their dotted paths, and with the queue among the backend's options.
        (QUEUES | {"KNOWLEDGE_SOURCE": "knowledge.backends.s3.S3Source"}, ("knowledge-events",)),
        (QUEUES | {"HANDOFF": "escalation.backends.connect.Connect"}, ("handoff-events",)),
        ({"FEEDBACK_QUEUE": "mangaassist.outbox.backends.sqs.SqsQueue"}, ("feedback",)),
        ({"FEEDBACK_QUEUE": "mangaassist.outbox.backends.database.DatabaseQueue"}, ()),
        ({"REINDEX_STREAM": "mangaassist.outbox.backends.database_stream.DatabaseStream"}, ()),
        (
            {"KNOWLEDGE_SOURCE": "s3", "KNOWLEDGE_SOURCE_OPTIONS": '{"events_queue_url": "https://sqs/k"}'},
            ("knowledge-events",),
        ),
        ({"KNOWLEDGE_SOURCE": "s3", "KNOWLEDGE_SOURCE_OPTIONS": '{"events_queue_url": ""}'}, ()),
        ({"KNOWLEDGE_SOURCE": "s3", "KNOWLEDGE_SOURCE_OPTIONS": "{"}, ()),
    ],
)
def test_what_comes_from_outside_has_a_consumer(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], consumed: tuple[str, ...]
) -> None:
    roles = [each.role for each in CONSUMERS]
    for name in ("MANGAASSIST_PROFILE", *QUEUES, *roles, *(f"{role}_OPTIONS" for role in roles)):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(environment, "faults", [])
    assert Site.from_environment().consumed == consumed


def test_dotted_paths_are_those_of_the_settings() -> None:
    paths = {path: short for _, _, backends in roles._ROLES.values() for short, path in backends.items()}
    assert {path: paths[path] for path in SHORT_NAMES} == SHORT_NAMES
    named = {(each.role, short) for each in CONSUMERS for short in (*each.only, *each.unless)}
    assert {roles._ROLES[role][2][short] for role, short in named} == set(SHORT_NAMES)


@pytest.mark.parametrize("name", ["sqs", "mangaassist.outbox.backends.sqs.SqsQueue"])
def test_a_backend_has_its_variables_by_either_name(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("FEEDBACK_QUEUE", name)
    monkeypatch.setenv("FEEDBACK_QUEUE_URL", "https://sqs/f")
    monkeypatch.delenv("FEEDBACK_QUEUE_OPTIONS", raising=False)
    assert roles._role("FEEDBACK_QUEUE")["default"] == {
        "BACKEND": "mangaassist.outbox.backends.sqs.SqsQueue",
        "OPTIONS": {"queue_url": "https://sqs/f"},
    }


def test_the_column_of_names_is_as_wide_as_the_longest(output: Recorder) -> None:
    output.column = 16
    output.relay("web", 36, b"hello")
    output.relay("knowledge-events", 34, b"hello")
    assert output.lines == ["web             | hello", "knowledge-events| hello"]


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8000/"),
        ("0.0.0.0", "http://127.0.0.1:8000/"),
        ("::", "http://[::1]:8000/"),
        ("shop.local", "http://shop.local:8000/"),
    ],
)
def test_the_address_that_is_printed_can_be_opened_here(tmp_path: Path, host: str, url: str) -> None:
    site: Any = Site(host=host, port=8000, data_dir=tmp_path, private_redis=True)
    assert site.url == url
