"""A period and the one before it are read in the shop's time, up to the same moment of the day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mangaassist.analytics.reading import PERIODS, read
from mangaassist.analytics.rollup import roll_up
from mangaassist.analytics.shop_time import beginning_of, day_of, hour_of, hours_in, same_time
from tests.analytics.shop_days import turn

NOW = datetime(2026, 11, 10, 12, 30, tzinfo=UTC)


def ago(days: float = 0, hours: float = 0) -> datetime:
    return NOW - timedelta(days=days, hours=hours)


def complete(counted: Any) -> float:
    return float(counted.get(("turns", ""), {}).get("complete", 0))


@pytest.mark.django_db
def test_today_is_compared_with_yesterday_up_to_now() -> None:
    for at in (ago(), ago(hours=1), ago(hours=12.4), ago(days=1, hours=3), ago(days=1, hours=0.2), ago(days=2)):
        turn(at)
    # Of yesterday's evening nothing is compared, and of this hour of it as much as has passed.
    turn(ago(days=1) + timedelta(hours=6))
    roll_up()
    figures = read(PERIODS["today"], NOW)
    assert complete(figures.whole) == 3
    assert complete(figures.before) == 1.5
    assert len(figures.points) == len(figures.points_before) == 24
    assert [complete(counted) for _, counted in figures.points[11:13]] == [1, 1]
    assert complete(figures.points_before[18]) == 1


@pytest.mark.django_db
def test_a_month_is_compared_with_the_thirty_days_before() -> None:
    for days in (0, 29, 30, 31, 59, 60):
        turn(ago(days=days, hours=1))
    turn(ago(days=30) + timedelta(hours=3))
    roll_up()
    figures = read(PERIODS["month"], NOW)
    assert complete(figures.whole) == 2
    assert complete(figures.before) == 3
    assert len(figures.points) == 30
    assert figures.points[0][0] == datetime(2026, 10, 12, tzinfo=UTC)


@pytest.mark.django_db
def test_without_a_period_before_nothing_is_compared() -> None:
    turn(ago(days=3))
    roll_up()
    assert read(PERIODS["month"], NOW).before is None
    assert read(PERIODS["today"], NOW).before == {}
    assert read(PERIODS["today"], NOW).counted_at is not None


@pytest.mark.parametrize(
    ("zone", "at", "day", "hour"),
    [
        ("UTC", "2026-11-10T12:30+00:00", "2026-11-10T00:00+00:00", "2026-11-10T12:00+00:00"),
        ("Asia/Tokyo", "2026-11-10T15:30+00:00", "2026-11-10T15:00+00:00", "2026-11-10T15:00+00:00"),
        ("Asia/Kolkata", "2026-11-10T12:40+00:00", "2026-11-09T18:30+00:00", "2026-11-10T12:30+00:00"),
        # Both hours that the clock calls two are hours of their own.
        ("Europe/Berlin", "2026-10-25T00:30+00:00", "2026-10-24T22:00+00:00", "2026-10-25T00:00+00:00"),
        ("Europe/Berlin", "2026-10-25T01:30+00:00", "2026-10-24T22:00+00:00", "2026-10-25T01:00+00:00"),
    ],
)
def test_where_days_and_hours_begin(settings: Any, zone: str, at: str, day: str, hour: str) -> None:
    settings.TIME_ZONE = zone
    moment = datetime.fromisoformat(at)
    assert (day_of(moment), hour_of(moment)) == (datetime.fromisoformat(day), datetime.fromisoformat(hour))


def test_a_day_has_as_many_hours_as_the_clocks_give_it(settings: Any) -> None:
    settings.TIME_ZONE = "Europe/Berlin"
    days = (datetime(2026, month, day).date() for month, day in ((3, 29), (10, 25), (11, 10)))
    assert [len(list(hours_in(day))) for day in days] == [23, 25, 24]


def test_the_same_time_is_the_shops(settings: Any) -> None:
    settings.TIME_ZONE = "Europe/Berlin"
    after_the_change = datetime(2026, 10, 26, 11, tzinfo=UTC)
    assert same_time(after_the_change, days_before=7) == datetime(2026, 10, 19, 10, tzinfo=UTC)
    assert beginning_of(datetime(2026, 10, 26).date()) == datetime(2026, 10, 25, 23, tzinfo=UTC)
