"""Delivery: at least once, once applied, and no row that poisons its neighbours."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, connections, transaction
from django.utils import timezone

from mangaassist.outbox import delivery, relay, tasks, topics
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


def test_a_flood_of_one_key_does_not_hold_up_the_others(effect: Effect) -> None:
    for n in range(30):
        delivery.enqueue("test", {"n": n}, key="flood")
    delivery.enqueue("test", {"n": 100}, key="quiet")
    delivery.enqueue("test", {"n": 101}, key="")
    first = [row.payload["n"] for row in claim("test", 10, 60)]
    assert {100, 101} < set(first)
    assert sorted(set(first) - {100, 101}) == list(range(8))


def test_no_more_relays_than_the_topic_allows(effect: Effect) -> None:
    for n in range(9):
        delivery.enqueue("test", {"n": n})
    assert len(claim("test", 2, 60, concurrency=2)) == 2
    (*second,) = claim("test", 2, 60, concurrency=2)
    assert claim("test", 2, 60, concurrency=2) == []
    settle(second, status=OutboxMessage.Status.DONE)
    assert len(claim("test", 2, 60, concurrency=2)) == 2


class TestInOrder:
    @pytest.fixture(autouse=True)
    def in_order(self, effect: Effect, monkeypatch: pytest.MonkeyPatch) -> None:
        topic = Topic(name="test", handler=effect, in_order=True, max_attempts=3, retry_s=0.0)
        monkeypatch.setitem(topics._topics, "test", topic)

    def test_a_key_is_delivered_one_after_the_other_and_keys_side_by_side(self, effect: Effect) -> None:
        for n in range(6):
            delivery.enqueue("test", {"n": n}, key="ab"[n % 2])
        assert [row.payload["n"] for row in claim("test", 10, 60, in_order=True)] == [0, 1]
        assert claim("test", 10, 60, in_order=True) == []
        OutboxMessage.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
        relay.drain("test")
        assert effect.done == list(range(6))

    def test_a_failed_row_holds_its_own_key_back_until_it_is_parked(self, effect: Effect) -> None:
        effect.poison = {0}
        for n, key in ((0, "a"), (1, "a"), (2, "b"), (3, "")):
            delivery.enqueue("test", {"n": n}, key=key)
        claimed = claim("test", 10, 60, in_order=True)
        settle(claimed[1:], status=OutboxMessage.Status.DONE)
        settle(claimed[:1], status="waiting", due_at=timezone.now() + timedelta(hours=1))
        assert claim("test", 10, 60, in_order=True) == []
        OutboxMessage.objects.filter(payload__n=0).update(due_at=timezone.now())
        for _ in range(3):
            relay.drain("test")
        assert status(0) == "parked"
        assert effect.done == [1]


def test_a_sweep_gives_each_topic_with_work_a_task_of_its_own(effect: Effect, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[str, ...]] = []
    monkeypatch.setattr(tasks.drain, "apply_async", lambda args, **options: sent.append(args))
    delivery.enqueue("test", {"n": 1})
    delivery.enqueue("analytics", {})
    delivery.enqueue("of another release", {})
    OutboxMessage.objects.filter(topic="analytics").update(due_at=timezone.now() + timedelta(hours=1))
    tasks.sweep()
    # Those that our own worker consumes may have something in their queue or stream.
    assert sorted(sent) == [("feedback",), ("reindex",), ("test",)]


def test_a_relay_that_lost_its_lease_cannot_settle_the_row(effect: Effect) -> None:
    delivery.enqueue("test", {"n": 1})
    (late,) = claim("test", 5, 60)
    OutboxMessage.objects.filter(pk=late.pk).update(leased_until=timezone.now() - timedelta(seconds=1))
    (current,) = claim("test", 5, 60)
    settle([late], status=OutboxMessage.Status.DONE)
    assert status(1) == "claimed"
    settle([current], status=OutboxMessage.Status.DONE)
    assert status(1) == "done"


def test_a_slow_handler_keeps_its_rows(effect: Effect, monkeypatch: pytest.MonkeyPatch) -> None:
    taken_meanwhile: list[int] = []

    def slow(deliveries: Sequence[Delivery]) -> Mapping[str, str]:
        # Until the first lease would have been over.
        first = OutboxMessage.objects.get().leased_until
        assert first is not None
        while timezone.now() <= first:
            time.sleep(0.02)
        taken_meanwhile.append(len(claim("test", 10, 60)))
        return {}

    monkeypatch.setitem(topics._topics, "test", Topic(name="test", handler=slow, lease_s=0.3))
    delivery.enqueue("test", {"n": 1})
    assert relay.drain("test") == 1
    assert taken_meanwhile == [0]
    assert status(1) == "done"


def test_a_locked_database_costs_one_renewal_and_not_the_lease(
    effect: Effect, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("Others do not lock a whole database.")
    monkeypatch.setitem(connections.databases["default"]["OPTIONS"], "timeout", 0.1)
    taken_meanwhile: list[int] = []

    def slow(deliveries: Sequence[Delivery]) -> Mapping[str, str]:
        first = OutboxMessage.objects.get().leased_until
        assert first is not None
        with transaction.atomic():  # It takes the lock at once.
            while "lease_not_renewed" not in caplog.text:
                time.sleep(0.02)
                assert timezone.now() < first
        while timezone.now() <= first:
            time.sleep(0.02)
        taken_meanwhile.append(len(claim("test", 10, 60)))
        return {}

    monkeypatch.setitem(topics._topics, "test", Topic(name="test", handler=slow, lease_s=3))
    delivery.enqueue("test", {"n": 1})
    assert relay.drain("test") == 1
    assert taken_meanwhile == [0]


def test_what_is_refused_is_parked_at_once_and_alone(effect: Effect, monkeypatch: pytest.MonkeyPatch) -> None:
    def apply(deliveries: Sequence[Delivery]) -> Mapping[str, str]:
        if any(each.payload["n"] == 1 for each in deliveries):
            raise topics.Refused("no UUID")
        return effect(deliveries)

    monkeypatch.setitem(topics._topics, "test", Topic(name="test", handler=apply))
    for n in range(3):
        delivery.enqueue("test", {"n": n})
    assert relay.drain("test") == 2
    assert [status(n) for n in range(3)] == ["done", "parked", "done"]
    parked = OutboxMessage.objects.parked().get()
    assert (parked.attempts, parked.error) == (1, "Refused: no UUID")


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


def test_the_rows_of_a_handler_that_hangs_are_due_again_some_day(
    effect: Effect, monkeypatch: pytest.MonkeyPatch
) -> None:
    entered, free = threading.Event(), threading.Event()

    def hang(deliveries: Sequence[Delivery]) -> Mapping[str, str]:
        entered.set()
        free.wait(30)
        return {}

    monkeypatch.setitem(topics._topics, "test", Topic(name="test", handler=hang, lease_s=0.3))
    monkeypatch.setattr(relay, "LONGEST_ATTEMPT_S", 0.3)
    delivery.enqueue("test", {"n": 1})

    def drain() -> None:
        relay.drain("test")
        connection.close()

    hanging = threading.Thread(target=drain)
    hanging.start()
    try:
        assert entered.wait(30)
        deadline = time.monotonic() + 30
        while not (rows := claim("test", 10, 60.0)):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert [row.attempts for row in rows] == [2]
    finally:
        free.set()
        hanging.join()
    # Whoever was too late leaves it to the other.
    assert OutboxMessage.objects.get().status == "claimed"


@pytest.mark.parametrize(
    ("error", "attempts", "status"),
    [
        ("it fails", 2, "waiting"),
        ("it fails", 3, "parked"),
        (topics.Hopeless("it will never do"), 1, "parked"),
        (topics.NotYet("throttled"), 3, "waiting"),
        (topics.NotYet("throttled"), 5_000, "waiting"),
        (topics.Outage("the service is away"), 5_000, "waiting"),
    ],
)
def test_an_outage_parks_nothing_however_long_it_lasts(
    monkeypatch: pytest.MonkeyPatch, settings: Any, error: str | Exception, attempts: int, status: str
) -> None:
    settings.OUTBOX_WAKE = False

    def fail(deliveries: Sequence[Delivery]) -> Mapping[str, str]:
        if isinstance(error, Exception):
            raise error
        return {each.id: error for each in deliveries}

    monkeypatch.setitem(topics._topics, "test", Topic(name="test", handler=fail, max_attempts=3, longest_retry_s=900))
    delivery.enqueue("test", {"n": 1})
    OutboxMessage.objects.update(attempts=attempts - 1)
    assert relay.drain("test") == 0
    row = OutboxMessage.objects.get()
    assert (row.status, row.attempts) == (status, attempts)
    if status == "waiting":
        assert row.due_at <= timezone.now() + timedelta(seconds=60)
