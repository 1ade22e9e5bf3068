"""Celery's entrances."""

from __future__ import annotations

import structlog
from celery import current_app, shared_task
from kombu.exceptions import OperationalError

log = structlog.get_logger(__name__)


# A request that no worker took by then is left to the schedule.
EXPIRES_S = 3_600


def ask_for_training() -> None:
    """Has a worker train soon; without a broker the schedule does it later."""
    try:
        current_app.send_task("recommendations.tasks.train", expires=EXPIRES_S, retry=False)
    except (OperationalError, OSError) as error:
        log.warning("recommender_training_not_asked_for", error=str(error))


@shared_task(name="recommendations.tasks.train")
def train() -> None:
    """Trains the local engine anew and puts the model in force."""
    # SciPy and what trains with it are slow to load: they are for the one that trains.
    from recommendations.promotion import train_and_publish
    from recommendations.training import AlreadyTraining, NothingToLearn

    try:
        train_and_publish()
    except NothingToLearn:
        log.info("recommender_has_nothing_to_learn")
    except AlreadyTraining:
        log.info("recommender_is_training_already")
