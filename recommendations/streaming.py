"""What shoppers do is told to Amazon Personalize while they do it, through the outbox, when a tracker is configured."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from django.conf import settings

from mangaassist.outbox.delivery import enqueue
from mangaassist.outbox.topics import Delivery, Topic, register_topic
from recommendations.backends.base import ShopperEvent

if TYPE_CHECKING:
    from recommendations.backends.personalize_events import PersonalizeEvents

TOPIC = "recommendations.event"


def personalize_option(name: str) -> str:
    """Empty: it is not set, or Amazon Personalize is not the engine."""
    chosen = settings.RECOMMENDERS["default"]
    if not chosen["BACKEND"].endswith(".PersonalizeRecommender"):
        return ""
    return str(chosen.get("OPTIONS", {}).get(name, ""))


def tracking_id() -> str:
    """Empty: nobody is told."""
    return personalize_option("tracking_id")


def tell(events: Iterable[ShopperEvent]) -> None:
    """Call it in the transaction that stores the interactions."""
    if not tracking_id():
        return
    for event in events:
        payload = {
            "customer_id": event.customer_id,
            "session_id": event.session_id,
            "asin": event.asin,
            "type": event.type,
            "value": event.value,
            "at": event.at.isoformat(),
            "recommendation_id": event.recommendation_id,
            "impression": list(event.impression),
            "device": event.device,
        }
        enqueue(TOPIC, payload, key=event.customer_id or event.session_id)


def deliver(deliveries: Sequence[Delivery]) -> Mapping[str, str]:
    """The outbox's handler. Without a tracker (it was taken away meanwhile) there is nobody left to tell."""
    tracker = tracking_id()
    if not tracker:
        return {}
    return _tracker(tracker, personalize_option("region")).send([_read(delivery) for delivery in deliveries])


def register() -> None:
    register_topic(Topic(name=TOPIC, handler=deliver, batch_size=200))


@lru_cache(maxsize=2)
def _tracker(tracking_id: str, region: str) -> PersonalizeEvents:
    # Only here: it brings boto3 with it.
    from recommendations.backends.personalize_events import PersonalizeEvents

    return PersonalizeEvents(tracking_id=tracking_id, region=region)


def _read(delivery: Delivery) -> ShopperEvent:
    body = delivery.payload
    return ShopperEvent(
        id=delivery.id,
        customer_id=body["customer_id"],
        session_id=body["session_id"],
        asin=body["asin"],
        type=body["type"],
        value=body["value"],
        at=datetime.fromisoformat(body["at"]),
        recommendation_id=body["recommendation_id"],
        impression=tuple(body["impression"]),
        # Rows of an older release do not have it.
        device=body.get("device", ""),
    )
