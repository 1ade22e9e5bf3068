"""What a turn says while it runs: typed events, and the frames (contract: WebSocket protocol v1) they become."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

CardKind = Literal["product", "series", "order", "promotion"]
Frame = dict[str, Any]


@dataclass(frozen=True, slots=True)
class TypingIndicator:
    """Something is being done; ``message`` says honestly what."""

    message: str


@dataclass(frozen=True, slots=True)
class Delta:
    """The next piece of released text."""

    text: str


@dataclass(frozen=True, slots=True)
class Card:
    """``data`` as in the contract; price and availability in it were read live in this turn."""

    card_id: str
    kind: CardKind
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Response:
    """The end of a turn; ``content`` is authoritative and replaces the deltas."""

    content: str
    message_id: str
    cards: tuple[Card, ...]
    quick_replies: tuple[str, ...]
    citations: tuple[dict[str, str], ...]
    status: Literal["complete", "stopped", "failed"]
    retryable: bool = False


Event = TypingIndicator | Delta | Card | Response


def frame_of(event: Event, turn_id: str, seq: int) -> Frame:
    match event:
        case TypingIndicator(message):
            return {"type": "typing_indicator", "message": message, "turn_id": turn_id, "seq": seq}
        case Delta(text):
            return {"type": "delta", "turn_id": turn_id, "seq": seq, "text": text}
        case Card(card_id, kind, data):
            return {
                "type": "card",
                "turn_id": turn_id,
                "seq": seq,
                "card_id": card_id,
                "kind": kind,
                "data": data,
            }
        case Response():
            frame: Frame = {
                "type": "response",
                "content": event.content,
                "turn_id": turn_id,
                "seq": seq,
                "message_id": event.message_id,
                "cards": [{"card_id": c.card_id, "kind": c.kind, "data": c.data} for c in event.cards],
                "quick_replies": list(event.quick_replies),
                "citations": list(event.citations),
                "status": event.status,
            }
            if event.retryable:
                frame["retryable"] = True
            return frame
