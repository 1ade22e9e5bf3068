"""Memory from the database: the turns' own rows are the durable copy, so that there is nothing more to store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from chat.backends.base import MemoryStore, RememberedTurn
from chat.memory_types import REMEMBERED_TURNS, Memory, Remembered
from chat.models import Message, Turn


class DatabaseMemory(MemoryStore):
    embedded = True

    def load(self, conversation_id: str, *, after_turn: str) -> Memory:
        turns = Turn.objects.filter(conversation_id=conversation_id).exclude(status=Turn.Status.RUNNING)
        recent = (
            Message.objects.filter(conversation_id=conversation_id, role__in=("user", "assistant"))
            .filter(turn__in=turns)
            .order_by("-id")
            .values_list("role", "content", "template")[: 2 * REMEMBERED_TURNS]
        )
        lines = [
            Remembered(role="assistant" if role == "assistant" else "user", text=template or content)
            for role, content, template in reversed(recent)
        ]
        return Memory(lines=tuple(lines), dialogue=turns.last_dialogue())

    def append(self, turns: Sequence[RememberedTurn]) -> Mapping[str, str]:
        """Already stored: a turn's row carries the dialogue, its messages their templates."""
        return {}

    def forget(self, conversation_id: str) -> None:
        """There is nothing beside the rows."""
