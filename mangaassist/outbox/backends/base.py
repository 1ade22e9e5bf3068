"""What a message queue promises: at least once, in batches, with a time in which a taken message is invisible."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


class QueueUnavailable(Exception):
    """Nothing could be sent or received."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """``id``: the idempotency key; it travels with the message."""

    id: str
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Received:
    """``receipt`` deletes it. ``id`` as it was sent; ``count``: how often it has been received."""

    id: str
    body: dict[str, Any]
    receipt: str
    count: int


class Queue(ABC):
    # Whether our own worker consumes it; else `consume` runs as a process of its own.
    embedded = False

    @abstractmethod
    def send(self, messages: Sequence[Outgoing]) -> Mapping[str, str]:
        """Ids that were refused, with the reason. Raises :class:`QueueUnavailable`."""

    @abstractmethod
    def receive(self, *, limit: int = 10, wait_s: int = 0) -> list[Received]:
        """Takes messages: they are invisible until deleted, or until their time is over."""

    @abstractmethod
    def delete(self, messages: Sequence[Received]) -> None:
        """Done with these."""
