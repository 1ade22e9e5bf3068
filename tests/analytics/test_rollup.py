"""The tallies are right whatever happens between rows and counting: late, changed, twice, not for hours, a crash."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from caching.counters import counters
from chat.models import Turn
from escalation.models import Handoff
from mangaassist.analytics import rollup
from mangaassist.analytics.models import ShownList, TalliedRow, Tally, TallyMark
from mangaassist.analytics.rollup import count_again, roll_up
from mangaassist.analytics.tasks import roll_up as task
from recommendations.models import Interaction
from tests.analytics.shop_days import conversation, counted, turn

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 10, 12, tzinfo=UTC)


def of_turns() -> dict[str, float]:
    return counted().get(("turns", ""), {})


# --- Turns ------------------------------------------------------------------------------------------------------------


def test_a_turn_counts_once_in_its_hour_and_its_day_however_often_the_task_runs() -> None:
    talk = conversation()
    for minutes in (0, 10, 70):
        turn(NOON + timedelta(minutes=minutes), of=talk)
    for _ in range(3):
        task()
    assert of_turns()["complete"] == 3
    assert of_turns()["begun"] == 1
    hours = Tally.objects.filter(grain="hour", subject="turns").order_by("start")
    assert [(row.start, row.numbers["complete"]) for row in hours] == [(NOON, 2), (NOON + timedelta(hours=1), 1)]
    assert Tally.objects.get(grain="day", subject="turns").start == datetime(2026, 11, 10, tzinfo=UTC)


def test_a_turn_that_still_runs_counts_when_it_ends_in_the_hour_in_which_it_began() -> None:
    running = turn(NOON, status=Turn.Status.RUNNING, trace={})
    roll_up()
    assert of_turns() == {}
    # The process died, and hours later another one ends what it left.
    turn(NOON + timedelta(hours=5))
    roll_up()
    Turn.objects.filter(pk=running.pk).update(status=Turn.Status.FAILED)
    for _ in range(2):
        roll_up()
    assert (of_turns()["complete"], of_turns()["failed"]) == (1, 1)
    assert Tally.objects.get(grain="hour", subject="turns", start=NOON).numbers["failed"] == 1


def test_what_becomes_visible_late_is_counted() -> None:
    turn(NOON)
    roll_up()
    # Of a host whose clock is behind, or of a transaction that took long.
    turn(NOON - timedelta(minutes=14))
    roll_up()
    assert of_turns()["complete"] == 2


def test_a_clock_that_runs_ahead_makes_nobody_late() -> None:
    now = timezone.now()
    turn(now + timedelta(hours=3))
    roll_up()
    turn(now - timedelta(minutes=1))
    roll_up()
    assert of_turns()["complete"] == 2


def test_after_an_outage_it_goes_on_where_it_was_slice_by_slice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rollup, "SLICE", 4)
    for number in range(10):
        turn(NOON + timedelta(hours=number))
    assert not roll_up(limit_s=0)
    assert of_turns()["complete"] == 4
    while not roll_up(limit_s=0):
        pass
    assert of_turns()["complete"] == 10


@pytest.fixture
def refused_tallies() -> Iterator[None]:
    """The database takes no tallies, and takes back what came before them in the transaction."""
    if connection.vendor != "sqlite":
        pytest.skip("the trigger is SQLite's")
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TRIGGER refuse BEFORE INSERT ON analytics_tally BEGIN SELECT RAISE(ABORT, 'disk full'); END"
        )
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER IF EXISTS refuse")


def test_a_run_that_dies_halfway_leaves_nothing_behind(refused_tallies: None) -> None:
    turn(NOON)
    with pytest.raises(DatabaseError):
        roll_up()
    assert not TalliedRow.objects.exists()
    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER refuse")
    roll_up()
    assert of_turns()["complete"] == 1


def test_a_trace_that_nobody_understands_holds_up_no_other_turn() -> None:
    turn(NOON, trace={"steps": "of a version to come"})
    turn(NOON)
    roll_up()
    assert of_turns()["complete"] == 1


def test_what_was_counted_stays_when_its_conversation_is_erased() -> None:
    running = turn(NOON, status=Turn.Status.RUNNING)
    done = turn(NOON)
    roll_up()
    running.conversation.delete()
    done.conversation.delete()
    roll_up()
    assert of_turns()["complete"] == 1
    assert not TalliedRow.objects.filter(is_over=False).exists()


def test_a_day_begins_at_midnight_in_the_shop(settings: Any) -> None:
    settings.TIME_ZONE = "Asia/Kolkata"  # five and a half hours ahead
    turn(datetime(2026, 11, 10, 18, 29, tzinfo=UTC))
    turn(datetime(2026, 11, 10, 18, 31, tzinfo=UTC))
    roll_up()
    starts = Tally.objects.filter(subject="turns").order_by("grain", "start").values_list("grain", "start")
    assert [(grain, f"{start:%d %H:%M}") for grain, start in starts] == [
        ("day", "09 18:30"), ("day", "10 18:30"), ("hour", "10 17:30"), ("hour", "10 18:30"),
    ]  # fmt: skip


def test_only_what_is_new_is_read_and_by_an_index() -> None:
    for number in range(60):
        turn(NOON + timedelta(minutes=number))
    roll_up()
    turn(NOON + timedelta(minutes=61))
    with CaptureQueriesContext(connection) as queries:
        roll_up()
    read = [each["sql"] for each in queries if 'FROM "chat_turn"' in each["sql"] and "started_at" in each["sql"]]
    plans = [_plan(sql) for sql in read]
    assert plans
    assert not [plan for plan in plans if re.search("SCAN (chat_turn|U0)", plan)]
    # What lies more than twice the overlap behind has been forgotten.
    assert TalliedRow.objects.filter(source="turns").count() <= 32


def _plan(sql: str) -> str:
    if connection.vendor != "sqlite":
        pytest.skip("EXPLAIN QUERY PLAN is SQLite's")
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
        return "\n".join(str(row[-1]) for row in cursor.fetchall())


# --- Handoffs, lists, cache -------------------------------------------------------------------------------------------


def test_handoffs_count_by_what_brought_them() -> None:
    for trigger in ("asked", "asked", "complaint"):
        Handoff.objects.create(conversation_id=uuid.uuid4().hex, trigger=trigger, opened_at=NOON)
    for _ in range(2):
        roll_up()
    assert counted()["handoffs", "asked"] == {"opened": 2}
    assert counted()["handoffs", "complaint"] == {"opened": 1}


def did(type: str, at: datetime, *, shopper: str = "alice", list_id: str = "", series: str = "berserk") -> None:
    Interaction.objects.create(
        customer_id=shopper,
        session_id="s",
        asin=f"{series}-1",
        series_id=series,
        type=type,
        at=at,
        recommendation_id=list_id,
    )


def test_a_list_is_clicked_once_and_bought_once_for_the_engine_that_made_it() -> None:
    turn(NOON, intent="recommend", engine="ease", list_id="list-1")
    turn(NOON, intent="recommend", engine="ease", list_id="list-2")
    turn(NOON + timedelta(minutes=1), intent="recommend", engine="ease", list_id="list-1")
    turn(NOON, intent="recommend", engine="popular", list_id="list-3")
    now = timezone.now()
    turn(now - timedelta(days=9), intent="recommend", engine="ease", list_id="list-4")
    roll_up()
    ago = {days: now - timedelta(days=days) for days in range(10)}
    did("click", ago[3], list_id="list-1")
    did("add_to_cart", ago[3] + timedelta(minutes=1), list_id="list-1")
    did("click", ago[2], list_id="of a page that is not counted")
    did("click", ago[8], shopper="bob", list_id="list-4")
    roll_up()
    did("purchase", ago[1])
    did("purchase", ago[1], shopper="carol")  # who never clicked
    did("purchase", ago[1], series="frieren")  # which alice never clicked
    did("purchase", ago[0] - timedelta(minutes=10), shopper="bob")  # eight days later
    for _ in range(2):
        roll_up()
    assert counted()["engine", "ease"] == {"shown": 3, "clicked": 2, "bought": 1}
    assert counted()["engine", "popular"] == {"shown": 1}


def test_a_click_of_this_minute_waits_for_its_turn_to_end_and_a_late_one_goes_to_the_day_of_its_list() -> None:
    now = timezone.now()
    did("click", now, list_id="list-1")
    roll_up()
    turn(now - timedelta(days=1), intent="recommend", engine="ease", list_id="list-1")
    roll_up()
    assert counted()["engine", "ease"] == {"shown": 1}
    Interaction.objects.update(at=now - timedelta(minutes=3))
    roll_up()
    assert Tally.objects.get(grain="day", subject="engine").numbers == {"shown": 1, "clicked": 1}


def test_a_guest_who_signs_in_brings_no_second_click() -> None:
    at = timezone.now() - timedelta(hours=1)
    turn(at, intent="recommend", engine="ease", list_id="list-1")
    did("click", at, shopper="", list_id="list-1")
    roll_up()
    Interaction.objects.all().delete()
    did("click", at, list_id="list-1")
    roll_up()
    assert counted()["engine", "ease"] == {"shown": 1, "clicked": 1}


def test_the_cache_is_taken_over_as_it_counts_itself() -> None:
    counters.asked("product", 3, 0, 0.001, computed=False)
    counters.asked("product", 0, 1, 0.050, computed=True)
    for _ in range(2):
        roll_up()
    counters.asked("product", 1, 0, 0.001, computed=False)
    roll_up()
    numbers = counted()["cache", "product"]
    assert (numbers["hits"], numbers["misses"], numbers["hit_n"], numbers["miss_n"]) == (4, 1, 2, 1)
    assert numbers["hit_us"] == pytest.approx(2_000, rel=0.1)
    assert numbers["miss_us"] == pytest.approx(50_000, rel=0.1)
    assert counted("hour")["cache", "product"] == numbers


# --- Again ------------------------------------------------------------------------------------------------------------


def test_counting_again_comes_to_the_same() -> None:
    for hours in (0, 11, 13, 30, 60):
        turn(NOON + timedelta(hours=hours), engine="ease", intent="recommend", list_id=f"list-{hours}")
    turn(datetime(2026, 11, 10, 23, 55, tzinfo=UTC))
    Handoff.objects.create(conversation_id="c", opened_at=NOON + timedelta(days=1))
    roll_up()
    before = counted(), counted("hour")
    count_again(NOON + timedelta(days=1))
    assert counted() != before[0]
    roll_up()
    assert (counted(), counted("hour")) == before
    call_command("roll_up", since="2026-11-01")
    assert (counted(), counted("hour")) == before


@pytest.mark.parametrize("since", ["yesterday", "2026-13-01"])
def test_a_day_that_is_none_is_refused(since: str) -> None:
    with pytest.raises(CommandError):
        call_command("roll_up", since=since)


def test_old_hours_go_before_old_days_and_lists_after_a_month() -> None:
    now = timezone.now()
    for days in (1, 100, 2_000):
        turn(now - timedelta(days=days), engine="ease", list_id=f"list-{days}")
    roll_up()
    rollup.prune()
    assert of_turns()["complete"] == 2
    assert counted("hour")["turns", ""]["complete"] == 1
    assert [each.list_id for each in ShownList.objects.all()] == ["list-1"]
    assert set(TallyMark.objects.values_list("source", flat=True)) == {"turns", "handoffs", "lists", "cache"}
