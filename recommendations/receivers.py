"""What recommendations do when the shop has taken in much that is new, or an operator tries something out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver

from caching.invalidation import invalidate
from recommendations.experiments import TAG
from recommendations.models import Experiment
from recommendations.tasks import ask_for_training
from shop.signals import feed_imported


@receiver(feed_imported)
def train_on_what_was_imported(sender: Any, changed: Mapping[str, int], **kwargs: Any) -> None:
    if changed.get("interaction", 0) >= settings.RECOMMENDER_TRAIN_AFTER:
        ask_for_training()


@receiver(post_save, sender=Experiment)
@receiver(post_delete, sender=Experiment)
def act_on_experiments_at_once(sender: Any, **kwargs: Any) -> None:
    """In every process, with the next request."""
    invalidate([TAG])
