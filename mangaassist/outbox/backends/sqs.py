"""Amazon SQS (API facts: botocore's service model, 2012-11-05)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

import orjson
from botocore.exceptions import BotoCoreError, ClientError
from django.core.exceptions import ImproperlyConfigured

from mangaassist import aws
from mangaassist.outbox.backends.base import Outgoing, Queue, QueueUnavailable, Received

T = TypeVar("T")
# SQS takes and gives at most ten messages a call.
BATCH = 10


class SqsQueue(Queue):
    """Dead letters are the queue's own affair (its redrive policy)."""

    def __init__(self, *, queue_url: str = "", region: str = "", visibility_s: int = 60) -> None:
        if not queue_url:
            raise ImproperlyConfigured("FEEDBACK_QUEUE=sqs needs FEEDBACK_QUEUE_URL.")
        self.queue_url = queue_url
        self.visibility_s = visibility_s
        self._client: Any = aws.client("sqs", "worker", region=region)

    def send(self, messages: Sequence[Outgoing]) -> Mapping[str, str]:
        failed: dict[str, str] = {}
        for batch in _batches(messages):
            entries = [
                {
                    "Id": str(place),
                    "MessageBody": orjson.dumps(message.body).decode(),
                    "MessageAttributes": {"id": {"DataType": "String", "StringValue": message.id}},
                }
                for place, message in enumerate(batch)
            ]
            try:
                answer = self._client.send_message_batch(QueueUrl=self.queue_url, Entries=entries)
            except (BotoCoreError, ClientError) as error:
                raise QueueUnavailable(str(error)) from error
            # HTTP 200 does not mean that all were taken.
            for entry in answer.get("Failed", []):
                failed[batch[int(entry["Id"])].id] = f"{entry.get('Code')}: {entry.get('Message', '')}"
        return failed

    def receive(self, *, limit: int = 10, wait_s: int = 0) -> list[Received]:
        try:
            answer = self._client.receive_message(
                QueueUrl=self.queue_url,
                MaxNumberOfMessages=min(limit, BATCH),
                WaitTimeSeconds=wait_s,
                VisibilityTimeout=self.visibility_s,
                MessageAttributeNames=["id"],
                AttributeNames=["ApproximateReceiveCount"],
            )
        except (BotoCoreError, ClientError) as error:
            raise QueueUnavailable(str(error)) from error
        return [_received(message) for message in answer.get("Messages", [])]

    def delete(self, messages: Sequence[Received]) -> None:
        for batch in _batches(messages):
            entries = [{"Id": str(place), "ReceiptHandle": m.receipt} for place, m in enumerate(batch)]
            try:
                self._client.delete_message_batch(QueueUrl=self.queue_url, Entries=entries)
            except (BotoCoreError, ClientError) as error:
                raise QueueUnavailable(str(error)) from error


def _received(message: dict[str, Any]) -> Received:
    """A body that is no JSON object came from elsewhere; its consumer refuses it."""
    try:
        body = orjson.loads(message["Body"])
    except orjson.JSONDecodeError:
        body = {}
    return Received(
        message.get("MessageAttributes", {}).get("id", {}).get("StringValue") or message["MessageId"],
        body if isinstance(body, dict) else {},
        message["ReceiptHandle"],
        int(message.get("Attributes", {}).get("ApproximateReceiveCount", 1)),
    )


def _batches(items: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), BATCH):
        yield items[start : start + BATCH]
