"""What an analytics stream promises."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from mangaassist.outbox.backends.base import StreamUnavailable

__all__ = ["AnalyticsStream", "StreamUnavailable"]


class AnalyticsStream(ABC):
    @abstractmethod
    def put(self, records: Sequence[dict[str, Any]]) -> Mapping[int, str]:
        """Puts records (each with ``record_id``, ``event``, ``session_id``, ``at``); the places that failed,
        and why: ``NotYet`` when it is the stream that is unwell; else it is the record that the stream does not take.

        Raises :class:`StreamUnavailable` when none could be put.
        """
