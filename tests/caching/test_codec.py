"""Values come back as they went in, and nothing but the declared type goes in."""

from __future__ import annotations

import string
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caching.codec import CorruptEntry, codec_for
from caching.registry import CacheTypeRefused


@dataclass(frozen=True, slots=True, kw_only=True)
class Inner:
    name: str
    on: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    text: str
    number: int
    real: float | None
    yes: bool
    at: datetime
    kind: Literal["a", "b"]
    words: tuple[str, ...]
    pairs: tuple[tuple[str, int], ...]
    inner: tuple[Inner, ...]
    one: Inner | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wider(Inner):
    price: str


texts = st.text(st.characters(exclude_categories=["Cs"]))
integers = st.integers(-(2**63), 2**63 - 1)
inners = st.builds(Inner, name=texts, on=st.none() | st.dates())
values = st.builds(
    Value,
    text=texts,
    number=integers,
    real=st.none() | st.floats(allow_nan=False, allow_infinity=False),
    yes=st.booleans(),
    at=st.datetimes(timezones=st.just(UTC)) | st.datetimes(),
    kind=st.sampled_from(["a", "b"]),
    words=st.lists(texts).map(tuple),
    pairs=st.lists(st.tuples(texts, integers)).map(tuple),
    inner=st.lists(inners).map(tuple),
    one=st.none() | inners,
)


@given(values)
def test_a_value_comes_back_as_it_went_in(value: Value) -> None:
    codec = codec_for(Value)
    assert codec.decode(codec.encode(value)) == value


@given(st.binary(max_size=60) | st.text(string.printable).map(str.encode))
def test_any_other_bytes_are_corrupt_and_never_a_value(noise: bytes) -> None:
    with pytest.raises(CorruptEntry):
        codec_for(Value).decode(noise)


@pytest.mark.parametrize(
    ("value_type", "value"),
    [
        (Inner, Wider(name="a subclass with a price", on=None, price="14.99")),
        (Inner, Inner(name=Decimal("14.99"), on=None)),  # type: ignore[arg-type]
        (Inner, Inner(name="x", on=datetime(2026, 1, 1))),
        (Inner, {"name": "x", "on": None}),
        (tuple[str, ...], ["a list"]),
        (tuple[str, int], ("one",)),
        (float, float("nan")),
        (int, True),
        (int, 2**70),
        (str, "\ud800"),
        (Literal["a"], "b"),
    ],
)
def test_what_is_not_exactly_the_declared_type_is_refused(value_type: Any, value: Any) -> None:
    with pytest.raises(CacheTypeRefused):
        codec_for(value_type).encode(value)


def test_another_shape_has_another_fingerprint() -> None:
    """So that entries of the release before are misses and not errors."""
    assert codec_for(Inner).fingerprint != codec_for(Wider).fingerprint
    assert codec_for(tuple[str, ...]).fingerprint != codec_for(tuple[int, ...]).fingerprint
