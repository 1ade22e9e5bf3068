"""A real `make run`, driven from outside like a user does it."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import redis
from django.conf import settings

from mangaassist.embedded import redis_socket
from tests.furnished import furnish, remember_prepared

# Patience with a busy machine: no limit that anything is measured against.
START_S = 180.0
# Variables of a shop whose answers are to have all their parts, however late.
PATIENT = dict.fromkeys(("PRODUCTS_LIMIT_S", "RECOMMENDATIONS_LIMIT_S", "PASSAGES_LIMIT_S"), "20")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def until(found: Callable[[], bool], what: str, *, within_s: float = START_S) -> None:
    deadline = time.monotonic() + within_s
    while not found():
        assert time.monotonic() < deadline, f"not within {within_s} s: {what}"
        time.sleep(0.05)


class Running:
    """One supervisor and what it started. ``lines`` are what it has printed so far.

    An empty ``data_dir`` becomes what a first start leaves; one that only ``share_with`` has seen has it before it.
    """

    def __init__(self, data_dir: Path, port: int, **environment: str) -> None:
        self.data_dir = data_dir
        self.port = port
        self.lines: list[str] = []
        outside = {name: value for name, value in os.environ.items() if name not in {"REDIS_TIMEOUT_S", "REDIS_URL"}}
        variables = outside | {"DATA_DIR": str(data_dir), "PORT": str(port), "DEMO": "0"} | environment
        if not data_dir.exists() or not any(data_dir.iterdir()):
            furnish(data_dir, "demo" if variables["DEMO"] == "1" else "empty")
            remember_prepared(data_dir, variables)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "mangaassist.supervisor"],
            cwd=settings.BASE_DIR,
            env=variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout:
            for line in self.process.stdout:
                self.lines.append(line.rstrip("\n"))

    def wait_for(self, text: str, *, times: int = 1, within_s: float = START_S) -> None:
        until(
            lambda: sum(text in line for line in tuple(self.lines)) >= times or self.process.poll() is not None,
            f"{text!r} in {self.lines}",
            within_s=within_s,
        )
        assert any(text in line for line in self.lines), self.lines

    def wait_ready(self) -> None:
        self.wait_for("MangaAssist is ready")

    def get(self, path: str) -> tuple[int, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        finally:
            connection.close()

    def not_ready(self) -> set[str]:
        return {name for name, part in self.get("/readyz")[1]["parts"].items() if not part["ok"]}

    def redis(self) -> redis.Redis:
        """A client of its database for turn streams and signs of life."""
        return redis.Redis(unix_socket_path=str(redis_socket(self.data_dir)), db=3)

    def children(self) -> dict[str, int]:
        """The process id of each child, by the name it has in the output."""
        ids = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return {name: int(each) for each in ids if (name := _name(int(each)))}

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        self.process.send_signal(number)
        return self.process.wait(30)


def _name(pid: int) -> str:
    """Empty when it has just ended."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    for name, sign in (
        ("redis", "redis-server"),
        ("redis", "valkey-server"),
        ("web", "mangaassist.server"),
        ("worker", "--queues interactive,delivery"),
        ("batch", "--queues batch"),
        ("beat", "mangaassist.beat beat"),
    ):
        if sign in command:
            return name
    return command


def is_gone(pid: int) -> bool:
    """Whether the process has ended (a zombie whose parent is slow to look counts as ended)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True
