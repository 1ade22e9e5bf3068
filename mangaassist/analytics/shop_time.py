"""The shop's hours and days (settings.TIME_ZONE), as the instants at which they begin."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta

from django.utils import timezone


def hour_of(at: datetime) -> datetime:
    """The beginning of the hour of the shop's clock that ``at`` lies in."""
    local = timezone.localtime(at)
    return local.replace(minute=0, second=0, microsecond=0).astimezone(UTC)


def day_of(at: datetime) -> datetime:
    return beginning_of(timezone.localdate(at))


def beginning_of(day: date) -> datetime:
    """Where the clocks go forward at midnight, what would be midnight."""
    return timezone.make_aware(datetime.combine(day, time.min)).astimezone(UTC)


def hours_in(day: date) -> Iterator[datetime]:
    """23 to 25 of them."""
    at, end = beginning_of(day), beginning_of(day + timedelta(days=1))
    while at < end:
        yield at
        at += timedelta(hours=1)


def same_time(at: datetime, *, days_before: int) -> datetime:
    """What the shop's clock showed then, so many days ago."""
    local = timezone.localtime(at)
    before = datetime.combine(local.date() - timedelta(days=days_before), local.time())
    return timezone.make_aware(before).astimezone(UTC)
