"""How many effects the outbox takes in and delivers a second, on SQLite, with an outside that answers at once.

The baseline is the obvious way: a row a transaction, claimed, delivered and settled one by one.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping, Sequence

from bench.tables import Table
from mangaassist.outbox.topics import Delivery

ROWS = 3_000
ROUNDS = 3


def run() -> Table:
    from django.db import transaction

    from mangaassist.outbox import relay
    from mangaassist.outbox.delivery import enqueue
    from mangaassist.outbox.models import OutboxMessage
    from mangaassist.outbox.topics import Topic, register_topic

    done = 0

    def outside(deliveries: Sequence[Delivery]) -> Mapping[str, str]:
        nonlocal done
        done += len(deliveries)
        return {}

    register_topic(Topic(name="bench.batch", handler=outside, batch_size=200))
    register_topic(Topic(name="bench.single", handler=outside, batch_size=1))
    register_topic(Topic(name="bench.ordered", handler=outside, batch_size=200, in_order=True))
    # The wake-up goes to a broker, which is another thing to measure.
    from django.conf import settings

    settings.OUTBOX_WAKE = False

    def fill(topic: str) -> float:
        began = time.perf_counter()
        for number in range(ROWS):
            with transaction.atomic():
                enqueue(topic, {"rating": 1, "comment": "x" * 200, "n": number}, key=f"key-{number % 100}")
        return ROWS / (time.perf_counter() - began)

    def empty(topic: str) -> float:
        nonlocal done
        done = 0
        began = time.perf_counter()
        while relay.drain(topic, most_batches=ROWS):
            pass
        took = time.perf_counter() - began
        assert done == ROWS, f"{done} of {ROWS} delivered"
        return ROWS / took

    speeds: dict[str, list[float]] = {"taken in": [], "single": [], "batch": [], "ordered": []}
    for _ in range(ROUNDS):
        for name in ("single", "batch", "ordered"):
            speeds["taken in"].append(fill(f"bench.{name}"))
            speeds[name].append(empty(f"bench.{name}"))
            OutboxMessage.objects.all().delete()
    base = statistics.median(speeds["single"])
    names = {
        "single": "delivered one by one",
        "batch": "delivered in batches of 200",
        "ordered": "delivered in order, 100 keys side by side",
        "taken in": "taken in, a transaction each",
    }
    rows = [
        (label, f"{statistics.median(speeds[name]):,.0f}", f"{statistics.median(speeds[name]) / base:.1f}")
        for name, label in names.items()
    ]
    return Table(
        title="Outbox: rows a second on SQLite",
        columns=("way", "rows/s", "to one by one"),
        rows=rows,
        note=f"{ROWS:,} rows a round, {ROUNDS} rounds, medians; one relay; the effect itself costs nothing.",
    )
