"""Who stands still, and who holds SQLite's place for writers: real processes, stopped by signals."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mangaassist.stillness import STILL_LOOKS, STILL_WRITER_LOOKS, Watch, writer_of
from tests.mangaassist.running import until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")

# Says that it has begun, and goes on at a line.
WRITER = """
import sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("BEGIN IMMEDIATE")
print("begun", flush=True)
sys.stdin.readline()
database.execute("ROLLBACK")
print("ended", flush=True)
sys.stdin.readline()
"""
TICKING = "import time\nwhile True: time.sleep(0.01)"


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "some.sqlite3"
    with sqlite3.connect(path) as own:
        own.execute("PRAGMA journal_mode=WAL")
        own.execute("CREATE TABLE it (x)")
    own.close()
    return path


@contextmanager
def started(code: str, *arguments: str | Path) -> Iterator[subprocess.Popen[str]]:
    """In a process group of its own."""
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def heard(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def say(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def is_asleep(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in {"S", "T"}


def test_the_writer_is_known_from_its_first_write_lock_to_its_last(database: Path) -> None:
    assert writer_of(database) is None
    with started(WRITER, database) as process:
        assert heard(process) == "begun"
        assert writer_of(database) == process.pid
        say(process)
        assert heard(process) == "ended"
        assert writer_of(database) is None


def test_a_database_that_is_not_there_has_no_writer(tmp_path: Path) -> None:
    assert writer_of(tmp_path / "none.sqlite3") is None


def test_a_writer_that_stands_still_is_found_soon_and_one_that_goes_on_is_not(database: Path) -> None:
    watch = Watch(database)
    with started(WRITER, database) as process:
        assert heard(process) == "begun"
        until(lambda: is_asleep(process.pid), "it waits for a line")
        found = [watch.look([process.pid]) for _ in range(STILL_WRITER_LOOKS + 1)]
        assert found[:-1] == [{}] * STILL_WRITER_LOOKS
        assert found[-1] == {process.pid: "holds the database's lock and stands still"}
        say(process)
        assert heard(process) == "ended"
        assert watch.look([process.pid]) == {}


def test_a_writer_of_somebody_else_is_left_alone(database: Path) -> None:
    watch = Watch(database)
    with started(WRITER, database) as foreign, started(TICKING) as own:
        assert heard(foreign) == "begun"
        assert [watch.look([own.pid]) for _ in range(STILL_WRITER_LOOKS + 2)] == [{}] * (STILL_WRITER_LOOKS + 2)


def test_a_stopped_process_is_found_in_the_end_and_a_ticking_one_never() -> None:
    watch = Watch(None)
    with started(TICKING) as stopped, started("import sys; sys.stdin.readline()") as ending:
        os.kill(stopped.pid, signal.SIGSTOP)
        until(lambda: is_asleep(stopped.pid), "it is stopped")
        found = [watch.look([stopped.pid, ending.pid]) for _ in range(STILL_LOOKS)]
        assert found == [{}] * STILL_LOOKS
        say(ending)
        ending.wait(30)
        assert watch.look([stopped.pid, ending.pid]) == {stopped.pid: "stands still"}
        os.kill(stopped.pid, signal.SIGCONT)
        before = Path(f"/proc/{stopped.pid}/schedstat").read_text()
        until(lambda: Path(f"/proc/{stopped.pid}/schedstat").read_text() != before, "it ticks")
        assert watch.look([stopped.pid]) == {}
