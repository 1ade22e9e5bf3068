"""New and changed editions, and new shoppers, are told to Amazon Personalize's datasets as they come, through the
outbox, when their datasets are configured. (Editions that are gone cannot be told: the masks keep them away.)
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from django.dispatch import receiver

from mangaassist.outbox.delivery import enqueue
from mangaassist.outbox.topics import Delivery, Topic, register_topic
from recommendations.export import ITEMS, USERS, Dataset, item_row, stocked_asins
from recommendations.models import Interaction
from recommendations.streaming import personalize_option
from shop.models import Edition, Offer
from shop.signals import catalog_changing

if TYPE_CHECKING:
    from recommendations.backends.personalize_datasets import PersonalizeDatasets

ITEM_TOPIC = "recommendations.item"
USER_TOPIC = "recommendations.user"
# Of one row of the outbox: as many as one call takes.
TOGETHER = 10


@receiver(catalog_changing)
def tell_of_editions(
    sender: Any, asins: Collection[str], series: Collection[str], fields: Collection[str], **kwargs: Any
) -> None:
    """Within the transaction that changes them."""
    if "promotion" in fields or not personalize_option("items_dataset_arn"):
        return
    # A change of an edition names its series as well, whose other editions are as they were.
    changed = sorted(asins or Edition.objects.filter(series__in=series).values_list("pk", flat=True))
    for start in range(0, len(changed), TOGETHER):
        together = changed[start : start + TOGETHER]
        enqueue(ITEM_TOPIC, {"asins": together}, key=together[0])


def tell_of_shoppers(rows: Iterable[Interaction]) -> None:
    """Those whose first interactions these are; within the transaction that stores them."""
    if not personalize_option("users_dataset_arn"):
        return
    new: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for row in rows:
        owner = (row.customer_id, "customer") if row.customer_id else (row.session_id, "guest")
        new[owner].append(row.content_key)
    for (user_id, kind), keys in new.items():
        mine = Interaction.objects.of_customer(user_id) if kind == "customer" else Interaction.objects.of_guest(user_id)
        if not mine.exclude(content_key__in=keys).exists():
            enqueue(USER_TOPIC, {"user_id": user_id, "kind": kind}, key=user_id)


def deliver_items(deliveries: Sequence[Delivery]) -> Mapping[str, str]:
    """The outbox's handler. What is sent is what is true now, however old the change is."""
    arn = personalize_option("items_dataset_arn")
    if not arn:
        return {}
    asins = {str(asin) for delivery in deliveries for asin in delivery.payload["asins"]}
    stocked = stocked_asins(Offer.objects.filter(edition__in=asins))
    items = {
        edition.pk: _properties(ITEMS, item_row(edition, is_stocked=edition.pk in stocked))
        for edition in Edition.objects.filter(pk__in=asins).select_related("series")
    }
    failed = _datasets(personalize_option("region")).put_items(arn, items)
    return {
        delivery.id: errors[0]
        for delivery in deliveries
        if (errors := [failed[asin] for asin in delivery.payload["asins"] if asin in failed])
    }


def deliver_users(deliveries: Sequence[Delivery]) -> Mapping[str, str]:
    arn = personalize_option("users_dataset_arn")
    if not arn:
        return {}
    users = {d.payload["user_id"]: _properties(USERS, (d.payload["user_id"], d.payload["kind"])) for d in deliveries}
    failed = _datasets(personalize_option("region")).put_users(arn, users)
    return {d.id: failed[d.payload["user_id"]] for d in deliveries if d.payload["user_id"] in failed}


def register() -> None:
    register_topic(Topic(name=ITEM_TOPIC, handler=deliver_items, batch_size=20))
    register_topic(Topic(name=USER_TOPIC, handler=deliver_users, batch_size=100))


def _properties(dataset: Dataset, row: Sequence[object]) -> str:
    """All columns but the id, as the service reads them: JSON with the columns' names in camel case."""
    known = zip(dataset.columns[1:], row[1:], strict=True)
    told = {_camel(column.name): value for column, value in known if value != ""}
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"))


def _camel(name: str) -> str:
    first, *others = name.lower().split("_")
    return first + "".join(word.capitalize() for word in others)


@lru_cache(maxsize=2)
def _datasets(region: str) -> PersonalizeDatasets:
    # Only here: it brings boto3 with it.
    from recommendations.backends.personalize_datasets import PersonalizeDatasets

    return PersonalizeDatasets(region=region)
