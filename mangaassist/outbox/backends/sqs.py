"""Amazon SQS (API facts: botocore's service model, 2012-11-05)."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import orjson
import structlog
from django.core.exceptions import ImproperlyConfigured

from mangaassist import aws
from mangaassist.breaker import Breaker, BreakerOpen
from mangaassist.outbox.backends.base import Outgoing, Queue, QueueUnavailable, Received, RequestRefused
from mangaassist.outbox.topics import Hopeless, NotYet

log = structlog.get_logger(__name__)
T = TypeVar("T")
# SQS takes and gives at most ten messages a call.
BATCH = 10
LONGEST_WAIT_S = 20
# A message, and all of one call together; names, types and values of attributes count.
MOST_BYTES = 1024 * 1024
ATTRIBUTE_BYTES = len("id") + len("String")


class SqsQueue(Queue):
    """Dead letters are the queue's own affair (its redrive policy)."""

    def __init__(self, *, queue_url: str = "", region: str = "", visibility_s: int = 60) -> None:
        if not queue_url:
            raise ImproperlyConfigured("FEEDBACK_QUEUE=sqs needs FEEDBACK_QUEUE_URL.")
        self.queue_url = queue_url
        self.visibility_s = visibility_s
        self._client: Any = aws.client("sqs", "worker", region=region)
        # An empty queue answers after the wait; whoever receives asks again anyway.
        self._receiver: Any = aws.client(
            "sqs", "worker", region=region, read_timeout=LONGEST_WAIT_S + 5, retries={"total_max_attempts": 1}
        )
        self._breaker = Breaker(f"sqs.{queue_url.rpartition('/')[2]}", failures=3)

    def send(self, messages: Sequence[Outgoing]) -> Mapping[str, str]:
        """What was sent before the service failed stays sent; the others are told as failed.

        The messages of a call that is refused go again one by one: that shows which of them it is.
        """
        failed: dict[str, str] = {}
        sized = [(message, _text(message.body)) for message in messages]
        waiting = deque(_fitting(sized, failed))
        sent = 0
        while waiting:
            batch = waiting.popleft()
            entries = [
                {
                    "Id": str(place),
                    "MessageBody": text,
                    "MessageAttributes": {"id": {"DataType": "String", "StringValue": message.id}},
                }
                for place, (message, text) in enumerate(batch)
            ]
            try:
                answer = self._ask(self._client.send_message_batch, Entries=entries)
            except RequestRefused as refusal:
                if len(batch) > 1:
                    waiting.extendleft([each] for each in reversed(batch))
                else:
                    failed[batch[0][0].id] = str(refusal)
                continue
            except QueueUnavailable as error:
                if not sent:
                    raise
                failed |= {message.id: NotYet(error) for message, _ in batch}
                continue
            sent += 1
            # HTTP 200 does not mean that all were taken.
            for entry in answer.get("Failed", []):
                reason = f"{entry.get('Code')}: {entry.get('Message', '')}"
                failed[batch[int(entry["Id"])][0].id] = reason if entry.get("SenderFault") else NotYet(reason)
        return failed

    def receive(self, *, limit: int = 10, wait_s: int = 0) -> list[Received]:
        answer = self._ask(
            self._receiver.receive_message,
            MaxNumberOfMessages=min(limit, BATCH),
            WaitTimeSeconds=min(wait_s, LONGEST_WAIT_S),
            VisibilityTimeout=self.visibility_s,
            MessageAttributeNames=["id"],
            AttributeNames=["ApproximateReceiveCount"],
        )
        return [_received(message) for message in answer.get("Messages", [])]

    def delete(self, messages: Sequence[Received]) -> None:
        for batch in _batches(messages):
            entries = [{"Id": str(place), "ReceiptHandle": m.receipt} for place, m in enumerate(batch)]
            answer = self._ask(self._client.delete_message_batch, Entries=entries)
            # They come again, and their inbox keys drop them.
            for entry in answer.get("Failed", []):
                log.warning("sqs_message_not_deleted", id=batch[int(entry["Id"])].id, code=entry.get("Code"))

    def _ask(self, method: Callable[..., dict[str, Any]], **arguments: Any) -> dict[str, Any]:
        try:
            return self._breaker.call(
                lambda: method(QueueUrl=self.queue_url, **arguments), failures=aws.FAILURES, counts=aws.is_unwell
            )
        except BreakerOpen as error:
            raise QueueUnavailable("Amazon SQS failed lately.") from error
        except aws.FAILURES as error:
            unavailable = QueueUnavailable if aws.is_outage(error) else RequestRefused
            raise unavailable(f"Amazon SQS: {aws.in_words(error)}") from error


def _received(message: dict[str, Any]) -> Received:
    """A body that is no JSON object came from elsewhere: its consumer gets it as ``unreadable``, and refuses it."""
    try:
        body = orjson.loads(message["Body"])
    except orjson.JSONDecodeError:
        body = None
    return Received(
        message.get("MessageAttributes", {}).get("id", {}).get("StringValue") or message["MessageId"],
        body if isinstance(body, dict) else {"unreadable": message["Body"]},
        message["ReceiptHandle"],
        int(message.get("Attributes", {}).get("ApproximateReceiveCount", 1)),
    )


def _text(body: dict[str, Any]) -> str:
    """JSON of characters that SQS takes: it refuses these two, which JSON can spell otherwise."""
    return orjson.dumps(body).decode().replace("\ufffe", "\\ufffe").replace("\uffff", "\\uffff")


def _fitting(sized: Sequence[tuple[Outgoing, str]], failed: dict[str, str]) -> Iterator[list[tuple[Outgoing, str]]]:
    """Batches within the service's limits; what is too big for any is told in ``failed``."""
    batch: list[tuple[Outgoing, str]] = []
    size = 0
    for message, text in sized:
        weight = len(text.encode()) + len(message.id) + ATTRIBUTE_BYTES
        if weight > MOST_BYTES:
            failed[message.id] = Hopeless(f"Too big for Amazon SQS: {weight} bytes of at most {MOST_BYTES}.")
            continue
        if batch and (len(batch) == BATCH or size + weight > MOST_BYTES):
            yield batch
            batch, size = [], 0
        batch.append((message, text))
        size += weight
    if batch:
        yield batch


def _batches(items: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), BATCH):
        yield items[start : start + BATCH]
