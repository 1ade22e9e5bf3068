"""The page with which an operator's day begins: right figures, few queries, and a way to what is behind each."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from chat.assistant import AssistantSettings, count_spend
from chat.models import FeedbackCount, Turn
from escalation.models import Handoff
from mangaassist import breaker
from mangaassist.analytics import wording
from mangaassist.analytics.models import TallyMark
from mangaassist.analytics.panels import saved
from mangaassist.analytics.plots import plot, round_up
from mangaassist.analytics.rollup import roll_up
from mangaassist.analytics.unanswered import count
from mangaassist.outbox.models import OutboxMessage
from tests.analytics.shop_days import conversation, turn

pytestmark = pytest.mark.django_db

PAGE = "/admin/overview/"


@pytest.fixture
def owner(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("owner"))
    return client


def staff(*permissions: str) -> Client:
    user = User.objects.create_user("staff", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


def tile(page: Any, name: str) -> Any:
    return next(each for each in page.context["board"].tiles if each.name == name)


def panel(page: Any, name: str) -> list[list[str]]:
    found = next(each for each in page.context["board"].panels if each.name == name)
    return [[row.label, *row.cells] for row in found.rows]


def a_month() -> None:
    now = timezone.now()
    for days in (0, 1, 2, 3, 31, 33, 61):
        talk = conversation()
        for _ in range(3):
            turn(now - timedelta(days=days, minutes=1), of=talk, engine="ease", list_id=f"list-{days}")
        turn(now - timedelta(days=days, minutes=1), of=talk, intent="other", cards=0, language="ja")
        Handoff.objects.create(conversation_id=talk.pk.hex, opened_at=now - timedelta(days=days), trigger="complaint")
        FeedbackCount.objects.create(day=(now - timedelta(days=days)).date(), intent="price", up=8, down=2)
    bedrock = {"generation": {"generator": "composer", "tried": "bedrock", "read": 1_000, "written": 50, "cost": 0.25}}
    turn(now - timedelta(minutes=1), trace=bedrock, status=Turn.Status.FAILED)
    count([{"kind": "help", "language": "en", "question": "do you sell tea?", "at": now, "nearest": None}])
    roll_up()


# --- Who ----------------------------------------------------------------------------------------------------------


def test_only_who_may_see_it_sees_it() -> None:
    assert Client().get(PAGE).status_code == 302
    assert staff("view_turn").get(PAGE).status_code == 403
    User.objects.all().delete()
    assert staff("view_overview").get(PAGE).status_code == 200


@pytest.mark.parametrize("period", ["", "year", "month'", "1"])
def test_an_unknown_period_is_today(owner: Client, period: str) -> None:
    assert owner.get(PAGE, {"period": period}).context["board"].period.name == "today"


def test_figures_lead_only_to_lists_that_one_may_open() -> None:
    a_month()
    page = staff("view_overview", "view_handoff").get(PAGE)
    assert tile(page, "turns").href == ""
    assert tile(page, "handed").href.startswith("/admin/escalation/handoff/?opened_at__gte=")
    assert "/admin/chat/" not in page.content.decode()


def test_every_figure_leads_to_a_list_that_opens(owner: Client) -> None:
    a_month()
    page = owner.get(PAGE, {"period": "month"}).content.decode()
    links = {unescape(link) for link in re.findall(r'href="(/admin/[^"]*\?[^"]+|/admin/[^"]*/\d+/change/)"', page)}
    assert len(links) > 15
    for link in links:
        # Django sends a filter that it does not know back with ?e=1.
        assert owner.get(link).status_code == 200, link


# --- What ---------------------------------------------------------------------------------------------------------


def test_a_month_is_told_beside_the_month_before(owner: Client) -> None:
    a_month()
    page = owner.get(PAGE, {"period": "month"})
    told = {each.name: (each.value, each.delta and each.delta.text) for each in page.context["board"].tiles}
    assert told == {
        # A conversation of a failed turn more.
        "conversations": ("5", "▲ 150 %"),
        "turns": ("17", "▲ 112 %"),
        "answered": ("71 %", "▼ 4.4 points"),
        "handed": ("80.0 %", "▼ 20.0 points"),
        "liked": ("80 %", "as before"),
        "first": ("21 ms", "as before"),
        "unanswered": ("4", "▲ 100 %"),
        "spend": ("$0.25", None),
    }
    assert panel(page, "intents") == [["Price", "13", "100 %"], ["Not understood", "4", "0 %"]]
    assert panel(page, "languages") == [["English", "13", "76 %"], ["日本語", "4", "24 %"]]
    assert panel(page, "engines") == [["ease", "4", "0 %", "0 %"]]
    assert panel(page, "generators")[1] == ["bedrock", "1", "1,000", "50", "100 %", "$0.25"]
    assert panel(page, "handoffs") == [["Complaint, damaged or lost order", "4", "100 %"]]
    assert panel(page, "steps")[0][:2] == ["Product facts", "13 ms"]
    assert "do you sell tea?" in page.content.decode()
    assert "Compared with the 30 days before" in page.content.decode()


def test_each_plot_says_the_same_as_a_table(owner: Client) -> None:
    a_month()
    page = owner.get(PAGE, {"period": "week"})
    volume, quality, _speed = page.context["board"].plots
    assert [texts[:2] for _name, texts in volume.rows][-5:] == [
        ["0", "0"],
        ["4", "1"],
        ["4", "1"],
        ["4", "1"],
        ["5", "2"],
    ]
    assert len(volume.rows) == len(quality.rows) == 7
    shown = page.content.decode()
    assert shown.count("<summary>As a table</summary>") == 3
    assert shown.count("<rect") >= 4


def test_a_new_shop_is_told_what_will_stand_here(owner: Client) -> None:
    page = owner.get(PAGE).content.decode()
    assert "Nothing to count yet" in page
    assert "<figure" not in page
    # Before the first run of the task as well as after it.
    roll_up()
    assert "Nothing to count yet" in owner.get(PAGE).content.decode()


def test_what_has_gone_of_a_budget_for_models_is_told(owner: Client) -> None:
    AssistantSettings.objects.update_or_create(pk=AssistantSettings.THE_ROW, defaults={"budget_per_day": "5"})
    count_spend(cost=1.25, read=10, written=10)
    assert tile(owner.get(PAGE), "spend").note == "today $1.25 of $5.00"


def test_in_japanese(owner: Client) -> None:
    a_month()
    page = owner.get(PAGE, {"period": "month"}, headers={"accept-language": "ja"}).content.decode()
    page = page[page.index('<div class="ma-day">') :]
    for text in ("概要", "会話", "質問", "ご要望の内容", "前の30日間", "商品"):
        assert text in page
    assert not re.search(r">\s*(Questions|Answered|Cache|Recommendations|Not found|All is well)\s*<", page)


def test_nothing_of_it_needs_a_weaker_policy(owner: Client) -> None:
    a_month()
    page = owner.get(PAGE, {"period": "month"})
    shown = page.content.decode()
    assert not re.search(
        r"\sstyle=|\son[a-z]+=|<style|<script(?![^>]*\ssrc=)", shown[shown.index('<div class="ma-day') :]
    )
    assert "unsafe" not in page["Content-Security-Policy"]


# --- Now ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def failing() -> Iterator[breaker.Breaker]:
    made = breaker.Breaker("of-a-test", failures=1, pause_s=60)
    yield made
    del breaker.registry["of-a-test"]


def test_what_somebody_should_look_at_stands_first(owner: Client, failing: breaker.Breaker) -> None:
    assert owner.get(PAGE).context["board"].troubles == 0
    failing.failed()
    old = timezone.now() - timedelta(hours=3)
    for status in ("waiting", "parked", "parked", "done"):
        OutboxMessage.objects.create(topic="feedback", payload={}, status=status, created_at=old)
    page = owner.get(PAGE)
    lights = {light.label: (light.value, light.is_bad) for light in page.context["board"].lights}
    assert lights == {
        "On its way out": ("1", True),
        "Oldest of it": ("3 hours", True),
        "Parked": ("2", True),
        "Services that fail": ("of-a-test", True),
    }
    assert "Somebody should look at this" in page.content.decode()
    assert "status__exact=parked" in page.content.decode()


def test_figures_that_nobody_counts_any_more_say_so(owner: Client) -> None:
    a_month()
    assert "Nothing has been counted since" not in owner.get(PAGE).content.decode()
    TallyMark.objects.update(ran_at=timezone.now() - timedelta(minutes=6))
    assert "Nothing has been counted since" in owner.get(PAGE).content.decode()


# --- How much -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("period", ["today", "week", "month"])
def test_the_same_few_queries_however_much_was_said_and_none_reads_turns(owner: Client, period: str) -> None:
    def asked_for() -> list[str]:
        with CaptureQueriesContext(connection) as queries:
            owner.get(PAGE, {"period": period})
        return [each["sql"] for each in queries]

    a_month()
    asked_for()
    few = asked_for()
    now = timezone.now()
    for number in range(60):
        turn(now - timedelta(hours=number * 5), intent=f"intent {number % 40}", engine=f"engine {number % 9}")
    for number in range(30):
        told = {"kind": "help", "language": "en", "question": f"question {number}", "at": now, "nearest": None}
        count([told])
        OutboxMessage.objects.create(topic=f"topic {number}", payload={})
    roll_up()
    many = asked_for()
    # PostgreSQL is asked for the time as well, for it is the outbox's clock there.
    assert len(many) == len(few) <= 14 + (connection.vendor == "postgresql")
    for table in ("chat_turn", "chat_message", "chat_conversation", "recommendations_interaction"):
        assert not any(table in sql for sql in many)


# --- Wording ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("share", "exact", "told"),
    [(None, False, "–"), (0.0, True, "0 %"), (0.336, False, "34 %"), (0.0336, True, "3.4 %"), (0.9996, False, "99.9 %"),
     (1.0, True, "100 %")],
)  # fmt: skip
def test_shares(share: float | None, exact: bool, told: str) -> None:
    assert wording.percent(share, exact=exact) == told


@pytest.mark.parametrize(
    ("ms", "told"),
    [(None, "–"), (0, "0 ms"), (0.26, "0.3 ms"), (339.4, "339 ms"), (1_149, "1.1 s"), (64_000, "64.0 s")],
)
def test_times(ms: float | None, told: str) -> None:
    assert wording.milliseconds(ms) == told


@pytest.mark.parametrize(
    ("seconds", "told"), [(0, "0 seconds"), (1, "1 second"), (119, "119 seconds"), (121, "2 minutes"), (1e6, "12 days")]
)
def test_durations(seconds: float, told: str) -> None:
    assert wording.duration(seconds) == told


def test_money_is_rounded() -> None:
    assert wording.dollars(1234.567) == "$1,234.57"


@pytest.mark.parametrize(
    ("highest", "top"), [(0, 1), (1, 1), (7, 10), (41, 50), (50, 50), (1_483, 2_000), (0.03, 0.04)]
)
def test_scales_end_at_round_numbers(highest: float, top: float) -> None:
    assert round_up(highest) == pytest.approx(top)


def test_a_plot_has_a_gap_where_nothing_is_known() -> None:
    points = [timezone.now() + timedelta(days=day) for day in range(3)]
    made = plot("x", "X", points, [("a", "line", [1.0, None, 2.0])], told=wording.count)
    assert made.rows[1][1] == ["–"]
    assert made.series[0].shape.line.count("M") == 2
    assert plot("x", "X", points, [("a", "line", [None] * 3)], told=wording.count).is_empty


def test_what_the_cache_saves_is_what_computing_takes_longer() -> None:
    assert saved({"hit_n": 10, "hit_us": 10_000, "miss_n": 2, "miss_us": 200_000}) == pytest.approx(0.99)
    assert saved({"hit_n": 10, "hit_us": 10_000}) == 0
    assert saved({"hit_n": 10, "hit_us": 10_000, "miss_n": 1, "miss_us": 10}) == 0
