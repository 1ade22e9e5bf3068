"""Celery's entrances."""

from __future__ import annotations

import structlog
from celery import shared_task

from recommendations.training import AlreadyTraining, NothingToLearn, train_and_publish

log = structlog.get_logger(__name__)


@shared_task(name="recommendations.tasks.train")
def train() -> None:
    """Trains the local engine anew and puts the model in force."""
    try:
        train_and_publish()
    except NothingToLearn:
        log.info("recommender_has_nothing_to_learn")
    except AlreadyTraining:
        log.info("recommender_is_training_already")
