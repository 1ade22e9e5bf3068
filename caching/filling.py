"""What happens after a miss: one computation per key over all processes, and a store that refuses old values."""

from __future__ import annotations

import random
import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import structlog

from caching import entries
from caching.behind import behind
from caching.codec import codec_for
from caching.counters import counters
from caching.entries import Entry
from caching.flights import Flight, FlightLost, Flights, Look, Loop
from caching.policies import Policy, policies
from caching.reading import life_ms, look_up, read, schema_of
from caching.redis_scripts import (
    CLAIM,
    RELEASE,
    STORE,
    backup_key,
    lease_key,
    meta_key,
    prefixed,
    refs_prefix,
    tag_prefix,
)
from caching.registry import Args, CacheKind, CacheTypeRefused
from caching.reuse import is_recorded, reuse
from caching.steps import Call, Compute, Join, Pause, Steps, aperform, perform
from caching.trust import Untrusted, trust

log = structlog.get_logger(__name__)

# A computation that outlives its lease is repeated by another process: wasted, never wrong.
LEASE_MS = 1_000
# How long a caller waits for another one's computation before it computes on its own.
PATIENCE_S = 1.2
# A larger value is served, not stored.
MAX_ENTRY_BYTES = 256 * 1024
MAX_TAGS = 256


@dataclass(frozen=True, slots=True)
class Miss:
    """One key that this caller is to fill."""

    args: Args
    look: Look
    flight: Flight


class Filler:
    """One per process. ``loop``: the event loop whose callers share a computation; None: all threads."""

    def __init__(self) -> None:
        self._flights = Flights()

    def fill(
        self, kind: CacheKind[Any], keys: dict[str, Args], looks: dict[str, Look], loop: Loop | None
    ) -> Steps[dict[str, Any]]:
        """Values for keys that were not fresh: computed here, or by whoever is already at it."""
        own: dict[str, Miss] = {}
        values: dict[str, Any] = {}
        others: dict[str, Flight] = {}
        for key, look in looks.items():
            flight, pilot = self._flights.join(key, look, loop)
            if pilot:
                own[key] = Miss(keys[key], look, flight)
            elif look.has_value:
                values[key] = look.value
            else:
                others[key] = flight
        try:
            values |= yield from self._pilot(kind, dict(own), loop)
        except BaseException as error:
            for key, miss in own.items():
                miss.flight.crash(error)
                self._flights.land(key, miss.flight, loop)
            raise
        for key, flight in others.items():
            try:
                values[key] = yield Join(flight.arrival, PATIENCE_S)
            except (FlightLost, TimeoutError):
                values[key] = (yield Compute([keys[key]])).get(keys[key])
        return values

    def _pilot(self, kind: CacheKind[Any], todo: dict[str, Miss], loop: Loop | None) -> Steps[dict[str, Any]]:
        values: dict[str, Any] = {}
        deadline = time.monotonic() + PATIENCE_S
        pause = 0.005
        while todo:
            token = secrets.token_hex(8)
            granted, changed = yield from self._claim(todo, token, alone=time.monotonic() > deadline)
            if granted:
                values |= yield from self._compute(kind, {key: todo.pop(key) for key in granted}, token, loop)
            for key in [key for key in todo if key not in changed and todo[key].look.has_value]:
                # It is only due, and another process is at it.
                values[key] = self._arrive(key, todo[key], todo.pop(key).look.value, loop)
            if not todo:
                break
            if not changed:
                # Another process is at it; an expired value is better than waiting.
                for key, value in (yield from _backups(kind, todo)).items():
                    values[key] = self._arrive(key, todo.pop(key), value, loop)
                if not todo:
                    break
                yield Pause(pause * random.uniform(0.5, 1.5))
                pause = min(pause * 1.5, 0.05)
            todo = yield from self._look_again(kind, todo)
            for key in [key for key in todo if todo[key].look.state in ("fresh", "due")]:
                values[key] = self._arrive(key, todo[key], todo.pop(key).look.value, loop)
        return values

    def _arrive(self, key: str, miss: Miss, value: Any, loop: Loop | None) -> Any:
        miss.flight.arrive(value)
        self._flights.land(key, miss.flight, loop)
        return value

    def _claim(self, todo: dict[str, Miss], token: str, *, alone: bool) -> Steps[tuple[set[str], set[str]]]:
        """Which keys are ours to compute, and which changed since they were read."""
        if alone or trust.is_open():
            return set(todo), set()
        names = [name for key in todo for name in (prefixed(key), lease_key(key))]
        try:
            codes = yield Call(CLAIM, names, (token, LEASE_MS, *(miss.look.seen for miss in todo.values())))
        except Untrusted:
            return set(todo), set()
        by_key = dict(zip(todo, codes, strict=True))
        return (
            {key for key, code in by_key.items() if code == 0},
            {key for key, code in by_key.items() if code == -1},
        )

    def _look_again(self, kind: CacheKind[Any], todo: dict[str, Miss]) -> Steps[dict[str, Miss]]:
        try:
            looks = yield from read(kind, {key: miss.args for key, miss in todo.items()})
        except Untrusted:
            return todo
        return {key: Miss(miss.args, looks[key], miss.flight) for key, miss in todo.items()}

    def _compute(
        self, kind: CacheKind[Any], granted: dict[str, Miss], token: str, loop: Loop | None
    ) -> Steps[dict[str, Any]]:
        """Computes, lets the waiting callers go on, and stores behind them."""
        began_ms, began = entries.now_ms(), time.perf_counter()
        try:
            computed = yield Compute([miss.args for miss in granted.values()])
        except Exception as error:
            values = {key: miss.look.value for key, miss in granted.items() if miss.look.has_value}
            values |= yield from _backups(kind, {key: miss for key, miss in granted.items() if key not in values})
            self._behind(self._release(granted, token), granted, loop)
            if len(values) < len(granted):
                raise
            log.warning("cache_serves_expired", kind=kind.name, error=repr(error))
            counters.add(kind.name, "stale", len(granted))
        else:
            values = {key: computed.get(miss.args) for key, miss in granted.items()}
            cost_ms = round((time.perf_counter() - began) * 1000)
            self._behind(self._store(kind, granted, values, token, began_ms=began_ms, cost_ms=cost_ms), granted, loop)
        for key, miss in granted.items():
            miss.flight.arrive(values[key])
        return values

    def _behind(self, steps: Steps[None], granted: dict[str, Miss], loop: Loop | None) -> None:
        def land() -> None:
            for key, miss in granted.items():
                self._flights.land(key, miss.flight, loop)

        if trust.is_open():
            steps.close()
            land()
            return

        if loop is None:

            def work() -> None:
                try:
                    perform(steps, _nothing)
                finally:
                    land()

            accepted = behind.submit(work)
        else:
            task = behind.spawn(aperform(steps, _anothing))
            accepted = task is not None
            if task is not None:
                task.add_done_callback(lambda _: land())
        if not accepted:
            steps.close()
            land()

    def _store(
        self,
        kind: CacheKind[Any],
        granted: dict[str, Miss],
        values: dict[str, Any],
        token: str,
        *,
        began_ms: int,
        cost_ms: int,
    ) -> Steps[None]:
        policy = policies.of(kind)
        for key, miss in granted.items():
            entry = _entry(kind, policy, miss, key, value=values[key], began_ms=began_ms, cost_ms=cost_ms)
            try:
                if entry is None:
                    yield Call(RELEASE, [lease_key(key)], (token,))
                    continue
                stored = yield Call(
                    STORE,
                    [meta_key(), prefixed(key), lease_key(key), backup_key(key)],
                    (
                        entry.epoch,
                        entry.seq,
                        token,
                        tag_prefix(),
                        refs_prefix(),
                        life_ms(policy, entry),
                        kind.stale_on_error_s * 1000 if entry.payload else 0,
                        entry.pack(),
                        *entry.tags,
                    ),
                )
            except Untrusted:
                counters.add(kind.name, "not_stored")
                return
            counters.add(kind.name, "stored" if stored == 1 else "stale_fill_refused")

    def put(self, kind: CacheKind[Any], key: str, args: Args, value: Any) -> Steps[None]:
        """Stores without computing: the value is newer than whatever lies there."""
        began_ms = entries.now_ms()
        looks = yield from look_up(kind, {key: args})
        if looks is not None:
            miss = Miss(args, looks[key], Flight(looks[key].stamp))
            if is_recorded(kind, key):
                reuse.note(kind, key, args, value, miss.look.stamp, is_store=True)
            yield from self._store(kind, {key: miss}, {key: value}, "", began_ms=began_ms, cost_ms=0)

    def _release(self, granted: Iterable[str], token: str) -> Steps[None]:
        for key in granted:
            try:
                yield Call(RELEASE, [lease_key(key)], (token,))
            except Untrusted:
                return


def _backups(kind: CacheKind[Any], wanted: dict[str, Miss]) -> Steps[dict[str, Any]]:
    """Expired values that may answer for these keys for now: never one that was invalidated."""
    if kind.stale_on_error_s == 0 or not wanted or trust.is_open():
        return {}
    try:
        looks = yield from read(kind, {key: miss.args for key, miss in wanted.items()}, backup=True)
    except Untrusted:
        return {}
    return {key: look.value for key, look in looks.items() if look.has_value}


def _entry(
    kind: CacheKind[Any], policy: Policy, miss: Miss, key: str, *, value: Any, began_ms: int, cost_ms: int
) -> Entry | None:
    """The entry to store, or None when this value is not to be stored."""
    known = kind.known_tags(*miss.args) if kind.known_tags is not None else frozenset()
    if value is None and (policy.negative_ttl_s == 0 or not known):
        return None
    try:
        payload = b"" if value is None else codec_for(kind.value_type).encode(value)
    except CacheTypeRefused as error:
        log.error("cache_value_refused", kind=kind.name, error=str(error))
        counters.add(kind.name, "value_refused")
        return None
    tags = entries.encoded_tags(known if value is None else known | kind.tags(value))
    if len(payload) > MAX_ENTRY_BYTES or len(tags) > MAX_TAGS:
        counters.add(kind.name, "too_large")
        return None
    stamp = miss.look.stamp
    spread = entries.spread_of(key, began_ms)
    return Entry(stamp.epoch, stamp.seq, began_ms, cost_ms, spread, schema_of(kind, policy), tags, payload)


def _nothing(wanted: list[Args]) -> dict[Args, Any]:
    return {}


async def _anothing(wanted: list[Args]) -> dict[Args, Any]:
    return {}
