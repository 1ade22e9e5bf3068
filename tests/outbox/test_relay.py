"""Delivery: at least once, once applied, and no row that poisons its neighbours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from mangaassist.outbox import delivery, relay, topics
from mangaassist.outbox.models import OutboxMessage, claim, settle
from mangaassist.outbox.topics import Delivery, Topic

pytestmark = pytest.mark.django_db(transaction=True)


class Effect:
    """An outside world that can be told to fail."""

    def __init__(self) -> None:
        self.done: list[int] = []
        self.poison: set[int] = set()
        self.down = False

    def __call__(self, deliveries: Sequence[Delivery]) -> Mapping[str, str]:
        if self.down or (len(deliveries) > 1 and any(d.payload["n"] in self.poison for d in deliveries)):
            raise ConnectionError("down")
        failed = {d.id: "poison" for d in deliveries if d.payload["n"] in self.poison}
        self.done += [d.payload["n"] for d in deliveries if d.id not in failed]
        return failed


@pytest.fixture
def effect(settings: object, monkeypatch: pytest.MonkeyPatch) -> Effect:
    settings.OUTBOX_WAKE = False  # type: ignore[attr-defined]
    effect = Effect()
    topic = Topic(name="test", handler=effect, batch_size=10, max_attempts=3, retry_s=0.0)
    monkeypatch.setitem(topics._topics, "test", topic)
    return effect


def status(n: int) -> str:
    return OutboxMessage.objects.get(payload__n=n).status


def test_what_was_written_with_the_business_is_delivered_in_order(effect: Effect) -> None:
    for n in range(25):
        delivery.enqueue("test", {"n": n})
    assert relay.drain("test") == 25
    assert effect.done == list(range(25))
    assert relay.drain("test") == 0


def test_a_rolled_back_transaction_delivers_nothing(effect: Effect) -> None:
    with transaction.atomic():
        delivery.enqueue("test", {"n": 1})
        transaction.set_rollback(True)
    relay.drain("test")
    assert effect.done == []


def test_one_poisoned_row_blocks_nobody_and_is_parked_with_its_error(effect: Effect) -> None:
    effect.poison = {3}
    for n in range(6):
        delivery.enqueue("test", {"n": n})
    for _ in range(3):
        relay.drain("test")
    assert effect.done == [0, 1, 2, 4, 5]
    assert status(3) == "parked"
    assert "poison" in OutboxMessage.objects.get(payload__n=3).error
    effect.poison = set()
    assert relay.retry_now(list(OutboxMessage.objects.parked())) == 1
    relay.drain("test")
    assert effect.done[-1] == 3


def test_an_outage_loses_nothing(effect: Effect) -> None:
    effect.down = True
    delivery.enqueue("test", {"n": 1})
    assert relay.drain("test") == 0
    assert status(1) == "waiting"
    effect.down = False
    assert relay.drain("test") == 1


def test_two_relays_never_hold_the_same_row(effect: Effect) -> None:
    for n in range(8):
        delivery.enqueue("test", {"n": n})
    first, second = claim("test", 5, 60), claim("test", 5, 60)
    assert len(first) == 5
    assert len(second) == 3
    assert not {row.pk for row in first} & {row.pk for row in second}


def test_the_rows_of_a_dead_relay_are_due_again_when_its_lease_is_over(effect: Effect) -> None:
    delivery.enqueue("test", {"n": 1})
    (row,) = claim("test", 5, 60)
    assert relay.drain("test") == 0
    OutboxMessage.objects.filter(pk=row.pk).update(leased_until=timezone.now() - timedelta(seconds=1))
    assert relay.drain("test") == 1


def test_a_relay_that_lost_its_lease_cannot_settle_the_row(effect: Effect) -> None:
    delivery.enqueue("test", {"n": 1})
    (late,) = claim("test", 5, 60)
    OutboxMessage.objects.filter(pk=late.pk).update(leased_until=timezone.now() - timedelta(seconds=1))
    (current,) = claim("test", 5, 60)
    settle([late], status=OutboxMessage.Status.DONE)
    assert status(1) == "claimed"
    settle([current], status=OutboxMessage.Status.DONE)
    assert status(1) == "done"


def test_a_broker_that_is_away_does_not_disturb_the_business(settings: object) -> None:
    settings.OUTBOX_WAKE = True  # type: ignore[attr-defined]
    with transaction.atomic():
        delivery.enqueue("feedback", {"rating": 1})
    assert OutboxMessage.objects.filter(topic="feedback").count() == 1


def test_done_rows_are_pruned_after_a_week(effect: Effect) -> None:
    delivery.enqueue("test", {"n": 1})
    delivery.enqueue("test", {"n": 2})
    relay.drain("test")
    OutboxMessage.objects.filter(payload__n=1).update(created_at=timezone.now() - timedelta(days=8))
    assert relay.prune() == 1
    assert OutboxMessage.objects.get().payload == {"n": 2}
