"""Feedback as CSV, for spreadsheets."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from typing import Any

from chat.models import Feedback

COLUMNS = (
    "updated_at", "rating", "reason", "comment", "flag", "handled_at", "label", "assigned_to", "intent", "language",
    "engine", "generator", "arms", "question", "answer", "conversation", "turn",
)  # fmt: skip


def question_of(feedback: Feedback) -> str:
    turn = feedback.message.turn
    asked = [line for line in turn.messages.all() if line.role == "user"] if turn else []
    return asked[0].content if asked else ""


class _Echo:
    def write(self, value: str) -> str:
        return value


def csv_lines(feedback: Iterable[Feedback]) -> Iterator[str]:
    writer = csv.writer(_Echo())
    # The mark by which a spreadsheet knows UTF-8.
    yield "\ufeff" + writer.writerow(COLUMNS)
    for each in feedback:
        facts = each.facts
        row = (
            each.updated_at.isoformat(), each.rating, each.reason, each.comment, each.flag,
            each.handled_at.isoformat() if each.handled_at else "", each.label,
            each.assigned_to.get_username() if each.assigned_to else "", facts.get("intent", ""),
            facts.get("language", ""),
            facts.get("engine", ""), facts.get("generator", ""), "; ".join(facts.get("arms", [])), question_of(each),
            each.message.content, each.conversation_id, each.message.turn_id,
        )  # fmt: skip
        yield writer.writerow([_harmless(value) for value in row])


def _harmless(value: Any) -> Any:
    """A spreadsheet must not take a shopper's text for a formula (OWASP, "CSV Injection")."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value
