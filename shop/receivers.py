"""What the shop does when its own catalogue changes: caches hear of it, the search index and title index follow."""

from __future__ import annotations

from typing import Any

from django.dispatch import receiver

from caching.invalidation import invalidate
from shop.changes import LIVE_FIELDS
from shop.models import Edition
from shop.signals import catalog_changed


@receiver(catalog_changed)
def invalidate_facts(
    sender: Any, asins: frozenset[str], series: frozenset[str], fields: frozenset[str], **kwargs: Any
) -> None:
    """Price and stock are in no cache: only changed facts and promotions invalidate."""
    if fields <= LIVE_FIELDS:
        return
    tags = {f"asin:{asin}" for asin in asins} | {f"series:{id}" for id in series} | {"category:manga"}
    if "promotion" in fields or "*" in fields:
        tags.add("promotions:manga")
    of_series = Edition.objects.filter(series_id__in=series - {"*"}).values_list("asin", flat=True)
    tags |= {f"asin:{asin}" for asin in of_series}
    invalidate(tags)
