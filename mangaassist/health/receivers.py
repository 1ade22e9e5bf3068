"""What health hears: every finished turn."""

from __future__ import annotations

from typing import Any

from django.dispatch import receiver

from chat.records import TurnRecord
from chat.signals import turn_finished
from mangaassist.health.metrics import turn_seconds


@receiver(turn_finished)
def measure_turn(sender: Any, record: TurnRecord, **kwargs: Any) -> None:
    turn_seconds.labels(status=record.status).observe(record.latency_ms / 1000)
