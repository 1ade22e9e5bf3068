"""What a source of documents promises."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass

from mangaassist.outbox.backends.base import Queue
from mangaassist.outbox.topics import Outage

LARGEST_DOCUMENT_BYTES = 10 * 1024 * 1024


class SourceUnavailable(Outage):
    """The source does not answer now; it is asked again."""


class DocumentGone(Exception):
    """There is no document of that key (any more)."""


class DocumentUnsettled(Exception):
    """It is being written at this moment: the next look tells."""


class DocumentFault(Exception):
    """The source does not give this one out, for a reason that stays. ``version``: as in :class:`Listed`, if known."""

    def __init__(self, reason: str, *, version: str = "", size: int = 0) -> None:
        super().__init__(reason)
        self.version = version
        self.size = size


TOO_LARGE = "it is larger than 10 MiB"


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """``version``: changes with the content; empty while it is being written."""

    key: str
    version: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    data: bytes
    version: str


class KnowledgeSource(ABC):
    """Keys are paths with ``/``. The first folder of a key is its category."""

    # Whether nobody tells of changes, so that we look for them every few seconds.
    watched = False

    @abstractmethod
    def list(self) -> Iterator[Listed]:
        """All documents. Raises :class:`SourceUnavailable`."""

    @abstractmethod
    def fetch(self, key: str) -> Fetched:
        """One as it is now.

        Raises :class:`DocumentGone`, :class:`DocumentUnsettled`, :class:`DocumentFault` or :class:`SourceUnavailable`.
        """

    def events(self) -> Queue | None:
        """Where the source tells of changes; None where it does not."""
        return None
