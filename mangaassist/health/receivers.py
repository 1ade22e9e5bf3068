"""What health hears: every finished turn."""

from __future__ import annotations

from typing import Any

from django.dispatch import receiver

from chat.records import TurnRecord
from chat.signals import turn_finished
from mangaassist.health.metrics import (
    generator_cost,
    generator_fallbacks,
    generator_tokens,
    sentences_refused,
    turn_seconds,
)


@receiver(turn_finished)
def measure_turn(sender: Any, record: TurnRecord, **kwargs: Any) -> None:
    turn_seconds.labels(status=record.status).observe(record.latency_ms / 1000)


@receiver(turn_finished)
def count_generation(sender: Any, record: TurnRecord, **kwargs: Any) -> None:
    generation = record.generation
    name = generation.get("tried") or generation.get("generator", "")
    for kind in ("read", "written", "cached", "stored"):
        if count := generation.get(kind):
            generator_tokens.labels(generator=name, kind=kind).inc(count)
    if cost := generation.get("cost"):
        generator_cost.labels(generator=name).inc(cost)
    if generation.get("fallback"):
        generator_fallbacks.labels(generator=name).inc()
    for note in record.notes:
        if note.get("note") == "sentence_refused":
            sentences_refused.labels(guard=note.get("guard", "release")).inc()
