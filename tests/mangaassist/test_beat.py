"""Beat, while its broker is away: a program of its own, as the supervisor starts it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from redis import Redis

from mangaassist.embedded import PrivateRedis, redis_socket
from tests.mangaassist.running import until

pytestmark = pytest.mark.process


def test_a_broker_that_is_away_is_told_in_lines_and_found_again(tmp_path: Path) -> None:
    redis = PrivateRedis(tmp_path)
    redis.start()
    log = tmp_path / "beat.log"
    with log.open("wb") as lines:
        beat = subprocess.Popen(
            [sys.executable, "-m", "celery", "--app", "mangaassist.beat", "beat", f"--pidfile={tmp_path / 'pid'}"],
            cwd=settings.BASE_DIR,
            env=os.environ | {"DATA_DIR": str(tmp_path), "LOG_FORMAT": "json"},
            stderr=lines,
        )
    try:
        broker = Redis(unix_socket_path=str(redis_socket(tmp_path)), db=1)
        until(lambda: broker.llen("interactive") > 0, "beat has begun", within_s=120)
        redis.stop()
        until(lambda: log.read_text().count("task_not_sent") > 2, "it says that it cannot send", within_s=120)
        redis = PrivateRedis(tmp_path)
        redis.start()
        # It may have kept what was sent before.
        broker.delete("interactive")
        until(lambda: broker.llen("interactive") > 0, "it sends again", within_s=120)
        assert beat.poll() is None
    finally:
        beat.send_signal(signal.SIGTERM)
        beat.wait(60)
        redis.stop()
    assert "Traceback" not in log.read_text()
