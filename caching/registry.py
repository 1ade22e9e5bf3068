"""What may be cached: typed kinds, registered by the apps that own them in ``apps.ready()``.

A kind whose value could carry a price, a stock level or an order's state is refused here, at registration,
and its values are checked again, field by field, at every store (caching/codec.py).
"""

from __future__ import annotations

import dataclasses
import inspect
import re
import types
import typing
from collections.abc import Callable, Iterator
from datetime import date, datetime
from itertools import pairwise
from typing import Any, Generic, Literal, TypeVar, Union, get_args, get_origin

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

V = TypeVar("V")

# A tuple of a kind's key arguments, as callers pass them to the policy cache.
Args = tuple[Any, ...]


class CacheTypeRefused(TypeError):
    """This type, or this value, must not be cached; the text says which field and why."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class CacheKind(Generic[V]):
    """One row of the table that operators tune.

    ``key(*args)`` gives the Redis key without prefix. ``tags(value)`` names everything whose change makes the
    value wrong. ``known_tags(*args)``, where the arguments already tell the tags, makes a read one MGET;
    without it a read is one Lua call. All times are in seconds. ``stale_on_error_s``: how long past its TTL an
    *expired* value may still answer when the computation fails (an invalidated one never does).
    """

    name: str
    label: str
    key: Callable[..., str]
    value_type: type[V]
    tags: Callable[[V], frozenset[str]]
    known_tags: Callable[..., frozenset[str]] | None = None
    default_ttl_s: int
    min_ttl_s: int = 1
    max_ttl_s: int
    negative_ttl_s: int = 30
    stale_on_error_s: int = 0
    jitter_percent: int = 10
    # One in so many keys is recorded for the operator's forecasts (caching/reuse.py); 1 where keys are few.
    recorded_one_in: int = 8
    # About one person: operators see its tags and age, not its content.
    is_personal: bool = False
    # What an operator should know before touching the TTL.
    description: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class NeverCached:
    """A row of the table that can never be a policy."""

    label: Promise
    reason: Promise


NEVER_CACHED = (
    NeverCached(
        _("current price"), _("Read live at each answer: a shopper must never see a price older than the turn.")
    ),
    NeverCached(_("inventory"), _("Read live at each answer: the last copy may be sold between two turns.")),
    NeverCached(_("order status"), _("Read live and only for its owner: a parcel moves, and it is personal.")),
)

_kinds: dict[str, CacheKind[Any]] = {}


def register_kind(kind: CacheKind[V]) -> CacheKind[V]:
    """Adds a kind. Raises :class:`CacheTypeRefused` for its type, ``ValueError`` for contradictory numbers."""
    known = _kinds.get(kind.name)
    if known is not None and known is not kind:
        raise ValueError(f"Cache kind {kind.name!r} is registered twice.")
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,31}", kind.name):
        raise ValueError(f"Cache kind {kind.name!r}: a name is 1-32 lower-case letters, digits and _.")
    if not 1 <= kind.min_ttl_s <= kind.default_ttl_s <= kind.max_ttl_s <= MAX_TTL_S:
        raise ValueError(f"Cache kind {kind.name!r}: 1 <= min <= default <= max TTL <= {MAX_TTL_S} s.")
    if not 0 <= kind.negative_ttl_s <= kind.max_ttl_s or not 0 <= kind.stale_on_error_s <= MAX_TTL_S:
        raise ValueError(f"Cache kind {kind.name!r}: negative TTL or stale time out of range.")
    refuse_volatile(kind.value_type)
    _kinds[kind.name] = kind
    return kind


def key_pattern(kind: CacheKind[Any]) -> str:
    """The kind's key as the documentation writes it: ``product:{asin}``."""
    return kind.key(*(f"{{{name}}}" for name in inspect.signature(kind.key).parameters))


def is_registered(kind: CacheKind[Any]) -> bool:
    return _kinds.get(kind.name) is kind


def find_kind(name: str) -> CacheKind[Any] | None:
    return _kinds.get(name)


def registered_kinds() -> list[CacheKind[Any]]:
    return sorted(_kinds.values(), key=lambda kind: kind.name)


# No entry lives longer, so a tag's last invalidation may be forgotten after it (caching/redis_scripts.py).
MAX_TTL_S = 7 * 24 * 3600

_SCALARS: tuple[Any, ...] = (str, int, float, bool, date, datetime, type(None))
_VOLATILE_WORDS = frozenset(
    {"price", "prices", "pricing", "amount", "cost", "money", "currency", "stock", "inventory"}
    | {"availability", "available", "quantity", "tracking", "carrier", "eta", "shipment"}
)
_VOLATILE_PAIRS = frozenset({"order status", "order state", "delivery status", "shipping status"})
_VOLATILE_CLASS_WORDS = frozenset({"price", "money", "offer", "stock", "inventory", "cart"})
_VOLATILE_LITERALS = frozenset(
    {"in_stock", "low_stock", "out_of_stock", "pre_order", "processing", "shipped", "delivered", "returned"}
)


def refuse_volatile(value_type: Any) -> None:
    """Raises :class:`CacheTypeRefused` unless the type is made of frozen dataclasses, tuples and plain
    scalars without any field that is named or typed like a price, a stock level or an order's state.
    """
    for path, found in _walk(value_type, getattr(value_type, "__name__", str(value_type)), frozenset()):
        if dataclasses.is_dataclass(found):
            _refuse_class(path, typing.cast("type[Any]", found))
        elif get_origin(found) is Literal:
            volatile = _VOLATILE_LITERALS.intersection(get_args(found))
            if volatile:
                raise CacheTypeRefused(f"{path} takes {min(volatile)!r}: stock and order states are never cached.")
        elif found not in _SCALARS:
            raise CacheTypeRefused(
                f"{path} is {found!r}: cached values are frozen dataclasses, tuples, str, int, float, bool, "
                "date, datetime or None (no Decimal: money is never cached)."
            )


def _refuse_class(path: str, found: type[Any]) -> None:
    if not found.__dataclass_params__.frozen:
        raise CacheTypeRefused(f"{path}: {found.__name__} is not frozen.")
    words = _words(found.__name__)
    if _VOLATILE_CLASS_WORDS.intersection(words) or words[:1] == ["order"]:
        raise CacheTypeRefused(f"{path}: a {found.__name__} is read live and never cached.")
    for field in dataclasses.fields(found):
        words = _words(field.name)
        pairs = {" ".join(pair) for pair in pairwise(words)}
        if _VOLATILE_WORDS.intersection(words) or _VOLATILE_PAIRS & pairs:
            raise CacheTypeRefused(f"{path}.{field.name}: prices, stock and the state of orders are never cached.")


def _words(name: str) -> list[str]:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().strip("_").split("_")


def _walk(found: Any, path: str, above: frozenset[Any]) -> Iterator[tuple[str, Any]]:
    """Every type inside ``found``, with the path that leads to it; unwraps tuples and ``X | None``."""
    origin = get_origin(found)
    if origin is tuple:
        for part in get_args(found):
            if part is not Ellipsis:
                yield from _walk(part, f"{path}[]", above)
    elif origin in (Union, types.UnionType):
        parts = [part for part in get_args(found) if part is not type(None)]
        if len(parts) != 1:
            raise CacheTypeRefused(f"{path}: the only union that can be cached is X | None.")
        yield from _walk(parts[0], path, above)
    elif dataclasses.is_dataclass(found):
        if found in above:
            raise CacheTypeRefused(f"{path}: a type that contains itself cannot be cached.")
        yield path, found
        for name, hint in typing.get_type_hints(found).items():
            if any(field.name == name for field in dataclasses.fields(found)):
                yield from _walk(hint, f"{path}.{name}", above | {found})
    else:
        yield path, found
