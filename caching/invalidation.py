"""Making entries wrong: one bump of the logical clock, however many entries show the thing that changed."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from functools import partial

from django.db import transaction

from caching.entries import clean_tag
from caching.redis_scripts import EVERYTHING_TAG, POLICY_TAG
from caching.trust import trust

TOPIC = "cache.invalidate"
_thread = threading.local()


def invalidate(tags: Iterable[str]) -> None:
    """No read that begins after this transaction's commit gets a value with one of ``tags`` from before it.

    Call it inside the transaction that changes the thing (or after it): the bump happens on commit, in this
    process, and an outbox row written in the same transaction repeats it, so that it survives a crash and an
    outage of Redis. Takes O(number of tags). A tag ``…:*`` stands for everything that is cached.
    """
    wanted = sorted({_widened(clean_tag(tag)) for tag in tags})
    if not wanted:
        return
    from mangaassist.outbox.delivery import enqueue

    _thread.may_have_changed = True
    with transaction.atomic(savepoint=False):
        enqueue(TOPIC, {"tags": wanted})
        transaction.on_commit(partial(bump_now, wanted))


def bump_now(tags: list[str]) -> None:
    """The bump itself; without Redis it is remembered and delivered before this process reads again."""
    trust.invalidate(tags)


def _widened(tag: str) -> str:
    return EVERYTHING_TAG if tag.endswith(":*") and tag != POLICY_TAG else tag


def transaction_changed_something() -> bool:
    """Whether the open transaction holds an invalidation: what it computes now may never be committed."""
    # The usual answer, at the price of one attribute.
    if not getattr(_thread, "may_have_changed", False):
        return False
    hooks = transaction.get_connection().run_on_commit
    _thread.may_have_changed = any(isinstance(hook[1], partial) and hook[1].func is bump_now for hook in hooks)
    return bool(_thread.may_have_changed)
