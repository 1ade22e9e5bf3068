"""Training that never ends with a worse engine: a model that finds clearly less than the one in force is not let in.

What goes wrong with a model goes wrong with its data (an import of half the purchases, a robot's night), and the data
is judged: a trial model learns all but each reader's newest fifth and has to find it. The figure is kept with the
model; a successor may lose at most ``RECOMMENDER_MAX_LOSS`` of it.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from zlib import crc32

import structlog
from django.conf import settings

from recommendations.artefact import Model, models, publish
from recommendations.catalogue import Catalogue, catalogues
from recommendations.evaluation import local_contestants, measure, readers_of, split
from recommendations.training import Progress, Seen, fit, observe, only_one, read_interactions

log = structlog.get_logger(__name__)

# So many readers tell it well enough, and bound the time.
MOST_CASES = 1_000
# Interactions that a trial learns from and looks at, at most.
MOST_IN_TRIAL = 500_000
# Fewer tell nothing: with them every model is let in.
FEWEST_CASES = 50


@dataclass(frozen=True)
class Trained:
    """``ndcg``: NDCG@10 of the trial, None when there were too few readers; ``before``: that of the model in force."""

    model: Model
    ndcg: float | None
    before: float | None
    is_in_force: bool


def train_and_publish(progress: Progress = lambda stage: None, *, force: bool = False) -> Trained:
    """Trains on all interactions; the model is in force at once for every process that shares DATA_DIR.

    ``force``: however it does. Raises :class:`NothingToLearn`, :class:`AlreadyTraining`.
    """
    with only_one():
        progress("Reading interactions")
        sample = Sample()
        observations = observe(sample.watch(read_interactions()))
        progress("Trying what would be found")
        ndcg, before = trial(sample.seen, catalogues.current()), models.quality()
        progress(f"Solving {len(observations.item_ids)} series")
        model = fit(observations)
        if is_worse(ndcg, before) and not force:
            log.error("recommender_not_promoted", version=model.version, ndcg=ndcg, before=before)
            return Trained(model, ndcg, before, is_in_force=False)
        progress("Publishing")
        version = publish(model, quality=ndcg)
    log.info(
        "recommender_trained", version=version, series=len(model.item_ids), readers=model.sessions.readers,
        pairs=len(observations.items), ndcg=ndcg, before=before,
    )  # fmt: skip
    return Trained(model, ndcg, before, is_in_force=True)


class Sample:
    """All of some readers' interactions, so many that they fit in memory: which readers follows from their names, so
    that one trial can be compared with the next."""

    def __init__(self, most: int = MOST_IN_TRIAL) -> None:
        self.seen: list[Seen] = []
        self._most = most
        self._below = 2**32

    def watch(self, seen: Iterable[Seen]) -> Iterator[Seen]:
        """Passes everything on."""
        for each in seen:
            if crc32(each[0].encode()) < self._below:
                self.seen.append(each)
                while len(self.seen) > self._most and self._below > 1:
                    self._below //= 2
                    self.seen = [kept for kept in self.seen if crc32(kept[0].encode()) < self._below]
            yield each


def trial(seen: list[Seen], catalogue: Catalogue) -> float | None:
    """NDCG@10 of the whole local engine on what each reader did last."""
    try:
        made = split(seen, "temporal")
    except ValueError:
        return None
    cases = [case for case in made.cases if any(item in catalogue.index for item in case.wanted)]
    if len(cases) < FEWEST_CASES:
        return None
    chosen = random.Random(0).sample(cases, min(len(cases), MOST_CASES))
    engine = local_contestants(made.training, catalogue)["local"]
    popularity = readers_of(made.training)
    return measure(engine, chosen, popularity=popularity, readers=1, items=len(catalogue)).ndcg


def is_worse(ndcg: float | None, before: float | None) -> bool:
    if before is None:
        return False
    return ndcg is None or ndcg < before * (1 - settings.RECOMMENDER_MAX_LOSS)
