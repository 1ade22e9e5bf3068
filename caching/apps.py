from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class CachingConfig(AppConfig):
    name = "caching"
    label = "caching"
    verbose_name = "Cache"

    def ready(self) -> None:
        from caching import checks, privacy  # noqa: F401  (registers the system checks)
        from caching.invalidation import deliver
        from caching.trust import TOPIC
        from mangaassist.outbox.topics import Topic, register_topic

        # A long outage of Redis is no reason to give up: a row is needed until the last entry has expired.
        register_topic(
            Topic(
                name=TOPIC,
                handler=deliver,
                queue="interactive",
                max_attempts=1_000_000,
                longest_retry_s=5.0,
                lease_s=15.0,
            )
        )
        privacy.register()
        post_migrate.connect(create_policies, sender=self)


def create_policies(using: str, **kwargs: Any) -> None:
    """One row per registered kind, so that the admin shows every kind from the first day."""
    from caching.models import CachePolicy

    CachePolicy.objects.using(using).create_missing()
