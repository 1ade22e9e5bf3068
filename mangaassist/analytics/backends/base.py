"""What an analytics stream promises."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from typing import Any


class StreamUnavailable(Exception):
    """Nothing could be put."""


class AnalyticsStream(ABC):
    @abstractmethod
    def put(self, records: Sequence[dict[str, Any]]) -> Collection[int]:
        """Puts records (each with ``record_id``, ``event``, ``session_id``, ``at``); the places that failed.

        Raises :class:`StreamUnavailable` when none could be put.
        """
