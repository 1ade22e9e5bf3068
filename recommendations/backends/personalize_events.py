"""Amazon Personalize's event tracker: PutEvents, ten events of one shopper's session at a time."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mangaassist import aws
from mangaassist.breaker import Breaker
from recommendations.backends.base import ShopperEvent
from recommendations.backends.personalize_sending import attempt

# Limits of the service (personalize-events 2018-03-22).
MOST_EVENTS = 10
MOST_IMPRESSIONS = 25
LONGEST_RECOMMENDATION_ID = 40


class PersonalizeEvents:
    """Thread-safe. An anonymous shopper's session is their user as well, until they sign in."""

    def __init__(self, *, tracking_id: str, region: str = "") -> None:
        self._tracking_id = tracking_id
        self._client = aws.client("personalize-events", "worker", region=region)
        self._breaker = Breaker("personalize.events", failures=3)

    def send(self, events: Sequence[ShopperEvent]) -> Mapping[str, str]:
        """Ids of those that failed, with the error; the others are taken."""
        failed: dict[str, str] = {}
        for chunk in _chunks(events):
            error = self._put(chunk)
            if error == "InvalidInputException" and len(chunk) > 1:
                # One that the service will never take must not hold the others back.
                failed |= {event.id: error for event in chunk if (error := self._put([event]))}
            elif error:
                failed |= dict.fromkeys((event.id for event in chunk), error)
        return failed

    def _put(self, chunk: Sequence[ShopperEvent]) -> str:
        """An error's code, or empty."""
        first = chunk[0]

        def put() -> None:
            self._breaker.call(
                lambda: self._client.put_events(
                    trackingId=self._tracking_id,
                    userId=first.customer_id or first.session_id,
                    sessionId=first.session_id or first.customer_id,
                    eventList=[_event(event) for event in chunk],
                ),
                failures=aws.FAILURES,
                counts=aws.is_unwell,
            )

        return attempt(put, "events", len(chunk))


def _chunks(events: Sequence[ShopperEvent]) -> Iterator[list[ShopperEvent]]:
    by_session: defaultdict[tuple[str, str], list[ShopperEvent]] = defaultdict(list)
    for event in sorted(events, key=lambda event: event.at):
        by_session[event.customer_id, event.session_id].append(event)
    for mine in by_session.values():
        for start in range(0, len(mine), MOST_EVENTS):
            yield mine[start : start + MOST_EVENTS]


def _event(event: ShopperEvent) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "eventId": event.id,
        "eventType": event.type,
        "itemId": event.asin,
        "sentAt": event.at,
    }
    if event.value is not None:
        fields["eventValue"] = event.value
    if 0 < len(event.recommendation_id) <= LONGEST_RECOMMENDATION_ID:
        fields["recommendationId"] = event.recommendation_id
    if event.impression:
        fields["impression"] = list(event.impression[:MOST_IMPRESSIONS])
    if event.device:
        # Column names in camel case (Amazon Personalize's API reference, "Event").
        fields["properties"] = json.dumps({"deviceType": event.device})
    return fields
