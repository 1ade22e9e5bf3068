"""A bucket of Amazon S3 that tells of changes through an SQS queue (API facts: botocore's model of 2006-03-01)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from botocore.exceptions import ClientError
from django.core.exceptions import ImproperlyConfigured

from knowledge.backends.base import (
    LARGEST_DOCUMENT_BYTES,
    TOO_LARGE,
    DocumentFault,
    DocumentGone,
    Fetched,
    KnowledgeSource,
    Listed,
    SourceUnavailable,
)
from mangaassist import aws
from mangaassist.breaker import Breaker, BreakerOpen
from mangaassist.outbox.backends.base import Queue
from mangaassist.outbox.backends.sqs import SqsQueue

_GONE = frozenset({"NoSuchKey", "404", "NoSuchVersion"})
# Of Glacier: the bucket is well, and this one object is not to be had.
_ARCHIVED = frozenset({"InvalidObjectState"})


class S3Source(KnowledgeSource):
    """``events_queue_url``: the queue that the bucket's notifications go to; without it, changes are only found by the
    hourly look through the bucket.
    """

    def __init__(self, *, bucket: str = "", events_queue_url: str = "", region: str = "") -> None:
        if not bucket:
            raise ImproperlyConfigured("KNOWLEDGE_SOURCE=s3 needs KNOWLEDGE_BUCKET.")
        self.bucket = bucket
        self._client: Any = aws.client("s3", "worker", region=region)
        self._breaker = Breaker("s3.knowledge", failures=3)
        self._events = (
            SqsQueue(queue_url=events_queue_url, region=region, visibility_s=120) if events_queue_url else None
        )

    def list(self) -> Iterator[Listed]:
        more: dict[str, str] = {}
        while True:
            page = self._ask(partial(self._client.list_objects_v2, Bucket=self.bucket, **more))
            for found in page.get("Contents", ()):
                if not found["Key"].endswith("/"):  # what consoles make for an empty folder
                    yield Listed(key=found["Key"], version=found["ETag"].strip('"'), size=found["Size"])
            if not page["IsTruncated"]:
                return
            more = {"ContinuationToken": page["NextContinuationToken"]}

    def fetch(self, key: str) -> Fetched:
        found = self._ask(partial(self._client.get_object, Bucket=self.bucket, Key=key))
        version = found["ETag"].strip('"')
        if found["ContentLength"] > LARGEST_DOCUMENT_BYTES:
            found["Body"].close()
            raise DocumentFault(TOO_LARGE, version=version, size=found["ContentLength"])
        return Fetched(data=self._ask(found["Body"].read), version=version)

    def _ask(self, call: Callable[[], Any]) -> Any:
        try:
            return self._breaker.call(call, failures=aws.FAILURES, counts=_is_unwell)
        except BreakerOpen as error:
            raise SourceUnavailable("Amazon S3 failed lately.") from error
        except aws.FAILURES as error:
            if _code(error) in _GONE:
                raise DocumentGone(aws.in_words(error)) from error
            if _code(error) in _ARCHIVED:
                raise DocumentFault("it lies in an archive: restore it first") from error
            raise SourceUnavailable(f"Amazon S3: {aws.in_words(error)}") from error

    def events(self) -> Queue | None:
        return self._events


def _code(error: Exception) -> str:
    return str(error.response["Error"]["Code"]) if isinstance(error, ClientError) else ""


def _is_unwell(error: BaseException) -> bool:
    return aws.is_unwell(error) and not (isinstance(error, ClientError) and _code(error) in _ARCHIVED)
