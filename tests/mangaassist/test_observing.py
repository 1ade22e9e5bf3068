"""What processes begin with and what their lines hold, without any of them running."""

from __future__ import annotations

import io
import logging
import socket
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import structlog

from mangaassist import task_signals
from mangaassist.celery import app
from mangaassist.correlation import correlated, current
from mangaassist.logs import logging_config
from mangaassist.observing import observe
from mangaassist.site import Site
from tests.mangaassist.running import free_port


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """Lines as a deployment writes them."""
    text = io.StringIO()
    handler = logging.StreamHandler(text)
    described = logging_config("INFO", "json")["formatters"]["structured"].copy()
    handler.setFormatter(described.pop("()")(**described))
    logging.getLogger().addHandler(handler)
    yield text
    logging.getLogger().removeHandler(handler)


@pytest.mark.parametrize(
    ("program", "port"),
    [("worker", 9100), ("batch", 9101), ("beat", 9102), ("feedback", 9103), ("web", 0), ("redis", 0)],
)
def test_each_process_of_make_run_has_a_port_of_its_own(program: str, port: int) -> None:
    site = Site(host="", port=1, data_dir=Path(), private_redis=True, consumed=("feedback",), metrics_port=9100)
    assert site.metrics_port_of(program) == port


def test_without_a_port_none_is_opened() -> None:
    site = Site(host="", port=1, data_dir=Path(), private_redis=True)
    assert site.metrics_port_of("worker") == 0


def test_a_process_without_a_web_server_answers_prometheus_and_a_taken_port_does_not_stop_it(
    settings: Any, written: io.StringIO
) -> None:
    settings.METRICS_PORT = free_port()
    observe("worker")
    with urllib.request.urlopen(f"http://127.0.0.1:{settings.METRICS_PORT}/metrics", timeout=30) as answer:
        assert b"mangaassist_task_seconds" in answer.read()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings.METRICS_PORT = taken.getsockname()[1]
        observe("worker")
    (line,) = [each for each in map(orjson.loads, written.getvalue().splitlines()) if each["level"] == "warning"]
    assert (line["event"], line["port"]) == ("metrics_not_served", settings.METRICS_PORT)


def test_what_an_exception_quotes_is_logged_without_personal_data(written: io.StringIO) -> None:
    log = structlog.get_logger("tests")
    try:
        raise ValueError("cannot store 'I am at kentaro@example.com or +81 3-3581-4321'")
    except ValueError:
        log.exception("frame_failed")
    log.warning("refused", error="no such mailbox: kentaro@example.com")
    text = written.getvalue()
    assert "kentaro" not in text
    assert "3581" not in text
    assert "frame_failed" in text
    assert "no such mailbox: [email]" in text


def test_a_task_takes_along_for_what_it_was_sent_and_works_under_it() -> None:
    class Task:
        name = "tests.task"
        request: dict[str, str] = {}

    given = "0b9d7d3e-5a3f-4a55-9c6e-6a4f0f2f9c11"
    with correlated(given):
        task_signals.send_along(headers=Task.request)
    assert Task.request == {"correlation": given}
    task_signals.begin("an-id", Task)
    assert current() == given
    task_signals.finish("an-id", Task, state="SUCCESS")
    assert current() == ""


def test_a_worker_logs_what_the_settings_say() -> None:
    level = logging.getLogger().level
    assert level == logging.INFO
    app.log.setup_logging_subsystem(loglevel="WARNING")
    assert logging.getLogger().level == level
