"""Alternating least squares of the library ``implicit`` as one more way of ranking, for bench/recommendations.py.

Hu, Koren, Volinsky: "Collaborative Filtering for Implicit Feedback Datasets", ICDM 2008.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.sparse import csr_matrix

from recommendations.backends.base import RecommenderQuery
from recommendations.evaluation import Contestant
from recommendations.training import Seen

NAME = "implicit ALS"
# The best of 16 to 128 factors, regularisation 0.01 to 10 and confidence 1 to 40 on the temporal protocol's split.
FACTORS, REGULARISATION, CONFIDENCE, ROUNDS = 32, 10.0, 1.0, 20


def als(training: Sequence[Seen]) -> Contestant:
    """Learns from ``training``; a reader's own vector is computed from the history of the query, as for anybody new."""
    from implicit.cpu.als import AlternatingLeastSquares

    items = sorted({item for _, item, _, _ in training})
    place = {item: number for number, item in enumerate(items)}
    readers = {reader: number for number, reader in enumerate(sorted({reader for reader, *_ in training}))}
    rows = [readers[reader] for reader, *_ in training]
    columns = [place[item] for _, item, _, _ in training]
    seen = csr_matrix((np.ones(len(rows), np.float32), (rows, columns)), shape=(len(readers), len(items)))
    seen.sum_duplicates()
    seen.data[:] = 1
    model = AlternatingLeastSquares(
        factors=FACTORS, regularization=REGULARISATION, alpha=CONFIDENCE, iterations=ROUNDS, random_state=1
    )
    model.fit(seen, show_progress=False)

    def rank(query: RecommenderQuery) -> list[str]:
        known = sorted({place[each.series_id] for each in query.history if each.series_id in place})
        one = csr_matrix((np.ones(len(known), np.float32), ([0] * len(known), known)), shape=(1, len(items)))
        found, _ = model.recommend(
            0, one, N=query.limit + len(known), filter_already_liked_items=True, recalculate_user=True
        )
        ranked = [items[number] for number in found if number >= 0]
        return [item for item in ranked if item not in query.exclude_series][: query.limit]

    return rank
