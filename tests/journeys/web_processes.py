"""Web processes of one shop, as a load balancer has them: one database, one Redis, no supervisor."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
import redis
from django.conf import settings
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from mangaassist.embedded import PrivateRedis, redis_socket
from tests.furnished import SMALL_SHOP, furnish
from tests.mangaassist.loaded import Loaded
from tests.mangaassist.running import free_port, until

Frame = dict[str, Any]
# On a machine that does much else at the same time.
START_S = 180.0


class Web:
    """One web process."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._environment = environment
        self.port = free_port()
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "mangaassist.server", "--port", str(self.port)],
            env=self._environment,
            cwd=settings.BASE_DIR,
        )

    def wait_ready(self) -> None:
        until(self._answers, "the web process answers", within_s=START_S)

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        self.process.send_signal(number)

    def _answers(self) -> bool:
        assert self.process.poll() is None, "the web process ended"
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}/healthz", timeout=5).status_code == 200
        except httpx.HTTPError:
            return False


class Shop:
    """``webs`` processes on ``data_dir``, with whatever settings."""

    def __init__(self, data_dir: Path, webs: int, **environment: str) -> None:
        self.data_dir = data_dir
        furnish(data_dir, "small")
        outside = {name: value for name, value in os.environ.items() if name not in {"REDIS_URL", "DATABASE_URL"}}
        self.environment = outside | {"DATA_DIR": str(data_dir), "DEMO": "0", "REDIS_TIMEOUT_S": "0.5"} | environment
        self.redis = PrivateRedis(data_dir)
        self.redis.start()
        self.webs: list[Web] = []
        self._loaded: Loaded | None = None
        try:
            if "DATABASE_URL" in environment:
                self.run(SMALL_SHOP)
            self.webs = [Web(self.environment) for _ in range(webs)]
            for web in self.webs:
                web.wait_ready()
        except BaseException:
            self.stop()
            raise

    def run(self, code: str, *arguments: str) -> str:
        """``code`` in a process of its own on the same database → what it printed."""
        if self._loaded is None:
            self._loaded = Loaded(self.environment)
        done = self._loaded.run(code, *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def streams(self) -> redis.Redis:
        """A client of its database for turn streams."""
        return redis.Redis(unix_socket_path=str(redis_socket(self.data_dir)), db=3)

    def stop(self) -> None:
        for web in self.webs:
            if web.process.poll() is None:
                web.kill()
            web.process.wait(30)
        if self._loaded is not None:
            self._loaded.stop()
        self.redis.stop()


@contextmanager
def shop(data_dir: Path, webs: int, **environment: str) -> Iterator[Shop]:
    running = Shop(data_dir, webs, **environment)
    try:
        yield running
    finally:
        running.stop()


def token_of(web: Web) -> str:
    token: str = httpx.post(f"http://127.0.0.1:{web.port}/widget/v1/token", json={}).json()["token"]
    return token


class Tab:
    """A browser's socket that has said hello; ``frames`` are those of turns, by turn, in the order in which they came."""

    def __init__(self, socket: ClientConnection, token: str, **hello: Any) -> None:
        self.socket = socket
        self.frames: dict[str, list[Frame]] = {}
        self.send(type="hello", v=1, token=token, caps=["stream", "cards"], **hello)
        self.ready = self.next("ready")

    @property
    def conversation_id(self) -> str:
        return str(self.ready["conversation_id"])

    def send(self, **frame: Any) -> None:
        self.socket.send(orjson.dumps(frame).decode())

    def ask(self, text: str, *, client_msg_id: str = "") -> Frame:
        """The ``accepted`` frame."""
        client_msg_id = client_msg_id or str(uuid.uuid4())
        self.send(type="user_message", client_msg_id=client_msg_id, text=text)
        return self.next("accepted")

    def receive(self, within_s: float = 40) -> Frame:
        frame: Frame = orjson.loads(self.socket.recv(timeout=within_s))
        if "seq" in frame:
            self.frames.setdefault(frame["turn_id"], []).append(frame)
        return frame

    def next(self, type: str, *, within_s: float = 40) -> Frame:
        until_ = time.monotonic() + within_s
        while True:
            frame = self.receive(max(0.1, until_ - time.monotonic()))
            if frame["type"] == type:
                return frame

    def closed_with(self) -> int:
        with pytest.raises(ConnectionClosed) as closed:
            while True:
                self.receive()
        assert closed.value.rcvd is not None, "cut off without a word"
        return closed.value.rcvd.code

    def read_to_the_end(self) -> None:
        """Everything that still comes from a process that died."""
        with pytest.raises(ConnectionClosed):
            while True:
                self.receive()


@contextmanager
def tab(web: Web, token: str, **hello: Any) -> Iterator[Tab]:
    with connect(f"ws://127.0.0.1:{web.port}/ws/chat/", close_timeout=1) as socket:
        yield Tab(socket, token, **hello)


def assert_whole(frames: list[Frame], *, after: int = 0) -> None:
    """Every frame behind ``after``, once, in order, to the end."""
    assert [frame["seq"] for frame in frames] == list(range(after + 1, after + 1 + len(frames)))
    assert [frame["type"] for frame in frames].count("response") == 1
    assert frames[-1]["type"] == "response"
