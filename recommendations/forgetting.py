"""A forgotten history is forgotten by Amazon Personalize too: a data deletion job for each batch of shoppers.

The service takes up to a day for a job, and few jobs at a time: shoppers wait in the outbox and go together.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from mangaassist.outbox.delivery import enqueue
from mangaassist.outbox.models import OutboxMessage
from mangaassist.outbox.topics import Delivery, Topic, register_topic
from recommendations import streaming
from recommendations.dataset_updates import USER_TOPIC
from recommendations.streaming import personalize_option

if TYPE_CHECKING:
    from recommendations.backends.personalize_deletion import PersonalizeDeletion

TOPIC = "recommendations.forget"


def tell_to_forget(user_ids: Iterable[str], *, until: datetime | None = None) -> None:
    """All names that a shopper had there; within the transaction that forgets them here.

    What was about to be told of them (written down before ``until``) is not told any more, whether a deletion is
    configured or not.
    """
    names = sorted(set(user_ids))
    waiting = OutboxMessage.objects.filter(status=OutboxMessage.Status.WAITING, key__in=names)
    if until is not None:
        waiting = waiting.filter(created_at__lte=until)
    waiting.filter(topic__in=[streaming.TOPIC, USER_TOPIC]).delete()
    if personalize_option("dataset_group_arn"):
        enqueue(TOPIC, {"user_ids": names}, key=names[0])


def deliver(deliveries: Sequence[Delivery]) -> Mapping[str, str]:
    """The outbox's handler: one job for all of them. Raises :class:`DeliveryFailed`."""
    group = personalize_option("dataset_group_arn")
    if not group:
        return {}
    user_ids = sorted({str(name) for delivery in deliveries for name in delivery.payload["user_ids"]})
    # The same job when the same rows are delivered again.
    batch = hashlib.blake2b("\n".join(sorted(each.id for each in deliveries)).encode(), digest_size=10).hexdigest()
    location, role = personalize_option("deletion_location"), personalize_option("deletion_role_arn")
    _deletion(personalize_option("region")).forget(
        user_ids, job_name=f"mangaassist-forget-{batch}", dataset_group_arn=group, location=location, role_arn=role
    )
    return {}


def register() -> None:
    # Five minutes and more between attempts: a job that is refused for too many others has to wait for one of them.
    register_topic(
        Topic(
            name=TOPIC,
            handler=deliver,
            queue="batch",
            batch_size=500,
            retry_s=300,
            longest_retry_s=21_600,
            max_attempts=40,
        )
    )


@lru_cache(maxsize=2)
def _deletion(region: str) -> PersonalizeDeletion:
    # Only here: it brings boto3 with it.
    from recommendations.backends.personalize_deletion import PersonalizeDeletion

    return PersonalizeDeletion(region=region)
