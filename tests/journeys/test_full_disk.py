"""The disk is full: nothing is acknowledged that is not stored, health says so, and with room everything goes on."""

from __future__ import annotations

import os
import resource
import sqlite3
import subprocess
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from tests.journeys.web_processes import Shop, Tab, Web, shop, tab, token_of
from tests.mangaassist.running import until

pytestmark = pytest.mark.process

SIZE = 96 * 1024**2
# Until one is refused: what SQLite has already taken for its journal may still be written.
MOST_QUESTIONS = 500
LONG = "I wonder about Berserk. " * 160
SETTINGS = {"SOCKET_QUESTIONS_PER_S": "1000", "ADDRESS_QUESTIONS_PER_S": "1000", "SOCKET_FRAMES_PER_S": "1000"}
Stored = set[str]


def test_a_process_that_may_write_no_more_acknowledges_nothing_until_it_may(tmp_path: Path) -> None:
    """Every write fails, as on a disk without a byte, but for this one process."""
    with shop(tmp_path, 1, **SETTINGS) as running:
        pid = running.webs[0].process.pid
        before = resource.prlimit(pid, resource.RLIMIT_FSIZE)

        @contextmanager
        def no_room() -> Iterator[None]:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, before[1]))
            try:
                yield
            finally:
                resource.prlimit(pid, resource.RLIMIT_FSIZE, before)

        fill_and_free(running, no_room, is_red=False)


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a small disk")
def test_a_full_disk_acknowledges_nothing_and_is_red_until_there_is_room(tmp_path: Path) -> None:
    """Of everybody: the database, Redis and its journal lie on it."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", tmp_path], check=True)
    try:
        with shop(tmp_path, 1, **SETTINGS) as running:

            @contextmanager
            def no_room() -> Iterator[None]:
                ballast = tmp_path / "ballast"
                with suppress(OSError), open(ballast, "wb", buffering=0) as file:
                    while True:
                        file.write(bytes(4096))
                try:
                    yield
                finally:
                    ballast.unlink()

            fill_and_free(running, no_room, is_red=True)
    finally:
        subprocess.run(["umount", "--lazy", tmp_path], check=True)


def fill_and_free(running: Shop, no_room: Callable[[], object], *, is_red: bool) -> None:
    (web,) = running.webs
    with tab(web, token_of(web)) as here:
        here.ask("hello")
        assert here.next("response")["status"] == "complete"
        truncate_journal(running)
        with no_room():  # type: ignore[attr-defined]
            acknowledged, refused = ask_until_refused(here)
            assert database_fault(web) == ("the disk is full" if is_red else "")
            assert httpx.get(f"http://127.0.0.1:{web.port}/healthz", timeout=20).status_code == 200
            # Nobody is shown anything that was only thought of.
            assert acknowledged == acknowledged & stored(running)
            assert refused not in stored(running)
        until(lambda: database_fault(web) == "", "it is well again by itself")
        accepted = here.ask(LONG, client_msg_id=refused)
        assert accepted["duplicate"] is False
        while "response" not in {frame["type"] for frame in here.frames.get(accepted["turn_id"], [])}:
            here.receive()
        assert here.frames[accepted["turn_id"]][-1]["status"] == "complete"
    assert stored(running) >= acknowledged | {refused}


def ask_until_refused(here: Tab) -> tuple[Stored, str]:
    """(what was acknowledged, what was refused)"""
    acknowledged: Stored = set()
    for _ in range(MOST_QUESTIONS):
        sent = str(uuid.uuid4())
        here.send(type="user_message", client_msg_id=sent, text=LONG)
        while True:
            frame = here.receive()
            if frame.get("client_msg_id") == sent:
                break
        if frame["type"] == "error":
            assert (frame["code"], frame["retryable"]) == ("unavailable", True), frame
            return acknowledged, sent
        assert frame["type"] == "accepted", frame
        acknowledged.add(sent)
    raise AssertionError("everything was acknowledged on a full disk")


def truncate_journal(running: Shop) -> None:
    """So that room is needed for the next write."""
    database = sqlite3.connect(running.data_dir / "mangaassist.sqlite3", timeout=20)

    def is_empty() -> bool:
        return bool(database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0)

    until(is_empty, "an empty journal", within_s=30)
    database.close()


def stored(running: Shop) -> Stored:
    database = sqlite3.connect(f"file:{running.data_dir / 'mangaassist.sqlite3'}?mode=ro", uri=True, timeout=20)
    try:
        rows = database.execute("SELECT client_msg_id FROM chat_message WHERE client_msg_id IS NOT NULL").fetchall()
    finally:
        database.close()
    return {str(uuid.UUID(each)) for (each,) in rows}


def database_fault(web: Web) -> str:
    """Empty when /readyz calls the database well."""
    parts = httpx.get(f"http://127.0.0.1:{web.port}/readyz", timeout=20).json()["parts"]
    return str(parts["database"].get("fault", ""))
