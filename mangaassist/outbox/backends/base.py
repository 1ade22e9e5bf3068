"""What a message queue promises: at least once, in batches, with a time in which a taken message is invisible."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mangaassist.outbox.topics import Outage


class QueueUnavailable(Outage):
    """Nothing could be sent or received."""


class RequestRefused(QueueUnavailable):
    """The queue is well and does not take this one request."""


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


# --- Streams ------------------------------------------------------------------------------------------------------


class StreamUnavailable(Outage):
    """Nothing could be put or read."""


@dataclass(frozen=True, slots=True)
class Shard:
    """A part of a stream that is read in order. ``parents``: those that it continues, to be read to their end first."""

    id: str
    parents: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Record:
    """One record of a shard. ``position`` is after it: reading goes on from there."""

    id: str
    body: dict[str, Any]
    position: str


@dataclass(frozen=True, slots=True)
class ShardRead:
    """``records``, oldest first. ``position``: after the last of them. ``is_over``: the shard will never hold more."""

    records: tuple[Record, ...]
    position: str
    is_over: bool = False


class Stream(ABC):
    """Records that stay for days, read in order by whoever keeps count of how far they came."""

    # Whether our own worker reads it; else `consume` runs as a process of its own.
    embedded = False

    @property
    @abstractmethod
    def identity(self) -> str:
        """This very stream: another one when it is made anew under its name. Raises :class:`StreamUnavailable`."""

    @abstractmethod
    def put(self, messages: Sequence[Outgoing]) -> Mapping[str, str]:
        """Ids that were refused, with the reason. Raises :class:`StreamUnavailable`."""

    @abstractmethod
    def shards(self) -> list[Shard]:
        """Those that can be read, closed ones included. Raises :class:`StreamUnavailable`."""

    @abstractmethod
    def read(self, shard: str, after: str, *, limit: int = 500) -> ShardRead:
        """What follows position ``after`` (empty: from the oldest record). Raises :class:`StreamUnavailable`."""
