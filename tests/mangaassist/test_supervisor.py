"""`make run` with real processes: it starts, heals and stops."""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mangaassist.health.heartbeat import QUEUES, key_of
from mangaassist.supervisor import PATIENCE_S, Patience
from tests.learned import share_with
from tests.mangaassist.running import START_S, Running, free_port, is_gone, until

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc"),
]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("site")
    share_with(folder)
    running = Running(folder, free_port())
    try:
        running.wait_ready()
        yield running
    finally:
        running.process.kill()
        running.process.wait()


def test_one_line_says_where_it_is(site: Running) -> None:
    ready = [line for line in site.lines if "ready" in line]
    assert ready == [f"MangaAssist is ready: http://127.0.0.1:{site.port}/"]
    assert any(line.startswith("Operator for /admin/ and /desk/: name operator, password ") for line in site.lines)
    assert site.get("/readyz")[1]["status"] == "ready"
    until(lambda: set(site.children()) == {"redis", "web", "worker", "beat", "batch"}, "all of them")


def test_the_same_data_folder_is_refused_in_one_line(site: Running) -> None:
    second = Running(site.data_dir, free_port())
    assert second.process.wait(START_S) == 1
    until(lambda: len(second.lines) == 2, "two lines")
    assert second.lines[1] == f"Another MangaAssist uses {site.data_dir}: stop it, or set DATA_DIR to another folder."


def test_a_taken_port_is_refused_in_one_line(site: Running, tmp_path: Path) -> None:
    share_with(tmp_path)
    second = Running(tmp_path, site.port)
    assert second.process.wait(START_S) == 1
    until(lambda: len(second.lines) == 2, "two lines")
    assert second.lines[1].startswith(f"Cannot listen on 127.0.0.1 port {site.port} (Address already in use)")
    assert not (tmp_path / "redis").exists()


@pytest.mark.parametrize("name", ["web", "worker", "redis", "batch"])
def test_what_is_killed_comes_back(site: Running, name: str) -> None:
    before = site.children()
    os.kill(before[name], signal.SIGKILL)
    site.wait_for(f"{name} ended (SIGKILL); starting it again", within_s=10)
    until(lambda: site.children().get(name, before[name]) != before[name], f"{name} back")
    # A new heartbeat: beat, broker and worker have found each other again.
    until(lambda: "redis" not in site.not_ready(), "Redis back")
    site.redis().delete(*map(key_of, QUEUES))
    until(lambda: not site.not_ready(), "ready again")
    after = site.children()
    assert {each for each in before if before[each] != after[each]} == {name}


def test_what_is_not_well_for_long_is_named_until_it_is() -> None:
    patience, long = Patience(), PATIENCE_S + 1
    # (parts that are not well, seconds, what is said)
    for parts, now, said in [
        ([], 0.0, ""),
        (["redis"], 1.0, ""),
        # A restart that nobody waited long for is none.
        ([], 2.0, ""),
        (["web"], 10.0, ""),
        (["web"], 10.0 + long, "Still waiting for: web."),
        (["web"], 11.0 + long, ""),
        (["redis", "worker"], 11.0 + 2 * long, "Still waiting for: redis, worker."),
        ([], 12.0 + 2 * long, "MangaAssist is ready again."),
        ([], 13.0 + 2 * long, ""),
    ]:
        assert patience.word_on(parts, now) == said


def test_a_shopper_waits_rather_than_fails_while_web_restarts(site: Running) -> None:
    os.kill(site.children()["web"], signal.SIGKILL)
    assert site.get("/healthz") == (200, {"status": "live"})


def test_ctrl_c_ends_everything_in_order(site: Running) -> None:
    children = site.children()
    assert site.stop(signal.SIGINT) == 0
    assert all(is_gone(pid) for pid in children.values())
    assert site.lines[-1] == "MangaAssist has stopped."
    with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", site.port), timeout=5):
        pass


def test_nothing_survives_a_killed_supervisor_and_its_folder_can_be_used_again(tmp_path: Path) -> None:
    data_dir = tmp_path / ("a long path " * 10)
    first = Running(data_dir, free_port())
    first.wait_ready()
    children = first.children()
    assert set(children) >= {"redis", "web", "worker", "beat"}
    first.process.kill()
    first.process.wait()
    until(lambda: all(is_gone(pid) for pid in children.values()), "all gone", within_s=10)

    second = Running(data_dir, first.port)
    second.wait_for("Operator for")
    # In the middle of its start: SIGTERM ends it as well.
    assert second.stop(signal.SIGTERM) == 0
    passwords = {line for running in (first, second) for line in running.lines if line.startswith("Operator for")}
    assert len(passwords) == 1


@pytest.mark.parametrize(
    ("environment", "line"),
    [
        ({"PORT": "eighty"}, "PORT='eighty' is not a number."),
        ({"HOST": "no.such.host.invalid"}, "Cannot listen on no.such.host.invalid port"),
        ({"RECOMMENDER": "no.such.Engine"}, "RECOMMENDERS['default']: cannot import 'no.such.Engine'"),
        ({"MANGAASSIST_PROFILE": "azure"}, "MANGAASSIST_PROFILE='azure' is unknown; choose one of embedded, aws."),
    ],
)
def test_a_bad_setting_stops_the_start_with_its_line(tmp_path: Path, environment: dict[str, str], line: str) -> None:
    share_with(tmp_path)
    running = Running(tmp_path, free_port(), **environment)
    assert running.process.wait(START_S) == 1
    until(lambda: any(line in each for each in running.lines), f"{line} in {running.lines}", within_s=5)
    assert not any("Traceback" in each for each in running.lines)
