"""Likeness of series by what they are: genres, themes, demographic and authors. It is how a new series is found."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from recommendations.ease import Floats

if TYPE_CHECKING:
    from scipy import sparse

# How much one shared word of each kind says.
KIND_WEIGHTS = {"genre": 1.0, "theme": 0.8, "author": 1.5, "demographic": 0.5}


def content_vectors(features: Sequence[Iterable[tuple[str, str]]]) -> sparse.csr_matrix:
    """One row of length 1 per series, from its (kind, word) features; rare words count more (TF-IDF)."""
    # SciPy is for the first question and for training: a process is ready without it.
    from scipy import sparse

    columns: dict[tuple[str, str], int] = {}
    rows: list[int] = []
    places: list[int] = []
    for row, words in enumerate(features):
        for feature in sorted(set(words)):
            rows.append(row)
            places.append(columns.setdefault(feature, len(columns)))
    kinds = np.array([KIND_WEIGHTS[kind] for kind, _ in columns], dtype=np.float32)
    counts = np.bincount(places, minlength=len(columns)) if places else np.zeros(0)
    rarity = np.log1p(len(features) / np.maximum(counts, 1)).astype(np.float32)
    values = (kinds * rarity)[places] if places else np.zeros(0, np.float32)
    matrix = sparse.csr_matrix((values, (rows, places)), shape=(len(features), len(columns)), dtype=np.float32)
    lengths = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel())
    scale = sparse.diags(1.0 / np.maximum(lengths, 1e-9), dtype=np.float32)
    return sparse.csr_matrix(scale @ matrix)


def likeness(vectors: sparse.csr_matrix, row: int) -> Floats:
    """Cosine (0-1) of one series to every series."""
    return np.asarray((vectors @ vectors[row].T).todense(), dtype=np.float32).ravel()
