"""A handler may go on with a row by itself, or give it back untried: nobody else waits for the outside then."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from mangaassist.outbox import delivery, relay, topics
from mangaassist.outbox.models import OutboxMessage
from mangaassist.outbox.topics import Delivery, Hopeless, Taken, Topic, Untried

pytestmark = pytest.mark.django_db(transaction=True)


class Slow:
    """An outside that takes what it is given, and is heard of later."""

    def __init__(self) -> None:
        self.taken: list[Delivery] = []
        self.busy = False

    def __call__(self, deliveries: Sequence[Delivery]) -> Mapping[str, str]:
        if self.busy:
            return {each.id: Untried("busy", after_s=60) for each in deliveries}
        self.taken += deliveries
        return {each.id: Taken() for each in deliveries}


@pytest.fixture
def slow(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Slow:
    settings.OUTBOX_WAKE = False
    slow = Slow()
    topic = Topic(name="test", handler=slow, batch_size=2, in_order=True, concurrency=0, max_attempts=2, retry_s=0.0)
    monkeypatch.setitem(topics._topics, "test", topic)
    return slow


def test_a_taken_row_is_ended_by_its_handler_and_holds_only_its_key_back(slow: Slow) -> None:
    for n, key in enumerate(("a", "b", "c", "a")):
        delivery.enqueue("test", {"n": n}, key=key)
    assert relay.drain("test") == 0
    assert [each.payload["n"] for each in slow.taken] == [0, 1, 2]
    first = slow.taken[0]
    assert relay.keep(first)
    relay.conclude(first)
    assert OutboxMessage.objects.get(pk=first.id).status == "done"
    relay.drain("test")
    assert [each.payload["n"] for each in slow.taken] == [0, 1, 2, 3]


def test_what_fails_later_is_tried_again_and_parked_like_what_fails_at_once(slow: Slow) -> None:
    delivery.enqueue("test", {"n": 1}, key="a")
    delivery.enqueue("test", {"n": 2}, key="b")
    relay.drain("test")
    relay.conclude(slow.taken[0], "it fails")
    relay.conclude(slow.taken[1], Hopeless("it will never do"))
    assert [row.status for row in OutboxMessage.objects.order_by("created_at")] == ["waiting", "parked"]
    relay.drain("test")
    relay.conclude(slow.taken[2], "it fails")
    assert OutboxMessage.objects.get(key="a").status == "parked"


def test_who_lost_the_lease_ends_nothing(slow: Slow) -> None:
    delivery.enqueue("test", {"n": 1})
    relay.drain("test")
    OutboxMessage.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
    relay.drain("test")
    late, current = slow.taken
    assert not relay.keep(late)
    relay.conclude(late)
    assert OutboxMessage.objects.get().status == "claimed"
    relay.conclude(current)
    assert OutboxMessage.objects.get().status == "done"


def test_an_untried_row_keeps_its_attempts_and_lets_the_others_pass(slow: Slow) -> None:
    slow.busy = True
    for n in range(5):
        delivery.enqueue("test", {"n": n}, key=str(n))
    relay.drain("test")
    rows = list(OutboxMessage.objects.all())
    # All of them were asked for, although each batch came back whole.
    assert {(row.status, row.attempts) for row in rows} == {("waiting", 0)}
    assert all(row.due_at > timezone.now() + timedelta(seconds=30) for row in rows)


@pytest.mark.parametrize(
    ("status", "becomes"),
    [("done", "waiting"), ("parked", "waiting"), ("discarded", "waiting"), ("claimed", "claimed")],
)
def test_a_delivery_once_more_is_the_same_row(slow: Slow, status: str, becomes: str) -> None:
    id = uuid.uuid4()
    delivery.enqueue("test", {"n": 1}, key="a", id=id)
    OutboxMessage.objects.update(status=status, attempts=7)
    with transaction.atomic():
        delivery.enqueue_again("test", id, {"n": 1}, key="a")
    assert OutboxMessage.objects.get().status == becomes


def test_a_delivery_that_was_forgotten_comes_under_its_old_id(slow: Slow) -> None:
    id = uuid.uuid4()
    with transaction.atomic():
        delivery.enqueue_again("test", id, {"n": 1})
    relay.drain("test")
    assert [each.id for each in slow.taken] == [str(id)]
