"""What the chat's exchangeable parts promise: who writes the words, and where memory is kept."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from dataclasses import dataclass

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

    Slots: ``{{title|price|stock|vol:ASIN}}``, ``{{series:ID}}``, ``{{passage:SLUG}}``,
    ``{{order|order_status|order_eta|order_items|order_tracking:ID}}``. Pieces may be cut anywhere; closing the
    iterator stops the work. Raises :class:`GeneratorUnavailable`.
    """

    name: str

    @abstractmethod
    def stream(self, brief: Brief) -> AsyncIterator[str]: ...


class MemoryStore(ABC):
    """The durable copy of conversation memory. Sync; callers hop threads. Texts keep their slots unfilled."""

    @abstractmethod
    def load(self, conversation_id: str) -> Memory:
        """An unknown conversation has an empty memory."""

    @abstractmethod
    def append(self, conversation_id: str, memory: Memory) -> None:
        """Stores the memory after a turn. Called inside the transaction that stores the turn."""
