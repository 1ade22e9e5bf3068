"""What a place where people answer promises."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass


class HandoffUnavailable(Exception):
    """Nothing can be said about the queue right now; the request itself is stored all the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueView:
    """``position`` from 1; ``estimated_wait`` in seconds. None means unknown, never zero."""

    position: int | None
    estimated_wait: int | None


class HandoffBackend(ABC):
    @abstractmethod
    def look(self, handoff_id: str) -> QueueView:
        """Where a waiting request stands. Raises :class:`HandoffUnavailable`."""
