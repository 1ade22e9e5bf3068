"""Webhooks come to be: by the API or in the admin, after a look at where they would lead."""

from __future__ import annotations

from concurrent.futures import Future
from contextlib import suppress

from django.db import transaction

from mangaassist.breaker import BoundedExecutor, ExecutorFull
from partners.models import ApiKey
from partners.webhooks.destinations import public_addresses, read_url
from partners.webhooks.models import Webhook

MOST_PER_PARTNER = 10
# A name whose servers do not answer must not keep a request.
LOOK_UP_S = 3.0
_names = BoundedExecutor("webhook_names", threads=4, queue=16)


class TooManyWebhooks(Exception):
    """The partner has as many as it may have."""


def look_up(url: str) -> Future[list[str]] | None:
    """Begins to look where it leads. The result raises ``DestinationRefused``, or ``OSError`` for a name that leads
    nowhere: it may do so tomorrow, and each connection looks again. None: too many are looked up just now."""
    with suppress(ExecutorFull):
        return _names.submit(lambda: public_addresses(read_url(url).host))
    return None


def check_destination(url: str) -> None:
    """Waits for :data:`LOOK_UP_S` at most. Raises ``DestinationRefused``."""
    looking = look_up(url)
    if looking is not None:
        with suppress(OSError, TimeoutError):
            looking.result(LOOK_UP_S)


def create_webhook(key: ApiKey, url: str, events: list[str]) -> tuple[Webhook, str]:
    """(the webhook, the salt of its secret). Raises :class:`TooManyWebhooks`, and ``ValidationError``."""
    with transaction.atomic():
        # Two at a time wait for each other here, so that they are counted.
        ApiKey.objects.select_for_update().get(pk=key.pk)
        if key.webhooks.count() >= MOST_PER_PARTNER:
            raise TooManyWebhooks
        hook = Webhook(key=key, url=url, events=sorted(set(events)))
        hook.full_clean()
        hook.save()
        return hook, hook.add_secret()
