"""Amazon DynamoDB: one item per turn (API facts: botocore's service model, 2012-08-10).

Key: ``conversation_id`` (S), ``turn`` (N, the turn's number or, where another turn has that, the next free one).
Items expire by ``expires_at`` (epoch seconds), which the service may be two days late with, so that readers look at
it too.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import orjson
import structlog
from botocore.exceptions import ClientError
from django.core.exceptions import ImproperlyConfigured

from chat.backends.base import MemoryStore, MemoryUnavailable, RememberedTurn
from chat.memory_types import REMEMBERED_TURNS, Memory
from mangaassist import aws
from mangaassist.breaker import Breaker, BreakerOpen
from mangaassist.outbox.topics import NotYet

log = structlog.get_logger(__name__)

# An item may have 400 KB. Texts are far from it; a dialogue state that grew without bounds is not kept.
LONGEST_DIALOGUE = 200_000
# Numbers that are tried where another turn has a turn's own.
MOST_NUMBERS = 10


class DynamoMemory(MemoryStore):
    """``ttl_days``: how long a turn is kept. Thread-safe."""

    def __init__(self, *, table: str = "", region: str = "", ttl_days: float = 30.0) -> None:
        if not table:
            raise ImproperlyConfigured("MEMORY=dynamodb needs DYNAMODB_MEMORY_TABLE.")
        self._table = table
        self._ttl_s = ttl_days * 86_400
        self._reader: Any = aws.client("dynamodb", "hot", region=region)
        self._writer: Any = aws.client("dynamodb", "worker", region=region)
        self._breaker = Breaker("dynamodb")
        self._write_breaker = Breaker("dynamodb.write", failures=3)

    def load(self, conversation_id: str, *, after_turn: str) -> Memory:
        """One consistent read of the last turns. Unavailable as well when that turn is not there yet."""
        try:
            answer = self._breaker.call(
                lambda: self._newest(conversation_id), failures=aws.FAILURES, counts=aws.is_unwell
            )
        except BreakerOpen as error:
            raise MemoryUnavailable("Amazon DynamoDB failed lately.") from error
        except aws.FAILURES as error:
            raise MemoryUnavailable(f"Amazon DynamoDB: {aws.in_words(error)}") from error
        now = time.time()
        items = [item for item in answer["Items"] if float(item["expires_at"]["N"]) > now]
        if not items or items[0]["turn_id"]["S"] != after_turn:
            raise MemoryUnavailable("The last turn is not in Amazon DynamoDB.")
        memory = Memory()
        for item in reversed(items):
            memory = memory.after(item["said"]["S"], item["answered"]["S"], orjson.loads(item["dialogue"]["S"]))
        return memory

    def _newest(self, conversation_id: str) -> dict[str, Any]:
        answer: dict[str, Any] = self._reader.query(
            TableName=self._table,
            KeyConditionExpression="conversation_id = :id",
            ExpressionAttributeValues={":id": {"S": conversation_id}},
            ScanIndexForward=False,
            Limit=REMEMBERED_TURNS,
            ConsistentRead=True,
        )
        return answer

    def append(self, turns: Sequence[RememberedTurn]) -> Mapping[str, str]:
        failed: dict[str, str] = {}
        for turn in turns:
            try:
                self._write_breaker.call(partial(self._put, turn), failures=aws.FAILURES, counts=aws.is_unwell)
            except BreakerOpen:
                failed[turn.turn_id] = NotYet("Amazon DynamoDB failed lately.")
            except aws.FAILURES as error:
                said = aws.in_words(error)
                failed[turn.turn_id] = NotYet(said) if aws.is_outage(error) else said
        if failed:
            log.warning("memory_not_written", turns=len(failed), errors=sorted(set(failed.values())))
        return failed

    def forget(self, conversation_id: str) -> None:
        """Item by item: a conversation has some dozens."""
        try:
            self._write_breaker.call(
                partial(self._remove, conversation_id), failures=aws.FAILURES, counts=aws.is_unwell
            )
        except BreakerOpen as error:
            raise MemoryUnavailable("Amazon DynamoDB failed lately.") from error
        except aws.FAILURES as error:
            raise MemoryUnavailable(f"Amazon DynamoDB: {aws.in_words(error)}") from error

    def _remove(self, conversation_id: str) -> None:
        pages = self._writer.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="conversation_id = :id",
            ExpressionAttributeValues={":id": {"S": conversation_id}},
            ProjectionExpression="conversation_id, #turn",
            ExpressionAttributeNames={"#turn": "turn"},
            ConsistentRead=True,
        )
        for page in pages:
            for key in page["Items"]:
                self._writer.delete_item(TableName=self._table, Key=key)

    def _put(self, turn: RememberedTurn) -> None:
        """A turn that is there already stays as it is; one whose number another turn has gets the next free one."""
        dialogue = orjson.dumps(turn.dialogue)
        item = {
            "conversation_id": {"S": turn.conversation_id},
            "turn_id": {"S": turn.turn_id},
            "said": {"S": turn.said},
            "answered": {"S": turn.answered},
            "dialogue": {"S": dialogue.decode() if len(dialogue) <= LONGEST_DIALOGUE else "{}"},
            "at": {"S": turn.at.isoformat()},
            "expires_at": {"N": str(int(turn.at.timestamp() + self._ttl_s))},
        }
        for number in range(turn.number, turn.number + MOST_NUMBERS):
            try:
                self._writer.put_item(
                    TableName=self._table,
                    Item=item | {"turn": {"N": str(number)}},
                    ConditionExpression="attribute_not_exists(conversation_id)",
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
            except ClientError as error:
                holder = _holder(error)
                if holder == turn.turn_id:
                    return
                if not holder or number == turn.number + MOST_NUMBERS - 1:
                    raise
            else:
                return


def _holder(error: ClientError) -> str:
    """The turn that has the number already; empty when the error is another one."""
    if error.response["Error"].get("Code") != "ConditionalCheckFailedException":
        return ""
    return str(error.response.get("Item", {}).get("turn_id", {}).get("S", ""))
