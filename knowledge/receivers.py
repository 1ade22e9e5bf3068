"""What follows from a changed article."""

from __future__ import annotations

from typing import Any

from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver

from knowledge.feed_kinds import tell_changed
from knowledge.models import Article


@receiver((post_save, post_delete), sender=Article)
def forget_answers(sender: Any, instance: Article, **kwargs: Any) -> None:
    tell_changed({instance.locale})
