"""What health hears: every finished turn, and every change of a request for a person."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any

import structlog
from django.dispatch import receiver

from chat.records import TurnRecord
from chat.signals import turn_finished
from chat.waterfall import STEPS
from escalation.models import Handoff
from escalation.signals import handoff_changed
from mangaassist import instruments

log = structlog.get_logger(__name__)


@receiver(turn_finished)
def tell_turn(sender: Any, record: TurnRecord, **kwargs: Any) -> None:
    """One line, of names, numbers and ids of ours only: nothing that a shopper said, and no customer's id."""
    log.info(
        "turn_finished",
        turn=record.turn_id,
        conversation=record.session_id,
        status=record.status,
        intent=record.intent,
        language=record.language,
        generator=record.generator,
        engine=record.engine,
        ms=record.latency_ms,
        first_delta_ms=record.first_delta_ms,
        steps={step["step"]: step["ms"] for step in record.steps if "ms" in step},
        over=[step["step"] for step in record.steps if step.get("over")],
        failed=[step["step"] for step in record.steps if step.get("error")],
        notes=dict(Counter(str(note.get("note", "")) for note in record.notes)),
        cache=dict(Counter(f"{each['kind']}:{'hit' if each.get('hit') else 'miss'}" for each in record.cache)),
        tokens={kind: record.generation[kind] for kind in ("read", "written") if record.generation.get(kind)},
    )


@receiver(turn_finished)
def measure_turn(sender: Any, record: TurnRecord, **kwargs: Any) -> None:
    instruments.turn_seconds.labels(status=record.status).observe(record.latency_ms / 1000)
    if record.first_delta_ms is not None:
        instruments.turn_first_delta_seconds.observe(record.first_delta_ms / 1000)
    for step in record.steps:
        name = step["step"] if step["step"] in STEPS else "other"
        if "ms" in step:
            instruments.turn_step_seconds.labels(step=name).observe(step["ms"] / 1000)
        if step.get("error"):
            instruments.turn_steps_failed.labels(step=name).inc()


@receiver(turn_finished)
def count_generation(sender: Any, record: TurnRecord, **kwargs: Any) -> None:
    generation = record.generation
    name = generation.get("tried") or generation.get("generator", "")
    for kind in ("read", "written", "cached", "stored"):
        if count := generation.get(kind):
            instruments.generator_tokens.labels(generator=name, kind=kind).inc(count)
    if cost := generation.get("cost"):
        instruments.generator_cost.labels(generator=name).inc(cost)
    if generation.get("fallback"):
        instruments.generator_fallbacks.labels(generator=name).inc()
    for note in record.notes:
        if note.get("note") == "sentence_refused":
            instruments.sentences_refused.labels(guard=note.get("guard", "release")).inc()


@receiver(handoff_changed)
def count_handoff(sender: Any, handoff_id: str, status: str, before: str, at: datetime, **kwargs: Any) -> None:
    if status == before:  # Another agent, or an address that was left.
        return
    instruments.handoffs.labels(status=status).inc()
    if (before, status) == (Handoff.Status.QUEUED, Handoff.Status.AGENT):
        opened_at = Handoff.objects.filter(pk=handoff_id).values_list("opened_at", flat=True).first()
        if opened_at is not None:
            instruments.handoff_wait_seconds.observe(max(0.0, (at - opened_at).total_seconds()))
