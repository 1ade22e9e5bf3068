"""A conversation that went wrong as a golden journey: plain text, in the form that tests/journeys/golden reads.

The questions to the rated one are kept as they were asked, without personal data, each with the intent that it had;
for the last one a person says what should have come.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import get_args

from chat.models import Conversation, Feedback, Message, Turn
from chat.targets import Want
from mangaassist.redaction import redact

INTENTS = tuple(intent for kind in get_args(Want) for intent in get_args(kind))
# The questions before the rated one that are told.
MOST_TURNS = 12
LONGEST = 300


class NotGolden(ValueError):
    """Nothing can be made of it, or what is expected says nothing; in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What the last answer should have been. ``says`` and ``never``: parts of its text, each one line; ``shows``: ids
    that are among its cards.
    """

    intent: str = ""
    says: Collection[str] = ()
    never: Collection[str] = ()
    shows: Collection[str] = ()

    def lines(self) -> list[str]:
        """Raises :class:`NotGolden`."""
        if self.intent and self.intent not in INTENTS:
            raise NotGolden(f"{self.intent} is no intent.")
        told = [("says", self.says), ("not", self.never)]
        lines = [f"intent: {self.intent}"] if self.intent else []
        lines += [f"{key}: {flat(text)}" for key, texts in told for text in texts if flat(text)]
        ids = " ".join(dict.fromkeys("".join(id.split()) for id in self.shows if id.strip()))
        lines += [f"shows: {ids}"] if ids else []
        if not lines:
            raise NotGolden("Say at least one thing that the answer should, or should not, be.")
        return lines


def golden_journey(feedback: Feedback, name: str, expected: Expected) -> str:
    """The journey's text, with its line's end. Raises :class:`NotGolden`."""
    turn = feedback.message.turn
    questions = _questions(turn) if turn else []
    if turn is None or not questions:
        raise NotGolden("What was rated answers no question of the assistant's.")
    lines = [
        f"== {flat(name) or str(feedback.pk)}",
        f"# {feedback.reason or 'rated bad'}, {feedback.updated_at:%Y-%m-%d}",
    ]
    if feedback.conversation.customer_id:
        lines.append("# Asked by a customer who is signed in: name one of the test shop with a line customer: NAME")
    lines += _page(feedback.conversation, turn)
    for question, asked in questions[:-1]:
        lines += [f"> {flat(question.content)}", f"intent: {asked.intent}"]
    lines += [f"> {flat(questions[-1][0].content)}", *expected.lines()]
    return "\n".join(lines) + "\n"


def file_name(feedback: Feedback) -> str:
    """As a file of tests/journeys/golden is named; its folder is the language."""
    language = feedback.message.turn.language if feedback.message.turn else feedback.conversation.locale
    return f"{language or 'en'}-{feedback.pk.hex[:8]}.txt"


def flat(text: str) -> str:
    """One line without personal data; nothing in it begins a line of its own."""
    return re.sub(r"\s+", " ", redact(text)).strip()[:LONGEST]


def _questions(turn: Turn) -> list[tuple[Message, Turn]]:
    """The last questions up to this turn's own, oldest first. One without an intent, or redacted, is passed over."""
    own = turn.messages.filter(role=Message.Role.USER).first()
    if own is None or own.redacted_at is not None:
        return []
    asked = Message.objects.filter(conversation=turn.conversation_id, role=Message.Role.USER, pk__lte=own.pk)
    asked = asked.filter(redacted_at=None, turn__status=Turn.Status.COMPLETE).exclude(turn__intent="")
    recent = list(asked.exclude(pk=own.pk).order_by("-pk").select_related("turn").defer("turn__trace")[:MOST_TURNS])
    return [(each, each.turn) for each in reversed(recent) if each.turn is not None] + [(own, turn)]


def _page(conversation: Conversation, turn: Turn) -> list[str]:
    page = turn.trace.get("asked", {}).get("page", conversation.context)
    if page.get("asin"):
        return [f"page: {page['asin']}"]
    return [f"page: series/{page['series']}"] if page.get("series") else []
