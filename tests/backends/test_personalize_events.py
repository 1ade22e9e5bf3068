"""What shoppers do reaches Amazon Personalize's event tracker: through the outbox, once, ten at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from mangaassist.outbox.models import OutboxMessage
from mangaassist.outbox.relay import drain
from recommendations import streaming
from recommendations.interactions import NewInteraction, join_guest, record_interactions
from recommendations.models import Interaction
from tests.backends.personalize_fake import FakePersonalize, fake_personalize
from tests.recommendations.library import START
from tests.shop.catalogue import import_lines, lay_small_catalogue

pytestmark = pytest.mark.django_db(transaction=True)

BERSERK, YOTSUBA = "BERSERK-EN-1", "YOTSUBA-EN-1"


@pytest.fixture
def tracker(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[FakePersonalize]:
    lay_small_catalogue()
    with fake_personalize() as fake:
        monkeypatch.setenv("AWS_ENDPOINT_URL_PERSONALIZE_EVENTS", fake.url)
        settings.OUTBOX_WAKE = False
        settings.RECOMMENDERS = {
            "default": {
                "BACKEND": "recommendations.backends.personalize.PersonalizeRecommender",
                "OPTIONS": {"campaign_arn": "arn:aws:personalize:us-east-1:1:campaign/x", "tracking_id": "track-1"},
            }
        }
        streaming._tracker.cache_clear()
        yield fake
        streaming._tracker.cache_clear()


def did(type: str = "view", asin: str = BERSERK, **more: Any) -> NewInteraction:
    known: dict[str, Any] = {"asin": asin, "type": type, "at": START, "session_id": "s1"}
    return NewInteraction(**known | more)


def deliver() -> None:
    drain(streaming.TOPIC)


def states() -> list[str]:
    return sorted(OutboxMessage.objects.filter(topic=streaming.TOPIC).values_list("status", flat=True))


def test_an_interaction_is_told_with_all_that_led_to_it(tracker: FakePersonalize) -> None:
    seen = did(
        "rating",
        value=4.0,
        customer_id="alice",
        recommendation_id="RID-1",
        impression=(BERSERK, YOTSUBA),
        device="mobile",
    )
    record_interactions([seen, seen])
    deliver()
    assert tracker.last["trackingId"] == "track-1"
    assert (tracker.last["userId"], tracker.last["sessionId"]) == ("alice", "s1")
    (event,) = tracker.last["eventList"]
    assert event | {"sentAt": None, "eventId": None} == {
        "eventId": None,
        "eventType": "rating",
        "eventValue": 4.0,
        "itemId": BERSERK,
        "sentAt": None,
        "recommendationId": "RID-1",
        "impression": [BERSERK, YOTSUBA],
        "properties": '{"deviceType": "mobile"}',
    }
    assert event["eventId"] == str(OutboxMessage.objects.get(topic=streaming.TOPIC).pk)


def test_a_guest_is_known_by_the_session_and_joined_to_the_customer_at_sign_in(tracker: FakePersonalize) -> None:
    record_interactions([did()])
    deliver()
    assert tracker.last["userId"] == tracker.last["sessionId"] == "s1"
    join_guest("s1", "alice")
    deliver()
    assert (tracker.last["userId"], tracker.last["sessionId"]) == ("alice", "s1")


def test_ten_at_a_time_and_each_session_by_itself(tracker: FakePersonalize) -> None:
    rows = [did(at=START.replace(minute=minute), session_id=f"s{minute % 2}") for minute in range(24)]
    record_interactions(rows)
    deliver()
    assert [len(asked["eventList"]) for asked in tracker.asked] == [10, 2, 10, 2]
    for asked in tracker.asked:
        times = [event["sentAt"] for event in asked["eventList"]]
        assert times == sorted(times)


def test_what_the_service_takes_never_holds_nothing_else_back(tracker: FakePersonalize) -> None:
    tracker.refused_items = {YOTSUBA}
    record_interactions([did(), did(asin=YOTSUBA), did("click")])
    deliver()
    assert states() == ["done", "done", "waiting"]


@pytest.mark.parametrize("failure", [(400, "ThrottlingException"), (500, "InternalServerException")])
def test_an_outage_loses_nothing(
    tracker: FakePersonalize, failure: tuple[int, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    tracker.failure = failure
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    record_interactions([did()])
    deliver()
    assert states() == ["waiting"]
    tracker.failure = None
    OutboxMessage.objects.update(due_at=START)
    deliver()
    assert states() == ["done"]


def test_too_long_an_id_of_a_list_is_left_out(tracker: FakePersonalize) -> None:
    record_interactions([did(recommendation_id="x" * 41, impression=tuple(f"A{number}" for number in range(40)))])
    deliver()
    (event,) = tracker.last["eventList"]
    assert "recommendationId" not in event
    assert len(event["impression"]) == 25


def test_a_bulk_import_is_not_streamed(tracker: FakePersonalize) -> None:
    line = {"kind": "interaction", "customer_id": "c", "asin": BERSERK, "type": "view", "at": "2026-01-01T00:00:00Z"}
    import_lines([line])
    assert Interaction.objects.exists()
    assert states() == []


def test_without_a_tracker_nothing_is_written_down(settings: Any) -> None:
    lay_small_catalogue()
    record_interactions([did()])
    assert states() == []


def test_a_tracker_that_was_taken_away_leaves_no_row_behind(tracker: FakePersonalize, settings: Any) -> None:
    record_interactions([did()])
    settings.RECOMMENDERS = {"default": {"BACKEND": "recommendations.backends.local.LocalEngine"}}
    deliver()
    assert states() == ["done"]
    assert tracker.asked == []
