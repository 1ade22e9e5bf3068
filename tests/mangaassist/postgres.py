"""A PostgreSQL of its own, for tests of what SQLite cannot show: rows that are locked, hosts that differ.

``python -m tests.mangaassist.postgres [ARGUMENT …]`` runs pytest with these arguments on one (`make test-postgres`).
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.mangaassist.running import free_port

ROOT = Path(__file__).resolve().parents[2]
# Debian keeps the server's programs off PATH.
FOLDERS = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name))
INITDB = next((str(each / "initdb") for each in reversed(FOLDERS)), shutil.which("initdb"))
# Nobody needs the data after a crash of the machine.
IN_A_HURRY = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


@contextmanager
def cluster() -> Iterator[str]:
    """The address of an empty one. :data:`INITDB` must be there."""
    assert INITDB is not None, "PostgreSQL is not installed (Debian: postgresql)."
    # It refuses to run as root.
    user = "postgres" if os.getuid() == 0 else None
    program, port = Path(INITDB).with_name("postgres"), free_port()
    with tempfile.TemporaryDirectory(prefix="ma-pg-") as folder:
        if user:
            shutil.chown(folder, user)
        data = Path(folder) / "data"
        subprocess.run(
            [INITDB, "-D", data, "-A", "trust", "-U", "shop", "--no-sync", "--encoding=UTF8", "--locale=C.UTF-8"],
            user=user,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        settings = [part for each in IN_A_HURRY for part in ("-c", each)]
        server = subprocess.Popen(
            [program, "-D", data, "-p", str(port), "-h", "127.0.0.1", "-k", folder, *settings],
            user=user,
            stderr=subprocess.DEVNULL,
        )
        try:
            ready = [str(program.with_name("pg_isready")), "-q", "-h", "127.0.0.1", "-p", str(port)]
            while subprocess.run(ready, check=False).returncode:
                assert server.poll() is None
            yield f"postgres://shop@127.0.0.1:{port}/postgres"
        finally:
            # SIGINT: it cuts who is still connected.
            server.send_signal(signal.SIGINT)
            server.wait()


@contextmanager
def postgres() -> Iterator[str]:
    """Its address, migrated. Skips the test where PostgreSQL is not installed."""
    if INITDB is None:
        pytest.skip("PostgreSQL is not installed.")
    with cluster() as url:
        run(url, "manage.py", "migrate", "--verbosity", "0", "--skip-checks")
        yield url


def run(database_url: str, *command: str) -> str:
    return subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env=os.environ | {"DATABASE_URL": database_url, "OUTBOX_WAKE": "0"},
        check=True,
        capture_output=True,
        text=True,
    ).stdout


def main() -> int:
    if INITDB is None:
        print("PostgreSQL is not installed (Debian: postgresql).", file=sys.stderr)
        return os.EX_UNAVAILABLE
    with cluster() as url:
        command = [sys.executable, "-m", "pytest", *sys.argv[1:]]
        return subprocess.run(command, cwd=ROOT, env=os.environ | {"TEST_DATABASE_URL": url}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
