"""What an answer consists of, before it is put into words."""

from __future__ import annotations

from dataclasses import dataclass, field

from chat.dialogue import DialogueState
from chat.events import CardKind


@dataclass(frozen=True, slots=True)
class Line:
    """One thing to say: a phrase's name (chat.phrases) and its words. ``bullet``: an entry of a list."""

    phrase: str
    words: dict[str, str] = field(default_factory=dict)
    bullet: bool = False


@dataclass(frozen=True, slots=True)
class CardRef:
    """A card to show; its live values are read at release."""

    kind: CardKind
    id: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerPlan:
    """``citations``: [{"title", "url", "source", "version"}], see docs/knowledge.md; ``state``: what the dialogue knows
    once this is said.
    """

    lines: tuple[Line, ...]
    state: DialogueState
    cards: tuple[CardRef, ...] = ()
    quick_replies: tuple[str, ...] = ()
    citations: tuple[dict[str, str], ...] = ()
