"""What recommendations do when the catalogue changes. Cached ones carry tags and are made wrong by the shop itself."""

from __future__ import annotations

from typing import Any

from django.dispatch import receiver

from recommendations.catalogue import catalogues
from shop.changes import LIVE_FIELDS
from shop.signals import catalog_changed


@receiver(catalog_changed)
def look_at_series_again(
    sender: Any, asins: frozenset[str], series: frozenset[str], fields: frozenset[str], **kwargs: Any
) -> None:
    if series and not fields <= LIVE_FIELDS:
        catalogues.forget()
