"""Bodies within a limit: whole when they fit, else without the end of their longest text."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mangaassist.outbox.fitting import TooBig, fit


@pytest.mark.parametrize(
    ("body", "limit", "fitted"),
    [
        ({"a": "short", "n": 1}, 100, {"a": "short", "n": 1}),
        ({"a": "0123456789" * 5, "n": 1}, 36, {"a": "01234", "n": 1, "truncated": True}),
        # The longest is cut first, and a shorter one only when that was not enough.
        ({"a": "0123", "b": "0123456789" * 9}, 38, {"a": "0123", "b": "01", "truncated": True}),
        ({"a": "0123456789", "b": "0123456789" * 9}, 35, {"a": "012", "b": "", "truncated": True}),
        # Characters are not cut in the middle, and escaped ones count as they are written.
        ({"a": "漫画" * 9}, 32, {"a": "漫画", "truncated": True}),
        ({"a": "\n" * 50}, 30, {"a": "\n\n", "truncated": True}),
    ],
)
def test_texts_are_cut_to_the_limit(body: dict[str, Any], limit: int, fitted: dict[str, Any]) -> None:
    assert fit(body, limit=limit, texts=["a", "b"]) == fitted


def test_what_is_too_big_without_its_texts_is_refused() -> None:
    with pytest.raises(TooBig, match="without its texts; 50 are possible"):
        fit({"a": "text", "cards": ["B1"] * 100}, limit=50, texts=["a"])


@given(st.text(max_size=300), st.text(max_size=300), st.integers(min_value=45, max_value=2_000))
def test_it_fits_and_says_whether_something_is_missing(one: str, other: str, limit: int) -> None:
    body = {"one": one, "other": other, "n": 1}
    fitted = fit(body, limit=limit, texts=["one", "other"])
    assert len(orjson.dumps(fitted)) <= limit
    assert ("truncated" in fitted) is (len(orjson.dumps(body)) > limit)
    assert one.startswith(fitted["one"])
    assert other.startswith(fitted["other"])
