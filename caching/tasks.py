"""Celery's entrances."""

from __future__ import annotations

from celery import shared_task

from caching.broom import sweep
from caching.trust import UNAVAILABLE, trust


@shared_task(name="caching.tasks.sweep_products", ignore_result=True)
def sweep_products(asins: list[str]) -> None:
    """Unlinks the dead entries of these products; without Redis they expire on their own."""
    for asin in asins:
        if trust.is_open():
            return
        try:
            sweep(asin)
        except UNAVAILABLE as error:
            trust.failed(error)
