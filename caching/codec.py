"""Typed values to bytes and back: orjson, with every field checked against its declared type on the way in.

The declared type is the whole story: a subclass with one more field, a Decimal where a str belongs, a NaN, all
are refused at the store. ``fingerprint`` changes with the type, so that entries of an older release are misses.
"""

from __future__ import annotations

import dataclasses
import hashlib
import math
import types
import typing
from collections.abc import Callable
from datetime import date, datetime
from typing import Any, Generic, Literal, TypeVar, Union, get_args, get_origin

import orjson

from caching.registry import CacheTypeRefused

V = TypeVar("V")

Convert = Callable[[Any], Any]


class CorruptEntry(ValueError):
    """These bytes are not an entry of ours."""


@dataclasses.dataclass(frozen=True, slots=True)
class Codec(Generic[V]):
    """``encode`` raises :class:`CacheTypeRefused`, ``decode`` :class:`CorruptEntry`."""

    fingerprint: bytes
    _to_plain: Convert
    # None: what orjson gives is the value already.
    _from_plain: Convert | None

    def encode(self, value: V) -> bytes:
        try:
            return orjson.dumps(self._to_plain(value))
        except (orjson.JSONEncodeError, RecursionError) as error:
            raise CacheTypeRefused(str(error)) from error

    def decode(self, payload: bytes | memoryview) -> V:
        try:
            plain = orjson.loads(payload)
            return typing.cast("V", plain if self._from_plain is None else self._from_plain(plain))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise CorruptEntry(str(error)) from error


def codec_for(value_type: Any) -> Codec[Any]:
    known = _codecs.get(value_type)
    if known is not None:
        return known
    shape = _shape(value_type)
    fingerprint = hashlib.blake2b(shape.encode(), digest_size=6).hexdigest().encode()
    made: Codec[Any] = Codec(fingerprint, _encoder(value_type), _decoder(value_type))
    return _codecs.setdefault(value_type, made)


_codecs: dict[Any, Codec[Any]] = {}


def _is_optional(hint: Any) -> bool:
    return get_origin(hint) in (Union, types.UnionType)


def _inner(hint: Any) -> Any:
    """The X of ``X | None``."""
    return next(part for part in get_args(hint) if part is not type(None))


def _hints(cls: Any) -> dict[str, Any]:
    hints = typing.get_type_hints(cls)
    return {field.name: hints[field.name] for field in dataclasses.fields(cls)}


def _shape(hint: Any) -> str:
    if dataclasses.is_dataclass(hint):
        fields = ",".join(f"{name}:{_shape(inner)}" for name, inner in _hints(hint).items())
        return f"{typing.cast('type[Any]', hint).__name__}({fields})"
    if get_origin(hint) is not None:
        return f"{get_origin(hint)}[{','.join(_shape(part) for part in get_args(hint))}]"
    return getattr(hint, "__name__", repr(hint))


# --- values → plain JSON types ----------------------------------------------------------------------------


def _encoder(hint: Any) -> Convert:
    origin = get_origin(hint)
    if dataclasses.is_dataclass(hint):
        return _dataclass_encoder(typing.cast("type[Any]", hint))
    if origin is tuple:
        return _tuple_encoder(get_args(hint))
    if _is_optional(hint):
        inner = _encoder(_inner(hint))
        return lambda value: None if value is None else inner(value)
    if origin is Literal:
        return _literal_encoder(get_args(hint))
    return _SCALAR_ENCODERS[hint]


def _dataclass_encoder(cls: type[Any]) -> Convert:
    fields = [(name, _encoder(hint)) for name, hint in _hints(cls).items()]

    def encode(value: Any) -> dict[str, Any]:
        if type(value) is not cls:
            raise CacheTypeRefused(f"Expected exactly {cls.__name__}, got {type(value).__name__}.")
        return {name: convert(getattr(value, name)) for name, convert in fields}

    return encode


def _tuple_encoder(parts: tuple[Any, ...]) -> Convert:
    if len(parts) == 2 and parts[1] is Ellipsis:
        item = _encoder(parts[0])

        def encode(value: Any) -> list[Any]:
            if type(value) is not tuple:
                raise CacheTypeRefused(f"Expected a tuple, got {type(value).__name__}.")
            return [item(each) for each in value]

        return encode
    items = [_encoder(part) for part in parts]

    def encode_fixed(value: Any) -> list[Any]:
        if type(value) is not tuple or len(value) != len(items):
            raise CacheTypeRefused(f"Expected a tuple of {len(items)}, got {value!r}.")
        return [convert(each) for convert, each in zip(items, value, strict=True)]

    return encode_fixed


def _literal_encoder(choices: tuple[Any, ...]) -> Convert:
    def encode(value: Any) -> Any:
        if value not in choices:
            raise CacheTypeRefused(f"{value!r} is none of {choices!r}.")
        return value

    return encode


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise CacheTypeRefused(f"Expected str, got {type(value).__name__}.")
    # str() of a TextChoices member or a SafeString may be overridden; this is the text itself.
    return str.__str__(value) if type(value) is str else "".join(value)


def _integer(value: Any) -> int:
    if type(value) is bool or not isinstance(value, int):
        raise CacheTypeRefused(f"Expected int, got {type(value).__name__}.")
    return int(value)


def _real(value: Any) -> float:
    if type(value) is bool or not isinstance(value, int | float) or not math.isfinite(value):
        raise CacheTypeRefused(f"Expected a finite float, got {value!r}.")
    return float(value)


def _exactly(cls: type[Any], convert: Convert) -> Convert:
    def encode(value: Any) -> Any:
        if type(value) is not cls:
            raise CacheTypeRefused(f"Expected {cls.__name__}, got {type(value).__name__}.")
        return convert(value)

    return encode


_SCALAR_ENCODERS: dict[Any, Convert] = {
    str: _text,
    int: _integer,
    float: _real,
    bool: _exactly(bool, lambda value: value),
    type(None): _exactly(type(None), lambda value: value),
    date: _exactly(date, date.isoformat),
    datetime: _exactly(datetime, datetime.isoformat),
}


# --- plain JSON types → values ----------------------------------------------------------------------------


def _decoder(hint: Any) -> Convert | None:
    origin = get_origin(hint)
    if dataclasses.is_dataclass(hint):
        return _dataclass_decoder(typing.cast("type[Any]", hint))
    if origin is tuple:
        return _tuple_decoder(get_args(hint))
    if _is_optional(hint):
        inner = _decoder(_inner(hint))
        return None if inner is None else (lambda plain: None if plain is None else inner(plain))
    if hint is date:
        return date.fromisoformat
    if hint is datetime:
        return datetime.fromisoformat
    return None


def _dataclass_decoder(cls: type[Any]) -> Convert:
    hints = _hints(cls)
    converted = [(name, convert) for name, hint in hints.items() if (convert := _decoder(hint)) is not None]
    count = len(hints)

    def decode(plain: Any) -> Any:
        if len(plain) != count:
            raise CorruptEntry(f"{len(plain)} fields instead of {count}.")
        for name, convert in converted:
            plain[name] = convert(plain[name])
        return cls(**plain)

    return decode


def _tuple_decoder(parts: tuple[Any, ...]) -> Convert:
    if len(parts) == 2 and parts[1] is Ellipsis:
        item = _decoder(parts[0])
        return tuple if item is None else (lambda plain: tuple([item(each) for each in plain]))
    items = [_decoder(part) for part in parts]

    def decode(plain: Any) -> tuple[Any, ...]:
        return tuple(each if convert is None else convert(each) for convert, each in zip(items, plain, strict=True))

    return decode
