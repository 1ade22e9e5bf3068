"""Real workers over real brokers: what they take, what they refuse, and how long a task may take."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest
import redis
from celery import Celery
from django.conf import settings as django_settings
from moto.server import ThreadedMotoServer

from mangaassist.health.heartbeat import QUEUES, key_of
from mangaassist.outbox.delivery import enqueue
from mangaassist.outbox.models import OutboxMessage
from mangaassist.redis import sync_client
from mangaassist.supervisor import BATCH_WORKER, WORKER
from tests.mangaassist.running import is_gone, until
from tests.mangaassist.this_database import database_url

pytestmark = [pytest.mark.process, pytest.mark.django_db(transaction=True)]

# Both tasks are there, and nothing else of the tests.
TASKS = ("--include", "tests.mangaassist.worker_tasks")


@contextmanager
def process(app: str, *arguments: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """Celery with this test's database and Redis, until the end of the block."""
    running = subprocess.Popen(
        [sys.executable, "-m", "celery", "--quiet", "--app", app, *arguments],
        cwd=django_settings.BASE_DIR,
        env=os.environ | {"DATABASE_URL": database_url()} | environment,
        start_new_session=True,
    )
    try:
        yield running
    finally:
        if running.poll() is None:
            os.killpg(running.pid, signal.SIGKILL)
        running.wait()


def beating() -> bool:
    return int(sync_client("streams").exists(*map(key_of, QUEUES))) == len(QUEUES)


def told() -> list[str]:
    words: list[Any] = sync_client("streams").lrange("told", 0, -1)
    return [word.decode() for word in words]


def give_work(rows: int) -> None:
    for number in range(rows):
        enqueue("analytics", {"records": [_record(number)]})


def _record(number: int) -> dict[str, Any]:
    at = "2026-01-01T00:00:00+00:00"
    return {"record_id": f"r{number}", "event": "test", "schema": 1, "session_id": "s", "at": at}


def all_done() -> bool:
    return not OutboxMessage.objects.exclude(status=OutboxMessage.Status.DONE).exists()


@pytest.fixture
def sqs() -> Iterator[dict[str, str]]:
    """The environment of processes whose broker is SQS."""
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    address = f"http://{host}:{port}"
    client = boto3.client("sqs", endpoint_url=address)
    urls = [client.create_queue(QueueName=f"shop-{name}")["QueueUrl"] for name in ("interactive", "delivery", "batch")]
    yield {
        "CELERY_BROKER_URL": "sqs://",
        "CELERY_SQS_URL_PREFIX": urls[0].removesuffix("interactive"),
        "AWS_ENDPOINT_URL_SQS": address,
    }
    server.stop()


def test_with_sqs_as_broker_what_is_stored_leaves_and_a_killed_worker_loses_nothing(
    sqs: dict[str, str], settings: Any, tmp_path: Path
) -> None:
    settings.OUTBOX_WAKE = False
    with ExitStack() as stack:
        worker = stack.enter_context(process("mangaassist", *WORKER, **sqs))
        schedule = str(tmp_path / "schedule")
        stack.enter_context(process("mangaassist.beat", "beat", "--pidfile=", f"--schedule={schedule}", **sqs))
        until(beating, "heartbeats through SQS")
        give_work(5)
        until(all_done, "delivered by the sweep")

        give_work(500)
        until(lambda: OutboxMessage.objects.filter(status=OutboxMessage.Status.DONE).count() > 5, "at it again")
        os.killpg(worker.pid, signal.SIGKILL)
        give_work(5)
        stack.enter_context(process("mangaassist", *WORKER, **sqs))
        until(all_done, "delivered by the next worker", within_s=90)
    # Nothing of it went through Redis.
    assert redis.Redis.from_url(django_settings.REDIS_URLS["broker"]).keys("_kombu*") == []


def test_a_pickled_task_is_refused_and_the_next_one_taken(settings: Any, tmp_path: Path) -> None:
    trap = tmp_path / "unpickled"
    stranger = Celery(broker=django_settings.CELERY_BROKER_URL)
    stranger.conf.broker_transport_options = django_settings.CELERY_BROKER_TRANSPORT_OPTIONS
    with process("mangaassist", *WORKER, *TASKS) as worker:
        until(beating, "a worker")
        stranger.send_task("tests.tell", args=[Trap(str(trap))], serializer="pickle", queue="interactive")
        stranger.send_task("tests.tell", args=["good"], queue="interactive")
        until(lambda: told() == ["good"], "the good task")
        assert worker.poll() is None
    assert not trap.exists()


class Trap:
    """Leaves a file where it is unpickled."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path(self.path),)


def test_a_batch_task_that_hangs_is_killed_at_its_limit_and_holds_up_nobody() -> None:
    sender = Celery(broker=django_settings.CELERY_BROKER_URL)
    with ExitStack() as stack:
        stack.enter_context(process("mangaassist", *BATCH_WORKER, *TASKS, BATCH_LIMIT_S="3"))
        sender.send_task("tests.hang", queue="batch")
        until(lambda: told() == ["hanging"], "the hanging task")
        sender.send_task("tests.tell", args=["behind it"], queue="batch")
        # Meanwhile the others are served.
        stack.enter_context(process("mangaassist", *WORKER, *TASKS))
        sender.send_task("tests.tell", args=["beside it"], queue="delivery")
        until(lambda: set(told()) == {"hanging", "beside it", "behind it"}, "both others")


def test_no_child_survives_a_killed_batch_worker() -> None:
    sender = Celery(broker=django_settings.CELERY_BROKER_URL)
    with process("mangaassist", *BATCH_WORKER, *TASKS) as worker:
        sender.send_task("tests.hang", queue="batch")
        until(lambda: told() == ["hanging"], "the hanging task")
        (child,) = Path(f"/proc/{worker.pid}/task/{worker.pid}/children").read_text().split()
        worker.kill()
        worker.wait()
        until(lambda: is_gone(int(child)), "the child gone", within_s=10)
