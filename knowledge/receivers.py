"""What knowledge does when the catalogue changes: the products' texts are read again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models.signals import post_delete
from django.dispatch import receiver

from knowledge.index import serving_version
from knowledge.reindexing import bring_up_to_date, enqueue_reindex
from knowledge.requests import ReindexRequest
from knowledge.sources import article_refs
from shop.models import Edition
from shop.signals import catalog_changing, feed_imported

# What a product's passages are made of; "*" stands for anything but price and stock.
_TOLD = frozenset({"*", "title", "description", "age_rating", "language"})


@receiver(catalog_changing)
def read_products_again(sender: Any, asins: frozenset[str], fields: frozenset[str], **kwargs: Any) -> None:
    """Within the change's transaction: the request commits with it, or not at all."""
    if asins and fields & _TOLD:
        enqueue_reindex(ReindexRequest("product", asin) for asin in asins)


@receiver(post_delete, sender=Edition)
def forget_product(sender: Any, instance: Edition, **kwargs: Any) -> None:
    """Also of editions that go with their series."""
    enqueue_reindex([ReindexRequest("product", instance.pk, removed=True)])


@receiver(feed_imported)
def begin_with_an_index(sender: Any, changed: Mapping[str, int], **kwargs: Any) -> None:
    """The first articles ever are answered from with the end of their import, whether a worker runs or not."""
    if changed.get("article") and not serving_version():
        bring_up_to_date([ReindexRequest("article", ref) for ref in article_refs()], cause="the first articles")
