"""Events in memory, on their way into the outbox: none waits for the next, and none holds up the others."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from mangaassist.analytics.buffer import EventBuffer
from mangaassist.outbox.models import OutboxMessage

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def without_broker(settings: Any) -> None:
    settings.OUTBOX_WAKE = False


def stored() -> list[int]:
    rows = OutboxMessage.objects.filter(topic="analytics").order_by("created_at", "id")
    return [record["n"] for row in rows for record in row.payload["records"]]


@pytest.mark.parametrize("unstorable", [object(), {1, 2}, b"bytes"])
def test_a_record_that_cannot_be_stored_is_dropped_alone_and_counted(unstorable: object) -> None:
    buffer = EventBuffer(batch=3, interval_s=3600)
    for n in range(5):
        buffer.append({"n": n} | ({"bad": unstorable} if n == 1 else {}))
    assert buffer.flush() == 4
    assert (stored(), len(buffer), buffer.dropped) == ([0, 2, 3, 4], 0, 1)


def test_an_event_that_comes_while_the_thread_ends_does_not_wait_for_the_next() -> None:
    ending, appended = threading.Event(), threading.Event()

    def watch(frame: Any, event: str, argument: Any) -> None:
        if event == "return" and frame.f_code is EventBuffer._run.__code__ and not ending.is_set():
            ending.set()
            appended.wait(30)

    buffer = EventBuffer(interval_s=0.001)
    threading.setprofile(watch)
    try:
        buffer.append({"n": 1})
    finally:
        threading.setprofile(None)
    assert ending.wait(60)
    buffer.append({"n": 2})
    appended.set()
    deadline = time.monotonic() + 30
    while len(buffer) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert stored() == [1, 2]
