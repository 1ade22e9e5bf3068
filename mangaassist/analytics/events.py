"""The events that leave (contract: messages that leave for AWS; docs/analytics.md): typed, versioned, redacted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, ClassVar

from chat.models import Feedback
from chat.records import TurnRecord
from mangaassist.redaction import redact

SCHEMA = 1
# Questions that are answered with something of the shop, if it has it. The next volume is none: without a title we ask
# for one, and of a title that is known nothing may follow yet.
_LOOKING = frozenset(
    {
        "search",
        "recommend",
        "series_facts",
        "product_facts",
        "availability",
        "price",
        "unknown_title",
    }
)

# Of a turn's generation: what a model was asked with, what it took, and why the composer had to answer.
_GENERATION = ("tried", "model", "prompt", "read", "written", "cached", "stored", "cost", "stopped", "fallback")


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """``session_id`` is the conversation's id. Fields hold what JSON holds."""

    name: ClassVar[str]

    session_id: str
    at: datetime

    def as_record(self) -> dict[str, Any]:
        told = {field.name: getattr(self, field.name) for field in fields(self)}
        return {"event": self.name, "schema": SCHEMA} | told | {"at": self.at.isoformat()}


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationStarted(Event):
    name = "conversation_started"

    locale: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnFinished(Event):
    """Personal data is redacted, slots stay unfilled: no price, no stock, no order status leaves."""

    name = "turn_finished"

    turn_id: str
    message: str
    response: str
    intent: str
    latency_ms: float
    first_delta_ms: float | None
    engine: str
    generator: str
    # See _GENERATION.
    generation: dict[str, Any]
    language: str
    status: str
    confidence: float | None
    # step → ms
    steps: dict[str, float | None]
    # Why sentences were refused.
    guard: list[str]
    # What was shown.
    cards: list[str]
    # hits, misses
    cache: dict[str, int]

    @classmethod
    def of(cls, record: TurnRecord) -> TurnFinished:
        hits = sum(bool(each["hit"]) for each in record.cache)
        return cls(
            session_id=record.session_id,
            at=record.at,
            turn_id=record.turn_id,
            message=redact(record.message),
            response=redact(record.response),
            intent=record.intent,
            latency_ms=record.latency_ms,
            first_delta_ms=record.first_delta_ms,
            engine=record.engine,
            generator=record.generator,
            generation={name: record.generation[name] for name in _GENERATION if name in record.generation},
            language=record.language,
            status=record.status,
            confidence=record.confidence,
            steps={step["step"]: step.get("ms") for step in record.steps},
            guard=[note["reason"] for note in record.notes if note.get("note") == "sentence_refused"],
            cards=[card["id"] for card in record.cards],
            cache={"hits": hits, "misses": len(record.cache) - hits},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CardClicked(Event):
    name = "card_clicked"

    asin: str
    action: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedbackReceived(Event):
    """``rating``: 1, -1, None when it is withdrawn. ``reason``: one of Feedback.Reason."""

    name = "feedback"

    turn_id: str
    rating: int | None
    reason: str


def known_reason(reason: str) -> str:
    """Clients may send any text for it, and shoppers type anything: only the choices leave."""
    return reason if reason in Feedback.Reason.values else Feedback.Reason.OTHER.value


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoffChanged(Event):
    name = "handoff"

    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NothingFound(Event):
    """What the shop may lack, or the assistant may not know."""

    name = "nothing_found"

    turn_id: str
    intent: str
    message: str
    language: str

    @classmethod
    def of(cls, record: TurnRecord) -> NothingFound:
        return cls(
            session_id=record.session_id,
            at=record.at,
            turn_id=record.turn_id,
            intent=record.intent,
            message=redact(record.message),
            language=record.language,
        )


def found_nothing(record: TurnRecord) -> bool:
    """The shopper looked for something and was shown nothing, or was not understood."""
    return _in_vain(record.status, record.intent, has_cards=bool(record.cards))


def left_unanswered(status: str, intent: str, notes: Iterable[Mapping[str, Any]], *, has_cards: bool) -> bool:
    """As :func:`found_nothing`; or the answer itself noted that something was not found."""
    noted = status == "complete" and any(note.get("note") == "not_found" for note in notes)
    return noted or _in_vain(status, intent, has_cards=has_cards)


def _in_vain(status: str, intent: str, *, has_cards: bool) -> bool:
    return status == "complete" and (intent == "other" or (intent in _LOOKING and not has_cards))
