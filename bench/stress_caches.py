"""The two caches that bench/stress.py compares, behind one face."""

from __future__ import annotations

import json
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

from caching.policy_cache import policy_cache
from caching.registry import CacheKind, register_kind
from caching.trust import trust
from mangaassist.dbthreads import in_database
from mangaassist.redis import sync_client

Versions = dict[str, int]
Wanted = tuple[str, ...]


class CacheUnderTest(Protocol):
    def read(self, wanted: Wanted, compute: Callable[[], Versions]) -> Versions: ...
    async def aread(self, wanted: Wanted, compute: Callable[[], Awaitable[Versions]]) -> Versions: ...
    def invalidate(self, asin: str) -> bool:
        """Whether it is finished when this returns."""
        ...

    def flush(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    asin: str
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    products: tuple[Product, ...]


PRODUCT = CacheKind(
    name="stress_product",
    label="",
    key=lambda asin: f"product:{asin}",
    value_type=Product,
    tags=lambda product: frozenset({f"asin:{product.asin}"}),
    known_tags=lambda asin: frozenset({f"asin:{asin}"}),
    default_ttl_s=2,
    max_ttl_s=60,
)
SHELF = CacheKind(
    name="stress_shelf",
    label="",
    key=lambda *asins: f"recs:{'-'.join(asins)}",
    value_type=Shelf,
    tags=lambda shelf: frozenset(f"asin:{product.asin}" for product in shelf.products),
    default_ttl_s=2,
    max_ttl_s=60,
    stale_on_error_s=60,
)


class PolicyCacheUnderTest:
    def __init__(self) -> None:
        register_kind(PRODUCT)
        register_kind(SHELF)

    def read(self, wanted: Wanted, compute: Callable[[], Versions]) -> Versions:
        if len(wanted) == 1:
            found = policy_cache.get_or_compute(PRODUCT, wanted, lambda: _shelf(compute()).products[0])
            assert found is not None
            return {found.asin: found.version}
        return _versions(policy_cache.get_or_compute(SHELF, wanted, lambda: _shelf(compute())))

    async def aread(self, wanted: Wanted, compute: Callable[[], Awaitable[Versions]]) -> Versions:
        if len(wanted) == 1:

            async def product() -> Product:
                return _shelf(await compute()).products[0]

            found = await policy_cache.aget_or_compute(PRODUCT, wanted, product)
            assert found is not None
            return {found.asin: found.version}

        async def shelf() -> Shelf:
            return _shelf(await compute())

        kept = await policy_cache.aget_or_compute(SHELF, wanted, shelf)
        return _versions(kept)

    def invalidate(self, asin: str) -> bool:
        return trust.invalidate([f"asin:{asin}"], secrets.token_hex(12))

    def flush(self) -> None:
        sync_client("cache").flushdb()


def _shelf(versions: Versions) -> Shelf:
    return Shelf(products=tuple(Product(asin=asin, version=version) for asin, version in versions.items()))


def _versions(shelf: Shelf | None) -> Versions:
    assert shelf is not None
    return {product.asin: product.version for product in shelf.products}


class NaiveCache:
    """GET, else compute, SET, and SADD to each product's references; an update deletes what these name."""

    def __init__(self) -> None:
        self._redis: Any = sync_client("cache")

    def read(self, wanted: Wanted, compute: Callable[[], Versions]) -> Versions:
        raw = self._redis.get(_key(wanted))
        if raw is None:
            found = compute()
            self._store(wanted, found)
            return found
        return _decoded(raw)

    async def aread(self, wanted: Wanted, compute: Callable[[], Awaitable[Versions]]) -> Versions:
        raw = await in_database(self._redis.get, _key(wanted))
        if raw is None:
            found = await compute()
            await in_database(self._store, wanted, found)
            return found
        return _decoded(raw)

    def invalidate(self, asin: str) -> bool:
        keys = self._redis.smembers(f"refs:{asin}")
        self._redis.delete(f"refs:{asin}", *keys)
        return True

    def flush(self) -> None:
        self._redis.flushdb()

    def _store(self, wanted: Wanted, found: Versions) -> None:
        self._redis.set(_key(wanted), json.dumps(found), ex=60)
        for asin in wanted:
            self._redis.sadd(f"refs:{asin}", _key(wanted))


def _key(wanted: Wanted) -> str:
    return f"naive:{'-'.join(wanted)}"


def _decoded(raw: bytes) -> Versions:
    return {str(asin): int(version) for asin, version in json.loads(raw).items()}
