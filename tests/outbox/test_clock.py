"""Hosts whose clocks are five minutes apart share an outbox in PostgreSQL."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from tests.mangaassist.running import free_port

pytestmark = pytest.mark.process

FOLDERS = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
INITDB = next((str(each / "initdb") for each in reversed(FOLDERS)), shutil.which("initdb"))
OFF_S = 300


@pytest.fixture(scope="module")
def database_url() -> Iterator[str]:
    """A PostgreSQL of its own."""
    if INITDB is None:
        pytest.skip("PostgreSQL is not installed.")
    # It refuses to run as root.
    user = "postgres" if os.getuid() == 0 else None
    program, port = Path(INITDB).with_name("postgres"), free_port()
    with tempfile.TemporaryDirectory(prefix="ma-pg-") as folder:
        if user:
            shutil.chown(folder, user)
        data = Path(folder) / "data"
        subprocess.run(
            [INITDB, "-D", data, "-A", "trust", "-U", "shop", "--no-sync"],
            user=user,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        server = subprocess.Popen([program, "-D", data, "-p", str(port), "-h", "127.0.0.1", "-k", folder], user=user)
        try:
            ready = [str(program.with_name("pg_isready")), "-q", "-h", "127.0.0.1", "-p", str(port)]
            while subprocess.run(ready, check=False).returncode:
                assert server.poll() is None
            url = f"postgres://shop@127.0.0.1:{port}/postgres"
            run(url, "manage.py", "migrate", "--verbosity", "0", "--skip-checks")
            yield url
        finally:
            server.terminate()
            server.wait()


def run(database_url: str, *command: str) -> str:
    return subprocess.run(
        [sys.executable, *command],
        cwd=settings.BASE_DIR,
        env=os.environ | {"DATABASE_URL": database_url, "OUTBOX_WAKE": "0"},
        check=True,
        capture_output=True,
        text=True,
    ).stdout


def host(database_url: str, off_s: int, verb: str, topic: str) -> int:
    return int(run(database_url, "-m", "tests.outbox.other_host", str(off_s), verb, topic))


@pytest.mark.parametrize(("writes", "delivers"), [(OFF_S, -OFF_S), (-OFF_S, OFF_S)])
def test_what_one_stores_is_due_for_the_other_at_once_and_a_living_lease_is_respected(
    database_url: str, writes: int, delivers: int
) -> None:
    topic = f"from{writes}"
    host(database_url, writes, "enqueue", topic)
    assert host(database_url, delivers, "claim", topic) == 1
    for off_s in (OFF_S, -OFF_S):
        assert host(database_url, off_s, "claim", topic) == 0
