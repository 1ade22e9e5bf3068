"""A bucket of Amazon S3 that tells of changes through an SQS queue (API facts: botocore's model of 2006-03-01)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from django.core.exceptions import ImproperlyConfigured

from knowledge.backends.base import (
    LARGEST_DOCUMENT_BYTES,
    DocumentGone,
    DocumentTooLarge,
    Fetched,
    KnowledgeSource,
    Listed,
    SourceUnavailable,
)
from mangaassist import aws
from mangaassist.outbox.backends.base import Queue
from mangaassist.outbox.backends.sqs import SqsQueue

_GONE = frozenset({"NoSuchKey", "404", "NoSuchVersion"})


class S3Source(KnowledgeSource):
    """``events_queue_url``: the queue that the bucket's notifications go to; without it, changes are only found by the
    hourly look through the bucket.
    """

    def __init__(self, *, bucket: str = "", events_queue_url: str = "", region: str = "") -> None:
        if not bucket:
            raise ImproperlyConfigured("KNOWLEDGE_SOURCE=s3 needs KNOWLEDGE_BUCKET.")
        self.bucket = bucket
        self._client: Any = aws.client("s3", "worker", region=region)
        self._events = (
            SqsQueue(queue_url=events_queue_url, region=region, visibility_s=120) if events_queue_url else None
        )

    def list(self) -> Iterator[Listed]:
        try:
            for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket):
                for found in page.get("Contents", ()):
                    if not found["Key"].endswith("/"):  # what consoles make for an empty folder
                        yield Listed(key=found["Key"], version=found["ETag"].strip('"'), size=found["Size"])
        except (BotoCoreError, ClientError) as error:
            raise SourceUnavailable(str(error)) from error

    def fetch(self, key: str) -> Fetched:
        try:
            found = self._client.get_object(Bucket=self.bucket, Key=key)
            version = found["ETag"].strip('"')
            if found["ContentLength"] > LARGEST_DOCUMENT_BYTES:
                found["Body"].close()
                raise DocumentTooLarge(key, version, found["ContentLength"])
            return Fetched(data=found["Body"].read(), version=version)
        except ClientError as error:
            if error.response["Error"]["Code"] in _GONE:
                raise DocumentGone(key) from error
            raise SourceUnavailable(str(error)) from error
        except BotoCoreError as error:
            raise SourceUnavailable(str(error)) from error

    def events(self) -> Queue | None:
        return self._events
