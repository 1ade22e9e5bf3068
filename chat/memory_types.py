"""Conversation memory as a value: the last turns and the dialogue state. Nothing in it ages."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal

# Turns that a generator is shown.
REMEMBERED_TURNS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """One line that was said; the assistant's with its slots unfilled."""

    role: Literal["user", "assistant"]
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """``dialogue`` is a chat.dialogue.DialogueState as JSON."""

    lines: tuple[Remembered, ...] = ()
    dialogue: dict[str, Any] = field(default_factory=dict)

    def after(self, said: str, answered: str, dialogue: dict[str, Any]) -> Memory:
        lines = (*self.lines, Remembered(role="user", text=said), Remembered(role="assistant", text=answered))
        return replace(self, lines=lines[-2 * REMEMBERED_TURNS :], dialogue=dialogue)
