"""Conversation memory in a DynamoDB of moto."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
from moto import mock_aws

TABLE = "conversations"
BACKEND = "chat.backends.dynamodb.DynamoMemory"


@contextmanager
def dynamodb_memory(settings: Any) -> Iterator[Any]:
    """The client; the table has the keys of deploy/aws."""
    with mock_aws():
        client = boto3.client("dynamodb")
        client.create_table(
            TableName=TABLE,
            KeySchema=[
                {"AttributeName": "conversation_id", "KeyType": "HASH"},
                {"AttributeName": "turn", "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[
                {"AttributeName": "conversation_id", "AttributeType": "S"},
                {"AttributeName": "turn", "AttributeType": "N"},
            ],
            BillingMode="PAY_PER_REQUEST",
        )
        settings.MEMORY = {"default": {"BACKEND": BACKEND, "OPTIONS": {"table": TABLE}}}
        yield client
