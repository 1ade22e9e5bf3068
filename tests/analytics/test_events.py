"""The events that leave are those of docs/analytics.md, and hold nothing that a client made up."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from chat.models import Feedback
from chat.signals import feedback_received
from mangaassist.analytics import receivers
from mangaassist.analytics.buffer import EventBuffer
from mangaassist.analytics.events import CardClicked, Event

NOW = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)


def told_in_docs() -> Iterator[tuple[str, set[str]]]:
    """(event, its further fields); what stands in brackets explains them."""
    page = (Path(settings.BASE_DIR) / "docs" / "analytics.md").read_text()
    for line in page.partition("| `event` | further fields |")[2].splitlines()[2:]:
        if not line.startswith("|"):
            return
        name, rest = re.fullmatch(r"\| `(\w+)` \| (.*) \|", line).groups()  # type: ignore[union-attr]
        yield name, set(re.findall(r"`(\w+)`", re.sub(r"\{[^}]*\}|\[[^\]]*\]|\([^)]*\)", "", rest)))


def test_docs_name_every_event_with_its_fields() -> None:
    every = {field.name for field in fields(Event)}
    ours = {kind.name: {field.name for field in fields(kind)} - every for kind in Event.__subclasses__()}
    assert dict(told_in_docs()) == ours


def test_an_event_as_it_leaves() -> None:
    clicked = CardClicked(session_id="c1", at=NOW, asin="B1", action="add_to_cart")
    assert clicked.as_record() == {
        "event": "card_clicked", "schema": 1, "session_id": "c1", "at": "2026-01-02T03:04:00+00:00",
        "asin": "B1", "action": "add_to_cart",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("sent", "told"),
    [*((each, each) for each in Feedback.Reason.values), ("call me: 090-1234-5678", "other"), ("WRONG_FACTS", "other")],
)
def test_of_a_reason_only_the_choices_leave(monkeypatch: pytest.MonkeyPatch, sent: str, told: str) -> None:
    appended: list[dict[str, Any]] = []
    buffer = EventBuffer()
    monkeypatch.setattr(buffer, "append", appended.append)
    monkeypatch.setattr(receivers, "buffer", buffer)
    feedback_received.send(
        sender=Feedback,
        feedback_id="f",
        conversation_id="c",
        customer_id="",
        tenant="",
        turn_id="t",
        message_id="m",
        rating=-1,
        reason=sent,
        comment="",
        at=NOW,
    )
    assert [each["reason"] for each in appended] == [told]
