"""`manage.py runserver`: the usual Django way, with WebSockets and a Redis of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from websockets.sync.client import connect
from websockets.typing import Origin

from mangaassist import embedded
from tests.furnished import furnish
from tests.mangaassist.running import free_port, is_gone, until


@pytest.mark.process
@pytest.mark.parametrize("reload", [True, False])
def test_it_brings_its_redis_and_takes_it_away(tmp_path: Path, reload: bool) -> None:
    port = free_port()
    environment = {name: value for name, value in os.environ.items() if name != "REDIS_URL"}
    environment |= {"DATA_DIR": str(tmp_path), "DEMO": "0"}
    furnish(tmp_path)
    server = subprocess.Popen(
        [sys.executable, "manage.py", "runserver", str(port), *([] if reload else ["--noreload"])],
        cwd=settings.BASE_DIR,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until(lambda: speaks(port), "a WebSocket")
        assert embedded.answers(tmp_path)
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(20)
    assert not embedded.answers(tmp_path)
    assert is_gone(server.pid)


def speaks(port: int) -> bool:
    """Whether a hello without a token gets the protocol's own answer."""
    try:
        with connect(f"ws://127.0.0.1:{port}/ws/chat/", origin=Origin(f"http://127.0.0.1:{port}")) as client:
            client.send('{"type": "ping", "t": 1}')
            return '"type"' in str(client.recv(timeout=5))
    except OSError:
        return False
