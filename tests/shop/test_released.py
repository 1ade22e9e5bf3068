"""What came or comes out in a span of time, and which edition has an ISBN."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.utils import timezone

from shop.search import SearchFilters, asins_of_isbns, released_editions
from tests.shop.catalogue import edition, import_lines

pytestmark = pytest.mark.usefixtures("catalogue")


def put(asin: str, series: str, day: date, **more: Any) -> None:
    _, rejected = import_lines([edition(asin, series, asin, [], release_date=day.isoformat(), **more)])
    assert not rejected


def released(since: date | None, before: date | None, **more: Any) -> list[str]:
    return [hit.asin for hit in released_editions(since, before, **more)]


def test_the_newest_first_one_of_each_series() -> None:
    put("B-1", "berserk", date(2011, 1, 1))
    put("B-2", "berserk", date(2011, 6, 1))
    put("V-1", "vinland-saga", date(2011, 3, 1))
    put("Y-1", "yotsuba", date(2012, 1, 1))
    assert released(date(2011, 1, 1), date(2012, 1, 1)) == ["B-2", "V-1"]
    assert released(date(2011, 2, 1), date(2011, 6, 1)) == ["V-1"]
    assert released(None, date(2011, 2, 1)) == ["B-1"]
    assert released(date(1990, 1, 1), date(1991, 1, 1)) == []


def test_of_what_is_to_come_the_soonest_first() -> None:
    tomorrow = timezone.localdate() + timedelta(days=1)
    put("LATE", "vinland-saga", tomorrow + timedelta(days=9))
    put("SOON", "berserk", tomorrow)
    assert released(tomorrow, None)[:2] == ["SOON", "LATE"]


def test_wishes_and_the_age_are_kept_to() -> None:
    put("B-1", "berserk", date(2011, 1, 1), age_rating="mature")
    put("Y-1", "yotsuba", date(2011, 1, 1), age_rating="all", language="ja")
    span = date(2011, 1, 1), date(2012, 1, 1)
    assert released(*span, filters=SearchFilters(max_age_rating="all")) == ["Y-1"]
    assert released(*span, filters=SearchFilters(language="en")) == ["B-1"]
    assert released(*span, words=("dark fantasy",)) == ["B-1"]
    assert released(*span, filters=SearchFilters(exclude_genres=("dark fantasy",))) == ["Y-1"]
    assert released(*span, series=("yotsuba",)) == ["Y-1"]


def test_an_edition_is_found_by_its_isbn() -> None:
    put("B-1", "berserk", date(2011, 1, 1), isbn13="9780306406157")
    assert asins_of_isbns(("9780306406157",)) == ["B-1"]
    assert asins_of_isbns(("9783161484100",)) == []
