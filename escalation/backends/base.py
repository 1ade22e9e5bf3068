"""What a place where people answer promises."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from escalation.models import Handoff


class HandoffUnavailable(Exception):
    """The place cannot be asked or told anything right now; the request itself is stored all the same.

    ``is_outage``: it is away, and to ask the same later is worth it; else it refuses this very thing.
    """

    def __init__(self, message: str, *, is_outage: bool = True) -> None:
        super().__init__(message)
        self.is_outage = is_outage


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueView:
    """``position`` from 1; ``estimated_wait`` in seconds. None means unknown, never zero."""

    position: int | None
    estimated_wait: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """A request that has reached a contact centre. ``state``: what the backend must remember of it (JSON)."""

    id: str
    state: dict[str, Any]


class HandoffBackend(ABC):
    @abstractmethod
    def look(self, handoff: Handoff) -> QueueView:
        """Where a waiting request stands. A shopper waits for it: from memory or the database, never the network."""

    def look_at_all(self, handoffs: Sequence[Handoff]) -> list[QueueView]:
        """The same for several, in their order; unknown where :meth:`look` cannot say."""
        return [self._known(handoff) for handoff in handoffs]

    def _known(self, handoff: Handoff) -> QueueView:
        try:
            return self.look(handoff)
        except HandoffUnavailable:
            return QueueView(position=None, estimated_wait=None)


class ContactCentre(HandoffBackend):
    """People who answer elsewhere. Everything but :meth:`look` is called behind the outbox, at least once."""

    # Whether the shopper's and the agent's words travel there and back; else people answer at our desk.
    carries_words: bool
    # Whether our own desk takes what cannot be delivered.
    falls_back: bool

    @abstractmethod
    def start(self, handoff: Handoff) -> Contact:
        """Once per handoff, however often it is called. Raises :class:`HandoffUnavailable`."""

    @abstractmethod
    def tell(self, handoff: Handoff, text: str, *, word_id: str) -> dict[str, Any]:
        """The shopper's word; what to remember of the contact from now on. Raises :class:`HandoffUnavailable`."""

    @abstractmethod
    def describe(self, handoff: Handoff) -> None:
        """A better summary has come after the start. Raises :class:`HandoffUnavailable`."""

    @abstractmethod
    def stop(self, handoff: Handoff) -> None:
        """Also when it has ended already. Raises :class:`HandoffUnavailable`."""
