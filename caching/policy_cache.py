"""The policy cache: typed values, never older than a finished invalidation, tunable while it runs.

    facts = await policy_cache.aget_or_compute(PRODUCT, (asin,), load)

One read (an MGET, or one Lua call where the tags are unknown before the value), a check of epoch, tags and age
against the policy in force *now*, and, after a miss, one computation per key over all processes. Stores go on
behind the answer. Without Redis every caller computes; nothing waits longer than one timeout for it, once.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

from caching import touched
from caching.behind import behind
from caching.counters import counters
from caching.filling import Filler
from caching.flights import Look
from caching.invalidation import transaction_changed_something
from caching.reading import look_up
from caching.registry import Args, CacheKind
from caching.reuse import is_recorded, reuse
from caching.steps import aperform, perform
from caching.trust import trust
from mangaassist.rehearsal import is_rehearsal

V = TypeVar("V")


class PolicyCache:
    """See the module; one per process."""

    def __init__(self) -> None:
        self._filler = Filler()

    # --- synchronous callers: admin, Celery, commands, REST in threads ---

    def get_or_compute(self, kind: CacheKind[V], args: Args, compute: Callable[[], V | None]) -> V | None:
        """The value, from the cache or from ``compute()``. Raises what ``compute`` raises."""
        return self.get_many(kind, [args], lambda wanted: {args: compute()})[args]

    def get_many(
        self,
        kind: CacheKind[V],
        args_list: Sequence[Args],
        compute_many: Callable[[list[Args]], Mapping[Args, V | None]],
    ) -> dict[Args, V | None]:
        """Values by arguments; ``compute_many(missing)`` is called with all misses (what it omits is None)."""
        names = {args: kind.key(*args) for args in args_list}
        if not names:
            return {}
        keys = {key: args for args, key in names.items()}
        if is_rehearsal():
            return _anew(kind, names, keys, compute_many(list(keys.values())))
        began = time.perf_counter()
        looks = None
        if not transaction_changed_something():
            looks = perform(look_up(kind, keys), compute_many)
        if looks is None:
            counters.add(kind.name, "bypass", len(keys))
            return _by_args(names, keys, compute_many(list(keys.values())))
        missing = {key: seen for key, seen in looks.items() if seen.state != "fresh"}
        values = {key: seen.value for key, seen in looks.items()}
        if missing:
            values |= perform(self._filler.fill(kind, keys, missing, None), compute_many)
        _count(kind, keys, looks, values, time.perf_counter() - began, computed=bool(missing))
        return {args: values[key] for args, key in names.items()}

    # --- asynchronous callers: consumers, the turn ---

    async def aget_or_compute(
        self, kind: CacheKind[V], args: Args, compute: Callable[[], Awaitable[V | None]]
    ) -> V | None:
        """:meth:`get_or_compute` on the event loop. The computation goes on if this caller is cancelled."""

        async def compute_many(wanted: list[Args]) -> dict[Args, V | None]:
            return {args: await compute()}

        return (await self.aget_many(kind, [args], compute_many))[args]

    async def aget_many(
        self,
        kind: CacheKind[V],
        args_list: Sequence[Args],
        compute_many: Callable[[list[Args]], Awaitable[Mapping[Args, V | None]]],
    ) -> dict[Args, V | None]:
        """:meth:`get_many` on the event loop."""
        names = {args: kind.key(*args) for args in args_list}
        if not names:
            return {}
        keys = {key: args for args, key in names.items()}
        if is_rehearsal():
            return _anew(kind, names, keys, await compute_many(list(keys.values())))
        began = time.perf_counter()
        looks = await aperform(look_up(kind, keys), compute_many)
        if looks is None:
            counters.add(kind.name, "bypass", len(keys))
            return _by_args(names, keys, await compute_many(list(keys.values())))
        loop = asyncio.get_running_loop()
        due = {key: seen for key, seen in looks.items() if seen.state == "due"}
        if due:
            behind.spawn(aperform(self._filler.fill(kind, keys, due, loop), compute_many))
        missing = {key: seen for key, seen in looks.items() if seen.state == "miss"}
        values = {key: seen.value for key, seen in looks.items()}
        if missing:
            # A task of its own: a cancelled caller must not take those along who wait for the same value.
            filling = behind.spawn(aperform(self._filler.fill(kind, keys, missing, loop), compute_many))
            if filling is None:
                computed = await compute_many([keys[key] for key in missing])
                values |= {key: computed.get(keys[key]) for key in missing}
            else:
                values |= await asyncio.shield(filling)
        _count(kind, keys, looks, values, time.perf_counter() - began, computed=bool(missing))
        return {args: values[key] for args, key in names.items()}

    def put_behind(self, kind: CacheKind[V], args: Args, value: V) -> None:
        """Stores a value that the caller has just made true (state, not computed); call it on the event loop.

        A reader must be able to tell an older one from it: this may be lost, or overtaken by a slower store.
        """
        if not trust.is_open() and not is_rehearsal():
            behind.spawn(aperform(self._filler.put(kind, kind.key(*args), args, value), _nothing))


async def _nothing(wanted: list[Args]) -> dict[Args, Any]:
    return {}


def _count(
    kind: CacheKind[Any],
    keys: dict[str, Args],
    looks: dict[str, Look],
    values: dict[str, Any],
    seconds: float,
    *,
    computed: bool,
) -> None:
    misses = sum(not look.has_value for look in looks.values()) if computed else 0
    counters.asked(kind.name, len(keys) - misses, misses, seconds, computed=computed)
    for key, args in keys.items():
        touched.note(kind.name, key, was_hit=not computed or looks[key].has_value, state=looks[key].state)
        if is_recorded(kind, key):
            reuse.note(kind, key, args, values[key], looks[key].stamp)


def _anew(
    kind: CacheKind[V], names: dict[Args, str], keys: dict[str, Args], computed: Mapping[Args, V | None]
) -> dict[Args, V | None]:
    """A rehearsal reads past the cache: it neither stores nor counts, and what lies there is not what it looks for."""
    for key in keys:
        touched.note(kind.name, key, was_hit=False, state="miss")
    return _by_args(names, keys, computed)


def _by_args(names: dict[Args, str], keys: dict[str, Args], computed: Mapping[Args, V | None]) -> dict[Args, V | None]:
    """Two sets of arguments may mean the same key (and only one of them was asked for)."""
    return {args: computed.get(keys[key]) for args, key in names.items()}


policy_cache = PolicyCache()
