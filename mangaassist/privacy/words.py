"""Some words of a conversation that are taken back, while the rest of it stays."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from mangaassist.privacy.subject import Subject, fields_of, seal

REDACTED = "[redacted]"
# A shorter text is taken out where it stands alone; it is part of too much else.
LONG_ENOUGH = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """``said``: the texts. ``message`` (a row's number) they are, in ``turn`` if it had one; or the comment of
    ``opinion``, or the one that ``handoff`` was rated with. ``questions``: as in :class:`Subject`."""

    until: datetime
    conversation: str
    said: frozenset[str] = field(repr=False)
    message: str = ""
    turn: str = ""
    opinion: str = ""
    handoff: str = ""
    questions: frozenset[str] = frozenset()

    kind = "words"

    @property
    def reference(self) -> str:
        return seal(self.conversation)[:12]

    def as_subject(self) -> Subject:
        """The turn alone, for who looks up what is known by it."""
        return Subject(until=self.until, turns=frozenset({self.turn} - {""}))

    def as_text(self) -> str:
        return json.dumps(fields_of(self))

    @classmethod
    def from_text(cls, text: str) -> Words:
        told: dict[str, Any] = json.loads(text)
        told |= {name: frozenset(told[name]) for name in ("said", "questions")}
        return cls(**told | {"until": datetime.fromisoformat(told["until"])})


def without_words(value: Any, needles: Collection[str], instead: str = REDACTED) -> Any:
    """JSON or text with ``instead`` wherever a needle stands, longest first."""
    if isinstance(value, dict):
        return {name: without_words(each, needles, instead) for name, each in value.items()}
    if isinstance(value, list):
        return [without_words(each, needles, instead) for each in value]
    if not isinstance(value, str):
        return value
    if value.strip() in needles:
        return instead
    for needle in sorted(needles, key=len, reverse=True):
        if len(needle) >= LONG_ENOUGH:
            value = value.replace(needle, instead)
    return value
