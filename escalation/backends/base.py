"""What a place where people answer promises."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from escalation.models import Handoff


class HandoffUnavailable(Exception):
    """Nothing can be said about the queue right now; the request itself is stored all the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueView:
    """``position`` from 1; ``estimated_wait`` in seconds. None means unknown, never zero."""

    position: int | None
    estimated_wait: int | None


class HandoffBackend(ABC):
    @abstractmethod
    def look(self, handoff: Handoff) -> QueueView:
        """Where a waiting request stands. Raises :class:`HandoffUnavailable`."""
