"""`make audit` tells three things apart: no known faults, some, and that nobody could be asked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from django.conf import settings

pytest.importorskip("pip_audit", reason="of requirements-dev.txt")
FAULT = {
    "id": "PYSEC-2024-1",
    "affected": [
        {
            "package": {"name": "sampleproject", "ecosystem": "PyPI"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.0"}]}],
        }
    ],
}


class Osv(BaseHTTPRequestHandler):
    """OSV's query by package and version (google.github.io/osv.dev/post-v1-query), and npm's bulk advisories."""

    faults: list[object] = []

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        told = {"vulns": self.faults} if self.faults and self.path == "/v1/query" else {}
        body = json.dumps(told).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def database() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Osv)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def audit(folder: Path, database: str) -> subprocess.CompletedProcess[str]:
    pins = folder / "pins.txt"
    pins.write_text("sampleproject==1.0\n")
    asked = {"AUDIT_OSV_URL": f"{database}/v1/query", "npm_config_registry": database, "npm_config_fetch_retries": "0"}
    return subprocess.run(
        [sys.executable, ".ci/audit.py", str(pins)],
        cwd=settings.BASE_DIR, env=os.environ | asked, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_a_known_fault_is_named_with_the_version_that_mends_it(tmp_path: Path, database: str) -> None:
    Osv.faults = [FAULT]
    found = audit(tmp_path, database)
    assert "sampleproject 1.0: PYSEC-2024-1, mended in 2.0" in found.stdout, found.stderr
    # 2: there is no npm here.
    assert found.returncode in (1, 2)


def test_no_known_fault_is_said_so(tmp_path: Path, database: str) -> None:
    Osv.faults = []
    found = audit(tmp_path, database)
    assert f"No known faults of {tmp_path}/pins.txt." in found.stdout, found.stderr


def test_a_database_that_cannot_be_asked_is_no_clean_audit(tmp_path: Path) -> None:
    found = audit(tmp_path, "http://127.0.0.1:9")
    assert found.returncode == 2
    assert f"Nothing is known of {tmp_path}/pins.txt: the database could not be asked" in found.stderr
    assert "known faults" not in found.stdout
