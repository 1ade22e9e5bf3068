"""`manage.py consume TOPIC`, as a real process against a real server: told to stop, killed, and without its outside."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import httpx
import orjson
import pytest
from django.conf import settings as django_settings
from django.core.management import CommandError, call_command
from django.utils import timezone
from moto.server import ThreadedMotoServer

from knowledge.models import Article, IndexVersion, Passage
from mangaassist.outbox.consumers import consumer_topics
from mangaassist.outbox.models import InboxKey, OutboxMessage, ShardLease
from mangaassist.outbox.relay import drain
from tests.mangaassist.running import until
from tests.mangaassist.this_database import database_url

pytestmark = [pytest.mark.process, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def aws() -> Iterator[dict[str, str]]:
    """The environment of processes with Kinesis and SQS."""
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    address = f"http://{host}:{port}"
    # Its state is the process', not the server's.
    httpx.post(f"{address}/moto-api/reset").raise_for_status()
    boto3.client("kinesis", endpoint_url=address).create_stream(StreamName="rag-reindex", ShardCount=2)
    queue = boto3.client("sqs", endpoint_url=address).create_queue(QueueName="feedback")["QueueUrl"]
    yield {
        "AWS_ENDPOINT_URL": address,
        "REINDEX_STREAM": "kinesis",
        "KINESIS_REINDEX_STREAM": "rag-reindex",
        "FEEDBACK_QUEUE": "sqs",
        "FEEDBACK_QUEUE_URL": queue,
    }
    server.stop()


@contextmanager
def consuming(
    topic: str, environment: dict[str, str], *, stderr: int | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    running = subprocess.Popen(
        [sys.executable, "manage.py", "consume", topic],
        cwd=django_settings.BASE_DIR,
        env=os.environ | {"DATABASE_URL": database_url()} | environment,
        stdout=subprocess.DEVNULL,
        stderr=stderr,
    )
    try:
        yield running
    finally:
        running.kill()
        running.wait()


def ask_for(aws: dict[str, str], *slugs: str) -> None:
    """As another system would: straight into the stream."""
    client = boto3.client("kinesis", endpoint_url=aws["AWS_ENDPOINT_URL"])
    records: list[Any] = [
        {"Data": orjson.dumps({"article": f"{slug}/en", "action": "upsert"}), "PartitionKey": slug} for slug in slugs
    ]
    client.put_records(StreamName="rag-reindex", Records=records)


@pytest.fixture
def articles(settings: Any) -> list[str]:
    settings.OUTBOX_WAKE = False
    slugs = [f"a{number}" for number in range(40)]
    Article.objects.bulk_create(
        Article(slug=slug, locale="en", category="x", question=f"What about {slug}?", body=f"All of {slug}.")
        for slug in slugs
    )
    return slugs


def in_force() -> set[str]:
    return {ref.removesuffix("/en") for ref in Passage.objects.serving().values_list("ref", flat=True)}


def test_it_reads_the_stream_until_it_is_told_to_stop_and_the_next_one_goes_on(
    aws: dict[str, str], articles: list[str]
) -> None:
    with consuming("reindex", aws) as process:
        ask_for(aws, *articles[:10])
        until(lambda: in_force() == set(articles[:10]), "the first ten in force", within_s=60)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0
    # Nobody need wait for its lease.
    assert set(ShardLease.objects.values_list("owner", flat=True)) == {None}
    ask_for(aws, *articles[10:])
    with consuming("reindex", aws):
        until(lambda: in_force() == set(articles), "all of them in force", within_s=60)


def test_one_that_is_killed_loses_nothing(aws: dict[str, str], articles: list[str]) -> None:
    with consuming("reindex", aws) as process:
        ask_for(aws, *articles[:10])
        until(lambda: ShardLease.objects.exclude(owner=None).exists(), "at work", within_s=60)
        process.kill()
    ask_for(aws, *articles[10:])
    # Its leases run out, of shards and perhaps of a version.
    ShardLease.objects.update(leased_until=timezone.now())
    IndexVersion.objects.update(leased_until=timezone.now())
    with consuming("reindex", aws):
        until(lambda: in_force() == set(articles), "all of them in force", within_s=60)


def test_what_comes_while_it_is_down_is_applied_when_it_is_back(aws: dict[str, str]) -> None:
    client = boto3.client("sqs", endpoint_url=aws["AWS_ENDPOINT_URL"])
    for body in ("{}", "not JSON", '{"message_id": "no uuid"}'):
        client.send_message(QueueUrl=aws["FEEDBACK_QUEUE_URL"], MessageBody=body)
    with consuming("feedback", aws) as process:
        # Nonsense, all of it: taken off, and kept where people see it.
        until(lambda: OutboxMessage.objects.parked().count() == 3, "three parked", within_s=60)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0
    attributes = client.get_queue_attributes(QueueUrl=aws["FEEDBACK_QUEUE_URL"], AttributeNames=["All"])["Attributes"]
    assert {attributes[f"ApproximateNumberOfMessages{kind}"] for kind in ("", "NotVisible")} == {"0"}
    assert not InboxKey.objects.exists()


def test_an_outside_that_is_away_is_waited_for(aws: dict[str, str], articles: list[str]) -> None:
    away = aws | {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_MAX_ATTEMPTS": "1"}
    with consuming("reindex", away, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        told = (line.decode() for line in process.stderr)
        pauses = [next(line for line in told if "not available, next try in" in line) for _ in range(2)]
        assert "in 1 s" in pauses[0]
        assert "in 2 s" in pauses[1]
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0


def test_every_topic_has_a_consumer_and_an_unknown_one_is_refused() -> None:
    assert {"feedback", "reindex", "knowledge-events"} <= set(consumer_topics())
    with pytest.raises(CommandError, match="invalid choice: 'nothing'"):
        call_command("consume", "nothing")


def test_a_topic_without_a_queue_says_which_setting_gives_it_one() -> None:
    with pytest.raises(CommandError, match="KNOWLEDGE_EVENTS_QUEUE_URL"):
        call_command("consume", "knowledge-events")


def test_what_is_there_can_be_taken_once(articles: list[str]) -> None:
    drain("reindex")
    call_command("consume", "reindex", "--once")
    assert in_force() == set(articles)
