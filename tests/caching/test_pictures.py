"""What a process holds in memory: as fresh as the cache, or known to be older, and never waited for twice."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import pytest
from django.db import transaction

from caching.invalidation import bump_now, invalidate
from caching.pictures import Picture
from tests.mangaassist.running import until

pytestmark = pytest.mark.django_db(transaction=True)

TAG = "test:picture"


@dataclass
class Rows:
    """Made as slowly as a test wants: ``go`` lets it be finished; ``fault``: it fails."""

    made: int = 0
    go: threading.Event = field(default_factory=threading.Event)
    fault: bool = False

    def make(self) -> int:
        number = self.made + 1
        self.go.wait(30)
        if self.fault:
            raise ConnectionError("the database is away")
        self.made = number
        return number


@pytest.fixture
def rows() -> Rows:
    rows = Rows()
    rows.go.set()
    return rows


@pytest.fixture
def picture(rows: Rows) -> Picture[int]:
    return Picture(TAG, make=rows.make, rows_version=lambda: 0)


def test_the_first_one_is_waited_for(picture: Picture[int]) -> None:
    assert picture.at_hand(0) == (1, True)
    assert picture.at_hand(0) == (1, True)


def test_the_one_before_serves_while_a_new_one_is_made_and_is_known_to_be_older(
    picture: Picture[int], rows: Rows
) -> None:
    picture.current()
    rows.go.clear()
    bump_now([TAG])
    assert picture.at_hand(0) == (1, False)
    assert picture.at_hand(0.01) == (1, False)
    rows.go.set()
    until(lambda: picture.at_hand(0) == (2, True), "the new one")
    # However many asked meanwhile, it was made once.
    assert rows.made == 2


def test_patience_gets_the_new_one(picture: Picture[int]) -> None:
    picture.current()
    bump_now([TAG])
    assert picture.at_hand(30) == (2, True)


def test_when_it_cannot_be_made_the_one_before_serves_and_it_is_tried_again(picture: Picture[int], rows: Rows) -> None:
    picture.current()
    rows.fault = True
    bump_now([TAG])
    assert picture.at_hand(30) == (1, False)
    rows.fault = False
    assert picture.at_hand(30) == (2, True)


def test_a_transaction_that_changed_something_sees_its_own_rows(picture: Picture[int], rows: Rows) -> None:
    picture.current()
    with transaction.atomic():
        invalidate([TAG])
        assert picture.at_hand(0) == (2, True)
