"""What a process does before the first question."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import Any

import pytest
from moto import mock_aws

from chat.backends.dynamodb import DynamoMemory
from chat.memory import stores
from chat.warm import settle
from mangaassist.backends import build_defaults, handlers


@pytest.fixture(autouse=True)
def thaw() -> Iterator[None]:
    yield
    gc.unfreeze()


def test_clients_are_made_before_anybody_waits_for_them(settings: Any) -> None:
    with mock_aws():
        settings.MEMORY = {
            "default": {"BACKEND": "chat.backends.dynamodb.DynamoMemory", "OPTIONS": {"table": "memory"}}
        }
        build_defaults()
    assert "default" in stores._built
    assert isinstance(stores["default"], DynamoMemory)
    configured = [handler for handler in handlers if getattr(settings, handler.setting)]
    assert len(configured) > 5
    assert all("default" in handler._built for handler in configured)


def test_what_stands_is_not_gone_through_by_the_collector_again() -> None:
    standing = len(gc.get_objects())
    assert standing > 50_000

    settle()

    assert gc.get_freeze_count() > 50_000
    assert len(gc.get_objects()) < standing / 10
