"""What a source of documents promises."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass

from mangaassist.outbox.backends.base import Queue

LARGEST_DOCUMENT_BYTES = 10 * 1024 * 1024


class SourceUnavailable(Exception):
    """The source does not answer now; it is asked again."""


class DocumentGone(Exception):
    """There is no document of that key (any more)."""


class DocumentTooLarge(Exception):
    """It is larger than ``LARGEST_DOCUMENT_BYTES``. ``version``: as in :class:`Listed`."""

    def __init__(self, key: str, version: str, size: int) -> None:
        super().__init__(key)
        self.version = version
        self.size = size


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """``version``: changes with the content."""

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

        Raises :class:`DocumentGone`, :class:`DocumentTooLarge` or :class:`SourceUnavailable`.
        """

    def events(self) -> Queue | None:
        """Where the source tells of changes; None where it does not."""
        return None
