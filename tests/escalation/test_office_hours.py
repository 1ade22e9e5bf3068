"""Office hours and the wait, by table."""

from __future__ import annotations

from datetime import UTC, datetime, time

import pytest

from escalation.office_hours import Opening, is_open, next_opening
from escalation.wait import estimate_wait

TOKYO = [Opening(day, time(9), time(18), "Asia/Tokyo") for day in range(5)]
NIGHT = [Opening(4, time(22), time(0), "UTC"), Opening(5, time(0), time(2), "UTC")]
LONDON = [Opening(6, time(1, 30), time(3), "Europe/London")]


@pytest.mark.parametrize(
    ("openings", "now", "opened", "opens"),
    [
        # 2026-11-27 is a Friday.
        ([], "2026-11-27T03:00", True, None),
        (TOKYO, "2026-11-27T00:00", True, None),  # 9:00 in Tokyo
        (TOKYO, "2026-11-26T23:59", False, "2026-11-27T00:00"),
        (TOKYO, "2026-11-27T08:59", True, None),
        (TOKYO, "2026-11-27T09:00", False, "2026-11-30T00:00"),  # over the week-end
        (NIGHT, "2026-11-27T21:59", False, "2026-11-27T22:00"),
        (NIGHT, "2026-11-27T23:59", True, None),
        (NIGHT, "2026-11-28T00:00", True, None),
        (NIGHT, "2026-11-28T02:00", False, "2026-12-04T22:00"),
        # The night when clocks go back: half past one comes twice.
        (LONDON, "2026-10-25T00:45", True, None),
        (LONDON, "2026-10-25T03:00", False, "2026-11-01T01:30"),
    ],
)
def test_office_hours(openings: list[Opening], now: str, opened: bool, opens: str | None) -> None:
    at = datetime.fromisoformat(now).replace(tzinfo=UTC)
    assert is_open(openings, at) is opened
    expected = datetime.fromisoformat(opens).replace(tzinfo=UTC) if opens else None
    assert next_opening(openings, at) == expected


@pytest.mark.parametrize(
    ("position", "places", "taken", "handling", "pick_up", "expected"),
    [
        (1, 0, 0, [300] * 3, [20] * 3, None),  # nobody is at work
        (1, 3, 0, [], [], None),  # nothing is known yet
        (1, 3, 0, [300] * 3, [20, 30, 400], 30),
        (1, 3, 0, [], [0.0, 0.0, 0.0], 1),  # never 0
        (1, 3, 3, [300, 300], [20] * 3, None),
        (1, 3, 3, [300] * 3, [20] * 3, 100),
        (4, 3, 3, [300] * 3, [20] * 3, 400),
        (4, 3, 1, [300] * 3, [20] * 3, 200),
        (1, 3, 5, [300] * 3, [20] * 3, 100),  # leads may hold more than their places
    ],
)
def test_the_wait(
    position: int, places: int, taken: int, handling: list[float], pick_up: list[float], expected: int | None
) -> None:
    wait = estimate_wait(position, places=places, taken=taken, handling_s=handling, pick_up_s=pick_up)
    assert wait == expected
