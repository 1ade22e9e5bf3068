"""What the chat's exchangeable parts promise: who writes the words, and where memory is kept."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chat.dialogue import Request
from chat.evidence import Evidence
from chat.memory_types import Memory
from chat.plan import AnswerPlan


class GeneratorUnavailable(Exception):
    """The generator cannot write this answer; the composer will."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief:
    """Everything a generator may use. It holds no price, no stock level and nobody else's data."""

    request: Request
    plan: AnswerPlan
    evidence: Evidence
    memory: Memory
    # Picks among equivalent wordings; stable for a turn.
    variant: int = 0


class Generator(ABC):
    """Writes an answer with slots in place of values that age.

    Slots: ``{{title|price|stock|vol:ASIN}}``, ``{{series:ID}}``, ``{{passage:ID}}``,
    ``{{order|order_status|order_eta|order_items|order_tracking:ID}}``. Pieces may be cut anywhere; closing the
    iterator stops the work. Raises :class:`GeneratorUnavailable`.
    """

    name: str

    @abstractmethod
    def stream(self, brief: Brief) -> AsyncIterator[str]: ...


class MemoryUnavailable(Exception):
    """The store does not answer, or does not know of this turn yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RememberedTurn:
    """What memory keeps of one turn. ``number``: the turn's place in its conversation, from 1; ``said`` and
    ``answered`` with their slots unfilled."""

    conversation_id: str
    number: int
    turn_id: str
    said: str
    answered: str
    dialogue: dict[str, Any]
    at: datetime


class MemoryStore(ABC):
    """The durable copy of conversation memory. Sync; callers hop threads."""

    # Whether the turns' own rows are the store: then nothing more is written.
    embedded = False

    @abstractmethod
    def load(self, conversation_id: str, *, after_turn: str) -> Memory:
        """The memory after that turn (its id). An unknown conversation has an empty memory.

        Raises :class:`MemoryUnavailable`.
        """

    @abstractmethod
    def append(self, turns: Sequence[RememberedTurn]) -> Mapping[str, str]:
        """Stores turns, each once however often it is sent; ids of those that failed, with the error."""
