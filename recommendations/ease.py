"""EASE^R (Steck 2019, "Embarrassingly Shallow Autoencoders for Sparse Data"): one matrix, found in closed form.

For the interaction matrix X (readers x items) it is the item-item matrix B that minimises
``|X - XB|² + λ|B|²`` with a zero diagonal: with ``P = (XᵀX + λI)⁻¹``, ``B[i, j] = -P[i, j] / P[j, j]``.
A reader's score of item j is ``Σ w[i] B[i, j]`` over the history, so that each summand says exactly how much
item i speaks for j: "because you read …" is not a guess.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from scipy import sparse

Floats: TypeAlias = npt.NDArray[np.float32]
Indices: TypeAlias = npt.NDArray[np.integer]


def fit_ease(interactions: sparse.csr_matrix, regularisation: float) -> Floats:
    """B as float32 (items x items). Takes O(items³): about 6 s at 4,000 items and 16 s at 10,000 on two cores.

    Raises ``ValueError`` for a regularisation that is not positive.
    """
    from scipy.linalg import lapack

    if not regularisation > 0:
        raise ValueError("EASE needs a regularisation above 0.")
    items = interactions.shape[1]
    if items == 0:
        return np.zeros((0, 0), dtype=np.float32)
    single = interactions.astype(np.float32)
    gram = np.asfortranarray((single.T @ single).toarray())
    gram[np.diag_indices(items)] += np.float32(regularisation)
    factor, failed = lapack.spotrf(gram, lower=1, clean=0, overwrite_a=1)
    if not failed:
        precision, failed = lapack.spotri(factor, lower=1, overwrite_c=1)
    if failed:
        # Rounding made it indefinite: only with a regularisation that is tiny against the counts.
        raise ValueError(f"EASE cannot be solved with a regularisation of {regularisation}: raise it.")
    return _weights(precision)


def _weights(precision: Floats) -> Floats:
    """From P, of which only the lower triangle is filled, to B, with no second copy of either."""
    items = precision.shape[0]
    for row in range(items):
        precision[row, row + 1 :] = precision[row + 1 :, row]
    precision /= -np.diag(precision).copy()
    np.fill_diagonal(precision, 0.0)
    return np.ascontiguousarray(precision, dtype=np.float32)


def recency_weights(count: int, half_life: float) -> Floats:
    """Weights of a history, newest first: halved every ``half_life`` places."""
    return np.asarray(np.exp2(-np.arange(count) / half_life), dtype=np.float32)


def score_ease(weights: Floats, history: Indices, strengths: Floats) -> Floats:
    """The score of every item for a history (row numbers of ``weights`` and how much each counts)."""
    return np.asarray(strengths @ weights[history], dtype=np.float32)


def explain_ease(weights: Floats, history: Indices, strengths: Floats, item: int) -> Floats:
    """How much each item of the history speaks for ``item``; the sum is its score."""
    return np.asarray(strengths * weights[history, item], dtype=np.float32)
