"""The events that leave (contract: messages that leave for AWS; docs/analytics.md): typed, versioned, redacted."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from chat.records import TurnRecord
from mangaassist.redaction import redact

SCHEMA = 1
# Questions that are answered with something of the shop, if it has it.
_LOOKING = frozenset({"search", "recommend", "series_facts", "product_facts", "availability", "price", "next_volume"})


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
        cache={
            "hits": sum(each["hit"] for each in record.cache),
            "misses": sum(not each["hit"] for each in record.cache),
        },
    )


def _cache_use(record: TurnRecord) -> dict[str, int]:
    hits = sum(bool(each["hit"]) for each in record.cache)
    return {"hits": hits, "misses": len(record.cache) - hits}


def found_nothing(record: TurnRecord) -> bool:
    """The shopper looked for something and was shown nothing, or was not understood."""
    if record.status != "complete":
        return False
    return record.intent == "other" or (record.intent in _LOOKING and not record.cards)


def nothing_found(record: TurnRecord) -> dict[str, Any]:
    """What the shop may lack, or the assistant may not know."""
    return event(
        "nothing_found",
        record.session_id,
        record.at,
        turn_id=record.turn_id,
        intent=record.intent,
        message=redact(record.message),
        language=record.language,
    )
