"""What hangs in one thread of a worker holds up no other topic."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from mangaassist.outbox.lanes import Lanes

PATIENCE_S = 10


class Outside:
    """Hangs until it is let go."""

    def __init__(self) -> None:
        self.asked = 0
        self.entered = threading.Event()
        self.free = threading.Event()

    def __call__(self) -> None:
        self.asked += 1
        self.entered.set()
        assert self.free.wait(PATIENCE_S)


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as pool:
        yield pool


def test_a_topic_that_hangs_keeps_one_thread_and_is_delivered_once_more(threads: ThreadPoolExecutor) -> None:
    lanes, outside = Lanes(deliveries=3), Outside()
    hanging = threads.submit(lanes.run, "analytics", "delivery", outside)
    assert outside.entered.wait(PATIENCE_S)
    for _ in range(5):
        lanes.run("analytics", "delivery", outside)
    assert outside.asked == 1
    outside.free.set()
    hanging.result(PATIENCE_S)
    assert outside.asked == 2


def test_deliveries_leave_threads_to_what_somebody_waits_for(threads: ThreadPoolExecutor) -> None:
    lanes, done = Lanes(deliveries=2), list[str]()
    outsides = [Outside(), Outside()]
    hanging = [threads.submit(lanes.run, f"t{n}", "delivery", each) for n, each in enumerate(outsides)]
    assert all(each.entered.wait(PATIENCE_S) for each in outsides)
    lanes.run("t2", "delivery", lambda: done.append("t2"))
    lanes.run("feedback", "interactive", lambda: done.append("feedback"))
    assert done == ["feedback"]
    for each in outsides:
        each.free.set()
    for future in hanging:
        future.result(PATIENCE_S)
    lanes.run("t2", "delivery", lambda: done.append("t2"))
    assert done == ["feedback", "t2"]


def test_one_that_failed_has_left_its_lane() -> None:
    lanes, done = Lanes(deliveries=1), list[str]()
    with pytest.raises(ZeroDivisionError):
        lanes.run("analytics", "delivery", lambda: [][1 // 0])
    lanes.run("analytics", "delivery", lambda: done.append("analytics"))
    assert done == ["analytics"]
