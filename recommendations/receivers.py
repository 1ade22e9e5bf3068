"""What recommendations do when the shop has taken in much that is new."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.dispatch import receiver

from recommendations.tasks import ask_for_training
from shop.signals import feed_imported


@receiver(feed_imported)
def train_on_what_was_imported(sender: Any, changed: Mapping[str, int], **kwargs: Any) -> None:
    if changed.get("interaction", 0) >= settings.RECOMMENDER_TRAIN_AFTER:
        ask_for_training()
