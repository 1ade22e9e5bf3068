"""Our own engine: trained on this shop's interactions, explained exactly, with no service to wait for."""

from __future__ import annotations

import threading
import time

from recommendations.artefact import models
from recommendations.backends.base import NotTrained, Ranked, Recommender, RecommenderQuery
from recommendations.catalogue import catalogues
from recommendations.ranking import order, rank
from recommendations.tasks import ask_for_training

ASK_AGAIN_AFTER_S = 60.0


class LocalEngine(Recommender):
    """Ranks with the model in force (recommendations.artefact); a newer one is used as soon as it is published."""

    def __init__(self) -> None:
        self._asked_at = -ASK_AGAIN_AFTER_S
        self._lock = threading.Lock()

    @property
    def version(self) -> str:
        return f"local-{models.version()}"

    def recommend(self, query: RecommenderQuery) -> Ranked:
        model = models.current()
        if model is None:
            self._ask_for_training()
            raise NotTrained("There is no trained model yet.")
        return rank(query, model, catalogues.current())

    def order(self, query: RecommenderQuery, items: tuple[tuple[str, str], ...]) -> Ranked:
        """By the scores that recommendations are made of."""
        model = models.current()
        if model is None:
            self._ask_for_training()
            raise NotTrained("There is no trained model yet.")
        return order(query, [series_id for series_id, _ in items], model, catalogues.current())

    def _ask_for_training(self) -> None:
        """Behind the answer: a broker that hangs must not hold it up."""
        with self._lock:
            now = time.monotonic()
            if now - self._asked_at < ASK_AGAIN_AFTER_S:
                return
            self._asked_at = now
        threading.Thread(target=ask_for_training, name="ask-for-training", daemon=True).start()
