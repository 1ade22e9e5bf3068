"""What the shop does when its own catalogue changes: its title and search indexes follow."""

from __future__ import annotations

from typing import Any

from django.db.models.signals import post_delete
from django.dispatch import receiver

from shop import search_index
from shop.models import Edition, Series


@receiver(post_delete, sender=Series)
@receiver(post_delete, sender=Edition)
def forget_in_search(sender: Any, instance: Series | Edition, **kwargs: Any) -> None:
    """Also what goes with its series."""
    search_index.remove([("series" if isinstance(instance, Series) else "edition", instance.pk)])
