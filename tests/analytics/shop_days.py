"""What a shop's day leaves behind: conversations, turns and what they showed."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from chat.models import Conversation, Message, Turn
from mangaassist.analytics.models import Tally
from mangaassist.analytics.tallying import Counted, add


def conversation() -> Conversation:
    return Conversation.objects.create(session_id=uuid.uuid4().hex)


def turn(at: datetime, *, of: Conversation | None = None, list_id: str = "", cards: int = 1, **fields: Any) -> Turn:
    """A question about a price that was answered with a card, unless ``fields`` say otherwise."""
    of = of or conversation()
    usual: dict[str, Any] = {
        "status": Turn.Status.COMPLETE,
        "intent": "price",
        "language": "en",
        "generator": "composer",
        "latency_ms": 40.0,
        "first_delta_ms": 20.0,
        "trace": {"steps": [{"step": "products", "ms": 12.0, "budget_ms": 50, "over": False}]},
        "finished_at": at,
    }
    made = Turn.objects.create(conversation=of, started_at=at, **{**usual, **fields})
    told = {"recommendation_id": list_id} if list_id else {}
    shown = [told | {"card_id": f"product-{n}", "kind": "product", "id": f"B{n}", "reason": ""} for n in range(cards)]
    Message.objects.create(conversation=of, turn=made, role=Message.Role.ASSISTANT, content="…", cards=shown)
    return made


def counted(grain: str = "day") -> Counted:
    """All tallies of that grain, added up."""
    found: Counted = {}
    for row in Tally.objects.filter(grain=grain):
        add(found, {(row.subject, row.label): row.numbers})
    return found
