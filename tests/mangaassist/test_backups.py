"""`make run` on SQLite: backed up while it runs, wiped, restored; the conversation goes on."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from tests.journeys.web_processes import Shop, shop, tab, token_of

pytestmark = pytest.mark.process


def manage(running: Shop, *arguments: str) -> tuple[int, str]:
    """(exit status, what it said)"""
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=settings.BASE_DIR,
        env=running.environment,
        check=False,
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Shop]:
    with shop(tmp_path / "data", 1) as one:
        yield one


def stop(running: Shop) -> None:
    (web,) = running.webs
    web.kill()
    web.process.wait()
    running.redis.stop()


def start(running: Shop) -> None:
    running.redis.start()
    running.webs[0].start()
    running.webs[0].wait_ready()


def test_the_conversation_goes_on_from_the_backup(running: Shop, tmp_path: Path) -> None:
    (web,) = running.webs
    backup = tmp_path / "monday.sqlite3"
    with tab(web, token_of(web)) as here:
        token = here.next("token")["token"]
        here.ask("hello")
        said = here.next("response")["content"]
        assert manage(running, "backup", str(backup))[0] == 0
        here.ask("and this is lost")
        here.next("response")
    assert backup.stat().st_mode & 0o077 == 0
    assert manage(running, "backup", str(backup)) == (
        1,
        f"CommandError: {backup} is there already: choose another name.\n",
    )
    assert "runs in" in manage(running, "restore", str(backup), "--replace")[1]

    stop(running)
    assert "not empty" in manage(running, "restore", str(backup))[1]
    for path in running.data_dir.glob("mangaassist.sqlite3*"):
        path.unlink()
    assert manage(running, "restore", str(backup))[0] == 0
    start(running)
    with tab(web, token) as again:
        assert [each["content"] for each in again.ready["messages"]] == ["hello", said]
        again.ask("thanks")
        assert again.next("response")["status"] == "complete"
