from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class CachingConfig(AppConfig):
    name = "caching"
    label = "caching"
    verbose_name = "Cache"

    def ready(self) -> None:
        from caching import checks  # noqa: F401  (registers the system checks)

        post_migrate.connect(create_policies, sender=self)


def create_policies(using: str, **kwargs: Any) -> None:
    """One row per registered kind, so that the admin shows every kind from the first day."""
    from caching.models import CachePolicy

    CachePolicy.objects.using(using).create_missing()
