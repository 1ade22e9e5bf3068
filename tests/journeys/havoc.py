"""Processes of a running shop, killed at random."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import threading
import time
from collections.abc import Sequence
from typing import Any

import httpx

from mangaassist.health.heartbeat import QUEUES, key_of
from tests.mangaassist.running import Running

LONGEST_RECOVERY_S = 90.0
# How long the fault suite goes on: one round in `make test`, many in `make chaos`.
ROUNDS = int(os.environ.get("CHAOS_ROUNDS", "1"))


class Havoc:
    """Within the block. ``most``: so many kills (0: until its end). ``pauses``: seconds between them, from and to.

    ``killed`` names the victims. With ``watch`` each recovery is awaited, and ``recovered`` holds the seconds from the
    kill until the shop was ready again, by victim.
    """

    def __init__(
        self, running: Running, *, seed: int, victims: Sequence[str], pauses: tuple[float, float], most: int = 0,
        watch: bool = False,
    ) -> None:  # fmt: skip
        self.killed: list[str] = []
        self.recovered: dict[str, list[float]] = {}
        self.over = threading.Event()
        self._running = running
        self._dice = random.Random(seed)
        self._victims = victims
        self._pauses = pauses
        self._most = most
        self._watch = watch
        self._thread = threading.Thread(target=self._wreak)

    def __enter__(self) -> Havoc:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.over.set()
        self._thread.join()

    def _wreak(self) -> None:
        while not self._most or len(self.killed) < self._most:
            if self.over.wait(self._dice.uniform(*self._pauses)):
                return
            name = self._dice.choice(self._victims)
            pid = self._running.children().get(name)
            if pid is None:
                continue
            os.kill(pid, signal.SIGKILL)
            self.killed.append(name)
            if self._watch:
                self._await_recovery(name, pid)

    def _await_recovery(self, name: str, pid: int) -> None:
        began = time.monotonic()
        if name == "worker":
            # What the dead one said must not pass for the new one's.
            self._running.redis().delete(*map(key_of, QUEUES))
        while time.monotonic() - began < LONGEST_RECOVERY_S:
            if self._running.children().get(name, pid) != pid and self._is_ready():
                self.recovered.setdefault(name, []).append(time.monotonic() - began)
                return
            time.sleep(0.05)
        raise AssertionError(f"{name} did not come back within {LONGEST_RECOVERY_S:g} s")

    def _is_ready(self) -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{self._running.port}/readyz", timeout=5).status_code == 200
        except httpx.HTTPError:
            return False


def ask_database(running: Running, query: str) -> list[tuple[Any, ...]]:
    database = sqlite3.connect(f"file:{running.data_dir / 'mangaassist.sqlite3'}?mode=ro", uri=True, timeout=10)
    try:
        return database.execute(query).fetchall()
    finally:
        database.close()
