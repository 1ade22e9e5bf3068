"""The outbox for the person on call."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from mangaassist.outbox.admin import human_age
from mangaassist.outbox.backends.base import Outgoing
from mangaassist.outbox.backends.database import DatabaseQueue
from mangaassist.outbox.models import OutboxMessage, QueuedMessage
from mangaassist.outbox.summary import standings

pytestmark = pytest.mark.django_db
LIST = "/admin/outbox/outboxmessage/"


def row(topic: str, status: str, *, minutes: int = 0, **more: object) -> OutboxMessage:
    at = timezone.now() - timedelta(minutes=minutes)
    return OutboxMessage.objects.create(topic=topic, payload={}, status=status, created_at=at, **more)


def test_every_topic_stands_there_and_trouble_first() -> None:
    row("analytics", "waiting", minutes=90)
    row("analytics", "waiting", attempts=3, error="ThrottlingException")
    row("feedback", "parked", error="poison", attempts=12)
    row("feedback", "done", done_at=timezone.now())
    row("feedback", "done", done_at=timezone.now() - timedelta(days=2))
    row("of-yesterday", "waiting", minutes=1)

    found = standings()

    assert [each.topic for each in found[:3]] == ["feedback", "analytics", "of-yesterday"]
    feedback, analytics, old = found[:3]
    assert (feedback.parked, feedback.waiting, feedback.done_today, feedback.error) == (1, 0, 1, "poison")
    assert (analytics.waiting, analytics.retrying, analytics.most_attempts) == (2, 1, 3)
    assert analytics.oldest_s == pytest.approx(5_400, abs=10)
    assert not old.is_known
    assert {"cache.invalidate", "recommendations.event"} & {each.topic for each in found} or len(found) > 5


def test_the_page_tells_it_and_leads_to_what_is_parked(admin_client: Client) -> None:
    row("feedback", "parked", error="<b>poison</b>")
    row("analytics", "waiting", minutes=90)

    page = admin_client.get(LIST).content.decode()

    assert "1 need a person" in page
    assert "90 min" in page
    assert "&lt;b&gt;poison" in page
    assert "Deliveries by topic" not in admin_client.get(LIST, {"topic__exact": "feedback"}).content.decode()


def test_one_click_tries_again_and_another_discards(admin_client: Client) -> None:
    parked, other = row("feedback", "parked", attempts=12), row("feedback", "parked")
    admin_client.post(LIST, {"action": "retry_selected", "_selected_action": [str(parked.pk)]})
    admin_client.post(LIST, {"action": "discard_selected", "_selected_action": [str(other.pk)]})
    parked.refresh_from_db()
    other.refresh_from_db()

    assert (parked.status, parked.attempts) == ("waiting", 0)
    assert other.status == "discarded"


def test_a_dead_letter_is_received_again_after_one_click(admin_client: Client) -> None:
    queue = DatabaseQueue(visibility_s=0, max_receives=1)
    queue.send([Outgoing("a", {"n": 1}), Outgoing("b", {"n": 2})])
    assert (len(queue.receive()), queue.receive()) == (2, [])
    first, second = QueuedMessage.objects.order_by("id")
    assert first.dead
    assert second.dead

    data = {"action": "receive_selected_again", "_selected_action": [str(first.pk)]}
    page = admin_client.post("/admin/outbox/queuedmessage/", data, follow=True).content.decode()

    assert "In their queue again: 1." in page
    assert [(message.id, message.count) for message in queue.receive()] == [("a", 1)]


@pytest.mark.parametrize(
    ("seconds", "told"), [(0, "0 s"), (100, "100 s"), (121, "2 min"), (7_300, "2 h"), (1e6, "12 d")]
)
def test_ages(seconds: float, told: str) -> None:
    assert human_age(seconds) == told
