"""What a process does before the first question."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from chat.warm import settle


@pytest.fixture(autouse=True)
def thaw() -> Iterator[None]:
    yield
    gc.unfreeze()


def test_what_stands_is_not_gone_through_by_the_collector_again() -> None:
    standing = len(gc.get_objects())
    assert standing > 50_000

    settle()

    assert gc.get_freeze_count() > 50_000
    assert len(gc.get_objects()) < standing / 10
