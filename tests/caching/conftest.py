"""Two kinds like the shop's and the recommender's, registered for one test."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from caching import registry
from caching.behind import behind
from caching.counters import counters
from caching.redis_scripts import adopt_server
from caching.registry import CacheKind, register_kind
from caching.trust import trust


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    asin: str
    series: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    asins: tuple[str, ...]


FACTS = CacheKind(
    name="test_facts",
    label="test facts",
    key=lambda asin: f"product:{asin}",
    value_type=Facts,
    tags=lambda facts: frozenset({f"asin:{facts.asin}", f"series:{facts.series}"}),
    known_tags=lambda asin: frozenset({f"asin:{asin}"}),
    default_ttl_s=3600,
    max_ttl_s=86_400,
    jitter_percent=0,
)
SHELF = CacheKind(
    name="test_shelf",
    label="test shelf",
    key=lambda customer: f"recs:{customer}:0",
    value_type=Shelf,
    tags=lambda shelf: frozenset(f"asin:{asin}" for asin in shelf.asins) | {"category:manga"},
    default_ttl_s=900,
    max_ttl_s=86_400,
    stale_on_error_s=600,
    jitter_percent=0,
)


# What the apps registered when Django started.
REGISTERED_AT_START = {kind.name: kind for kind in registry.registered_kinds()}


@pytest.fixture(autouse=True)
def kinds(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(registry, "_kinds", {})
    register_kind(FACTS)
    register_kind(SHELF)
    # Redis failed on purpose in some other test: that outage is over.
    trust._failures_settled = trust._failures
    # And its Redis was emptied since: it learns at once which server it is. After a second of silence (a slow page) it
    # would be asked, and what a test had kept by then would count for nothing.
    adopt_server()
    yield
    behind.finish()
    # Into the Redis that the next test flushes.
    counters.flush()
