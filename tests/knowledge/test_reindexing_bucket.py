"""From an object of a bucket to an answer that knows of it, by its events, the stream and a new version of the index."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import orjson
import pytest
from django.utils import timezone
from moto import mock_aws

from knowledge.backends import knowledge_sources
from knowledge.reindexing import look_at_source
from mangaassist.outbox.backends.base import Outgoing
from mangaassist.outbox.consumers import consume
from mangaassist.outbox.models import OutboxMessage, ShardLease
from mangaassist.outbox.relay import drain, retry_now
from tests.backends.test_source_contract import Shelf
from tests.knowledge.indexing import answer, follow_changes

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def no_worker(settings: Any) -> None:
    settings.OUTBOX_WAKE = False


@pytest.fixture
def bucket(settings: Any) -> Iterator[Shelf]:
    """A bucket that tells an SQS queue of its changes, and Kinesis as the re-index stream."""
    with mock_aws():
        s3, sqs = boto3.client("s3"), boto3.client("sqs")
        boto3.client("kinesis").create_stream(StreamName="rag-reindex", ShardCount=1)
        url = sqs.create_queue(QueueName="knowledge-events")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        s3.create_bucket(Bucket="shop-knowledge")
        s3.put_bucket_notification_configuration(
            Bucket="shop-knowledge",
            NotificationConfiguration={
                "QueueConfigurations": [{"QueueArn": arn, "Events": ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"]}]
            },
        )
        settings.KNOWLEDGE_SOURCES = {
            "default": {
                "BACKEND": "knowledge.backends.s3.S3Source",
                "OPTIONS": {"bucket": "shop-knowledge", "events_queue_url": url},
            }
        }
        settings.REINDEX_STREAMS = {
            "default": {
                "BACKEND": "mangaassist.outbox.backends.kinesis_stream.KinesisStream",
                "OPTIONS": {"stream": "rag-reindex"},
            }
        }
        yield Shelf(
            knowledge_sources["default"],
            lambda key, data: s3.put_object(Bucket="shop-knowledge", Key=key, Body=data),
            lambda key: s3.delete_object(Bucket="shop-knowledge", Key=key),
        )


def follow_bucket() -> None:
    while consume("knowledge-events"):
        pass
    follow_changes()


def test_an_object_of_the_bucket_is_answered_from_and_forgotten_when_it_goes(bucket: Shelf) -> None:
    bucket.put("faq/返品 の 仕方.txt", "返品は三十日以内です。".encode())
    follow_bucket()
    assert answer("返品したい", "ja") == "返品は三十日以内です。"
    bucket.remove("faq/返品 の 仕方.txt")
    follow_bucket()
    assert answer("返品したい", "ja") == ""


def test_an_event_that_never_came_is_made_up_by_the_hourly_look(bucket: Shelf) -> None:
    bucket.put("gifts.md", b"We wrap gifts for free.")
    queue = bucket.source.events()
    assert queue is not None
    queue.delete(queue.receive())
    queue.delete(queue.receive())
    follow_bucket()
    assert answer("do you wrap gifts?") == ""
    look_at_source()
    follow_changes()
    assert answer("do you wrap gifts?") == "We wrap gifts for free."


def test_a_message_that_is_no_event_is_parked_and_can_be_tried_again(bucket: Shelf) -> None:
    queue = bucket.source.events()
    assert queue is not None
    queue.send([Outgoing("1", {"no": "event"})])
    bucket.put("gifts.md", b"We wrap gifts for free.")
    follow_bucket()
    assert answer("do you wrap gifts?") == "We wrap gifts for free."
    (parked,) = OutboxMessage.objects.parked()
    assert (parked.topic, parked.payload) == ("knowledge-events", {"no": "event"})
    OutboxMessage.objects.update(payload=orjson.loads(orjson.dumps({"Event": "s3:TestEvent"})))
    retry_now([parked])
    assert drain("knowledge-events") == 1


def test_a_bucket_that_is_away_loses_no_request(bucket: Shelf) -> None:
    bucket.put("gifts.md", b"We wrap gifts for free.")
    s3 = boto3.client("s3")
    s3.delete_object(Bucket="shop-knowledge", Key="gifts.md")
    s3.delete_bucket(Bucket="shop-knowledge")
    follow_bucket()
    assert "SourceUnavailable" in ShardLease.objects.get().error
    s3.create_bucket(Bucket="shop-knowledge")
    bucket.put("gifts.md", b"We wrap gifts for free.")
    ShardLease.objects.update(retry_at=timezone.now())
    follow_bucket()
    assert answer("do you wrap gifts?") == "We wrap gifts for free."
