"""A PostgreSQL of its own, for tests of what SQLite cannot show: rows that are locked, hosts that differ."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.conf import settings

from tests.mangaassist.running import free_port

FOLDERS = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
INITDB = next((str(each / "initdb") for each in reversed(FOLDERS)), shutil.which("initdb"))


@contextmanager
def postgres() -> Iterator[str]:
    """Its address, migrated. Skips the test where PostgreSQL is not installed."""
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
