"""The events that leave (contract: messages that leave for AWS): typed, versioned, redacted."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from chat.records import TurnRecord
from mangaassist.redaction import redact

SCHEMA = 1


def event(name: str, session_id: str, at: datetime, **fields: Any) -> dict[str, Any]:
    """``session_id`` is the conversation's id."""
    return {"event": name, "schema": SCHEMA, "session_id": session_id, "at": at.isoformat(), **fields}


def turn_finished(record: TurnRecord) -> dict[str, Any]:
    """Personal data is redacted, slots stay unfilled: no price, no stock, no order status leaves."""
    return event(
        "turn_finished",
        record.session_id,
        record.at,
        turn_id=record.turn_id,
        message=redact(record.message),
        response=redact(record.response),
        intent=record.intent,
        latency_ms=record.latency_ms,
        first_delta_ms=record.first_delta_ms,
        engine=record.engine,
        generator=record.generator,
        language=record.language,
        status=record.status,
        confidence=record.confidence,
        steps={step["step"]: step.get("ms") for step in record.steps},
        guard=[note["reason"] for note in record.notes if note.get("note") == "sentence_refused"],
        cards=[card["id"] for card in record.cards],
    )
