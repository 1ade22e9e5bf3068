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
    """The generator cannot write this answer, or not to its end; the composer will. Says why, without credentials."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief:
    """Everything a generator may use. It holds no price, no stock level and nobody else's data."""

    request: Request
    plan: AnswerPlan
    evidence: Evidence
    memory: Memory
    # Picks among equivalent wordings; stable for a turn.
    variant: int = 0
    # How the shop wants a model to write; empty: as it is told anyway.
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Words:
    """The next piece of text, cut anywhere."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """What a model was asked with and what it took. ``cost``: in US dollars, None when its prices are not set;
    ``stopped``: why it ended, in the provider's word; ``cached``: input tokens that came out of its prompt cache and
    ``stored``: those that went into it, both beside ``read``.
    """

    model: str
    prompt: str
    read: int = 0
    written: int = 0
    cached: int = 0
    stored: int = 0
    cost: float | None = None
    stopped: str = ""


Written = Words | Used


class Generator(ABC):
    """Writes an answer with slots in place of values that age.

    Slots: ``{{title|price|stock|vol|pages|released:ASIN}}``, ``{{series|count|started:ID}}``, ``{{passage:ID}}``,
    ``{{order|order_status|order_eta|order_items|order_tracking:ID}}``,
    ``{{total|verdict:BUNDLE}}`` (what a bundle of the evidence costs, and whether the shopper's limit pays for it),
    ``{{limit:book|series}}``. Closing the iterator stops the work. Raises :class:`GeneratorUnavailable`, also after
    some words.
    """

    name: str
    # Whether its words are its own. Then they are checked as foreign text, and not only filled.
    writes_freely = True
    # Whether what an answer costs is told (``Used.cost``): without it no budget can be kept.
    tells_cost = False

    @abstractmethod
    def stream(self, brief: Brief) -> AsyncIterator[Written]: ...


class MemoryUnavailable(Exception):
    """The store does not answer, or does not know of this turn yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RememberedTurn:
    """What memory keeps of one turn. ``number``: how many of its conversation have ended, this one included; ``said``
    and ``answered`` with their slots unfilled."""

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
        """The conversation's memory, of which that turn (its id) is the last that its caller knows of.

        Raises :class:`MemoryUnavailable`, also when a store outside has another turn as its last one.
        """

    @abstractmethod
    def append(self, turns: Sequence[RememberedTurn]) -> Mapping[str, str]:
        """Stores turns, each once however often it is sent; ids of those that failed, with the error."""

    @abstractmethod
    def forget(self, conversation_id: str) -> None:
        """Removes what it keeps of a conversation beside the turns' own rows. Raises :class:`MemoryUnavailable`."""
