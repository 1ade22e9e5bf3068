"""EASE^R against its definition, in double precision and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from recommendations.ease import explain_ease, fit_ease, recency_weights, score_ease

# Four readers; items 0 and 1 go together, item 2 is another taste, item 3 nobody's.
TINY = np.array([[1, 1, 0, 0], [1, 1, 0, 0], [1, 0, 0, 0], [0, 0, 1, 0]], dtype=np.float32)


def by_definition(matrix: np.ndarray, regularisation: float) -> np.ndarray:
    precision = np.linalg.inv(matrix.T.astype(float) @ matrix + regularisation * np.eye(matrix.shape[1]))
    weights: np.ndarray = -precision / np.diag(precision)
    np.fill_diagonal(weights, 0)
    return weights


def test_equals_the_closed_form() -> None:
    assert fit_ease(sparse.csr_matrix(TINY), 0.5) == pytest.approx(by_definition(TINY, 0.5), abs=1e-5)


def test_equals_the_closed_form_on_a_random_matrix_with_weights() -> None:
    dice = np.random.default_rng(3)
    matrix = dice.random((200, 40)).astype(np.float32) * (dice.random((200, 40)) < 0.2)

    assert fit_ease(sparse.csr_matrix(matrix), 5.0) == pytest.approx(by_definition(matrix, 5.0), abs=1e-4)


def test_no_item_speaks_for_itself_and_companions_speak_for_each_other() -> None:
    weights = fit_ease(sparse.csr_matrix(TINY), 0.5)

    assert np.diag(weights) == pytest.approx(0)
    assert weights[0, 1] > 0.3
    assert weights[0, 2] == pytest.approx(0)


def test_the_score_is_the_sum_of_its_explanation() -> None:
    weights = fit_ease(sparse.csr_matrix(TINY), 0.5)
    history, strengths = np.array([0, 2]), np.array([1.0, 0.5], dtype=np.float32)

    scores = score_ease(weights, history, strengths)

    assert explain_ease(weights, history, strengths, 1).sum() == pytest.approx(scores[1])
    assert np.argmax(explain_ease(weights, history, strengths, 1)) == 0


def test_recency_halves_every_half_life() -> None:
    assert recency_weights(5, 2.0) == pytest.approx([1, 2**-0.5, 0.5, 2**-1.5, 0.25])


def test_no_items_no_weights() -> None:
    assert fit_ease(sparse.csr_matrix((3, 0), dtype=np.float32), 1.0).shape == (0, 0)


@pytest.mark.parametrize("regularisation", [0.0, -1.0, float("nan")])
def test_a_regularisation_that_makes_no_sense_is_refused(regularisation: float) -> None:
    with pytest.raises(ValueError, match="regularisation"):
        fit_ease(sparse.csr_matrix(TINY), regularisation)
