"""What a source of documents promises, and what a model that turns texts into vectors promises."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

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


# --- Vectors --------------------------------------------------------------------------------------------------------

Floats = NDArray[np.float32]
LONGEST_MODEL_NAME = 200


class EmbedderUnavailable(Outage):
    """The model does not answer now; it is asked again."""


class TextRefused(EmbedderUnavailable):
    """The model answers, and refuses what it was asked with."""


class Embedder(ABC):
    """Texts as vectors of length 1: the product of two is their cosine, the greater the more alike they are.

    ``model``: the same for vectors that may be compared with one another, and for no others. ``floor``: the least
    likeness (cosine) at which a passage answers a question. ``answer_within_s``: how long a question's vector is waited
    for. ``most_texts``: of one call.
    """

    model: str
    floor: float
    answer_within_s: float
    most_texts: int

    @abstractmethod
    def embed_passages(self, texts: Sequence[str]) -> Floats:
        """A row a text, while an index is built: tried again for some seconds.

        Raises :class:`EmbedderUnavailable` or :class:`TextRefused`.
        """

    @abstractmethod
    async def embed_question(self, text: str) -> Floats:
        """One vector, asked for once. Raises :class:`EmbedderUnavailable` or :class:`TextRefused`."""


def unit_vectors(rows: Any, count: int) -> Floats:
    """A service's lists of numbers as ``count`` rows of length 1. Raises :class:`EmbedderUnavailable`."""
    try:
        vectors = np.asarray(rows, dtype=np.float32)
    except (TypeError, ValueError, OverflowError) as error:
        raise EmbedderUnavailable("it answers with what are no vectors") from error
    if vectors.ndim != 2 or len(vectors) != count:
        raise EmbedderUnavailable("it answers with another number of vectors than it was asked for")
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not np.isfinite(lengths).all() or not (lengths > 0).all():
        raise EmbedderUnavailable("it answers with a vector without direction")
    units: Floats = vectors / lengths
    return units
