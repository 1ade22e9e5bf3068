"""Making entries wrong: one bump of the logical clock, however many entries show the thing that changed."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterable, Mapping, Sequence
from functools import partial

import structlog
from celery import current_app
from django.db import transaction

from caching.counters import WHOLE, counters
from caching.entries import clean_tag
from caching.redis_scripts import EVERYTHING_TAG, POLICY_TAG, bump, unmarked
from caching.trust import TOPIC, trust
from mangaassist.outbox.delivery import enqueue
from mangaassist.outbox.topics import Delivery

log = structlog.get_logger(__name__)
# Of one invalidation. Redis is held up by a bump in proportion to them.
MOST_TAGS = 5_000
_thread = threading.local()


def invalidate(tags: Iterable[str]) -> None:
    """No read that begins after this transaction's commit gets a value with one of ``tags`` from before it.

    Call it inside the transaction that changes the thing (or after it): the bump happens on commit, in this
    process, and an outbox row written in the same transaction repeats it if need be, so that it survives a
    crash and an outage of Redis. Takes O(number of tags). A tag ``…:*`` stands for everything that is cached.
    """
    wanted = sorted({_widened(clean_tag(tag)) for tag in tags})
    if not wanted:
        return
    if len(wanted) > MOST_TAGS:
        # A bulk change of so much: to empty the cache is cheaper than to name it all.
        wanted = [EVERYTHING_TAG]
    id = secrets.token_hex(12)
    _thread.may_have_changed = True
    with transaction.atomic(savepoint=False):
        # First, so that the bump is not held up by what wakes the relay.
        transaction.on_commit(partial(bump_now, wanted, id))
        enqueue(TOPIC, {"id": id, "tags": wanted})


def bump_now(tags: Iterable[str], id: str = "") -> None:
    """The bump itself; without Redis it is remembered and delivered before this process reads again.

    For what is no row of the database; a change of rows goes through :func:`invalidate`.
    """
    counters.add(WHOLE, "invalidated")
    trust.invalidate(tags, id or secrets.token_hex(12))


def deliver(deliveries: Sequence[Delivery]) -> Mapping[str, str]:
    """The outbox's handler: bumps what was not bumped yet, then has the dead entries swept up.

    Raises ``redis.RedisError``: the rows are kept and tried again.
    """
    by_id = {str(each.payload["id"]): frozenset(map(str, each.payload["tags"])) for each in deliveries}
    missing = unmarked(list(by_id))
    if missing:
        bump(frozenset().union(*(by_id[id] for id in missing)), missing)
    asins = sorted({tag.removeprefix("asin:") for tags in by_id.values() for tag in tags if tag.startswith("asin:")})
    if asins:
        _have_swept(asins)
    return {}


def _have_swept(asins: list[str]) -> None:
    try:
        current_app.send_task("caching.tasks.sweep_products", args=[asins], retry=False, expires=600)
    except Exception as error:  # Without a broker they expire on their own.
        log.info("cache_sweep_not_sent", error=type(error).__name__)


def transaction_changed_something() -> bool:
    """Whether the open transaction holds an invalidation: what it computes now may never be committed."""
    # The usual answer, at the price of one attribute.
    if not getattr(_thread, "may_have_changed", False):
        return False
    hooks = transaction.get_connection().run_on_commit
    _thread.may_have_changed = any(isinstance(hook[1], partial) and hook[1].func is bump_now for hook in hooks)
    return bool(_thread.may_have_changed)


def _widened(tag: str) -> str:
    return EVERYTHING_TAG if tag.endswith(":*") and tag != POLICY_TAG else tag
