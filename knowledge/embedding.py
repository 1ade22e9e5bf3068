"""Vectors of the passages of a version that is being built, kept by what was embedded and by whose model."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from hashlib import sha256

import structlog
from django.conf import settings

from knowledge.backends import embedders
from knowledge.backends.base import Embedder, TextRefused
from knowledge.models import Passage

# As vectors are stored.
VECTOR = "<f4"

log = structlog.get_logger(__name__)


def embedder_in_use() -> Embedder | None:
    """None: passages are found by their words alone."""
    return embedders["default"] if "default" in settings.EMBEDDERS else None


def text_of(title: str, text: str) -> str:
    """What a passage's vector is made of."""
    return f"{title}\n{text}"


def text_hash(title: str, text: str) -> str:
    return sha256(text_of(title, text).encode()).hexdigest()[:32]


def kept_vectors(model: str, hashes: Collection[str]) -> dict[str, bytes]:
    """By text hash: vectors of this model that passages of this or an older version have."""
    found = Passage.objects.filter(text_hash__in=hashes, vector_model=model).exclude(vector=None)
    return {text_hash: bytes(vector or b"") for text_hash, vector in found.values_list("text_hash", "vector")}


def embed(embedder: Embedder, rows: Sequence[Passage]) -> None:
    """Gives each row its vector, in memory only; an empty one where the model refuses the text.

    Raises :class:`~knowledge.backends.base.EmbedderUnavailable`.
    """
    for row, vector in zip(rows, _vectors(embedder, [text_of(row.title, row.text) for row in rows]), strict=True):
        row.vector, row.vector_model = vector, embedder.model


def _vectors(embedder: Embedder, texts: list[str]) -> list[bytes]:
    try:
        return [vector.astype(VECTOR).tobytes() for vector in embedder.embed_passages(texts)]
    except TextRefused as refusal:
        if len(texts) == 1:
            log.warning("passage_not_embedded", error=str(refusal)[:200])
            return [b""]
        # Which of them it is, the service does not say: by halves.
        half = len(texts) // 2
        return [*_vectors(embedder, texts[:half]), *_vectors(embedder, texts[half:])]
