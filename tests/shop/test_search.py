"""In which order the editions of a series are found."""

from __future__ import annotations

import pytest

from shop.search import SearchFilters, search_editions

EN = [f"BERSERK-EN-{volume}" for volume in range(1, 6)]
JA = [f"BERSERK-JA-{volume}" for volume in range(1, 4)]
COLLECTIONS = ["BERSERK-DX-1", "BERSERK-OM-2"]


@pytest.mark.parametrize(
    ("query", "reader", "found"),
    [
        ("berserk", "en", [*EN, *COLLECTIONS, *JA]),
        ("berserk", "ja", [*JA, *EN, *COLLECTIONS]),
        ("ベルセルク", "en", [*EN, *COLLECTIONS, *JA]),
        # Whoever writes Japanese reads it, as far as nothing else is known.
        ("ﾍﾞﾙｾﾙｸ 2", "", ["BERSERK-JA-2", "BERSERK-EN-2", "BERSERK-DX-1"]),
        ("berserk 2", "en", ["BERSERK-EN-2", "BERSERK-DX-1", "BERSERK-JA-2", "BERSERK-OM-2"]),
        # A partner's query says nothing of the reader.
        ("berserk 1", "", ["BERSERK-EN-1", "BERSERK-JA-1", "BERSERK-DX-1"]),
    ],
)
def test_editions_come_in_the_readers_language_and_by_volume(
    catalogue: None, query: str, reader: str, found: list[str]
) -> None:
    assert [hit.asin for hit in search_editions(query, reader=reader)] == found


def test_a_volume_comes_as_a_book_before_its_e_book(catalogue: None) -> None:
    found = [hit.asin for hit in search_editions("yotsuba", reader="en")]
    assert found[:2] == ["YOTSUBA-EN-1", "YOTSUBA-EB-1"]


def test_of_few_results_none_is_spent_on_another_language(catalogue: None) -> None:
    assert [hit.asin for hit in search_editions("berserk", reader="ja", limit=3)] == JA
    only = SearchFilters(language="en")
    assert [hit.asin for hit in search_editions("ベルセルク", filters=only, reader="ja", limit=5)] == EN
