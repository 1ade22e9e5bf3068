"""Lists of tables that grow without end: nothing counts all rows, nothing looks for words in all of them."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from chat.models import Conversation, Feedback, Turn
from escalation.models import Handoff
from mangaassist import lists
from mangaassist.access.models import AuditEntry
from mangaassist.analytics.models import AnalyticsEvent
from mangaassist.lists import LongList
from mangaassist.outbox.models import OutboxMessage, QueuedMessage
from partners.webhooks.models import WebhookMessage
from recommendations.models import Interaction
from shop.models import Cart, Order
from tests.mangaassist.rows import fill

pytestmark = pytest.mark.django_db
LONG: list[tuple[Any, dict[str, Any]]] = [
    (Order, {}), (Cart, {}), (OutboxMessage, {"topic": "feedback"}), (Handoff, {"status": "closed"}), (AuditEntry, {}),
    (Interaction, {}), (Conversation, {}), (Turn, {}), (Feedback, {}), (QueuedMessage, {}), (WebhookMessage, {}),
    (AnalyticsEvent, {}),
]  # fmt: skip
# A count of all rows that no LIMIT ends; a tally of topics (outbox) reads the index of what is unfinished alone.
COUNT_OF_ALL = re.compile(r'^SELECT COUNT\(\*\) AS "__count" FROM')
WORDS = re.compile(r"\bLIKE\b")


def address(model: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def asked(client: Client, model: Any, **query: str) -> list[str]:
    with CaptureQueriesContext(connection) as queries:
        assert client.get(address(model), query).status_code == 200
    return [str(each["sql"]) for each in queries]


@pytest.mark.parametrize(("model", "same"), LONG, ids=[model.__name__ for model, _ in LONG])
def test_a_long_list_counts_and_searches_within_bounds(admin_client: Client, model: Any, same: dict[str, Any]) -> None:
    fill(model, 3, **same)
    table = model._meta.db_table
    for query in ({}, {"q": "nowhere"}):
        of_list = [sql for sql in asked(admin_client, model, **query) if f'FROM "{table}"' in sql]
        assert not [sql for sql in of_list if COUNT_OF_ALL.match(sql)]
        assert all("LIMIT" in sql for sql in of_list if WORDS.search(sql)), of_list


def walks(sql: str, table: str) -> list[str]:
    """The steps of SQLite's plan that read all of a table, or sort what they have read."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
        plan = [(row[1], str(row[3])) for row in cursor.fetchall()]
    steps = [step for _, step in plan]
    # Not within what is asked for each row of a page.
    sorts = [step for parent, step in plan if parent == 0 and "TEMP B-TREE FOR ORDER BY" in step]
    # Along an index it ends with the LIMIT.
    scans = [step for step in steps if re.match(rf"SCAN {table}\b", step)]
    return sorts + [step for step in scans if "LIMIT" not in sql or not _is_in_order(step, sql)]


def _is_in_order(step: str, sql: str) -> bool:
    return (
        "INDEX" in step
        or "ORDER BY" not in sql
        or re.search(r'ORDER BY (?:1|"\w+"\."id") (?:DESC|ASC)', sql) is not None
    )


@pytest.mark.skipif(connection.vendor != "sqlite", reason="reads SQLite's plans")
@pytest.mark.parametrize(("model", "wanted", "chosen"), [
    (OutboxMessage, {}, {}), (OutboxMessage, {"status": "parked"}, {"status__exact": "parked"}),
    (QueuedMessage, {}, {}), (QueuedMessage, {"dead": True}, {"dead__exact": "1"}),
    (WebhookMessage, {}, {}), (WebhookMessage, {"status": "failed"}, {"status__exact": "failed"}),
    (AnalyticsEvent, {}, {}),
    (AnalyticsEvent, {"event": "turn_finished"}, {"event": "turn_finished"}), (Interaction, {}, {}), (Turn, {}, {}),
    (Conversation, {}, {}), (AuditEntry, {}, {}),
])  # fmt: skip
def test_it_opens_along_an_index(
    admin_client: Client, model: Any, wanted: dict[str, Any], chosen: dict[str, str]
) -> None:
    # What is on one page is read without a LIMIT: there is more.
    fill(model, LongList.list_per_page + 1, **wanted)
    table = model._meta.db_table
    of_list = [sql for sql in asked(admin_client, model, **chosen) if f'FROM "{table}"' in sql]
    # How topics stand, above the list, reads the index of what is unfinished alone.
    standing = (f'SELECT "{table}"."error" AS', f'SELECT "{table}"."topic" AS "topic", COUNT(')
    of_list = [sql for sql in of_list if not sql.startswith(standing)]
    assert of_list
    assert {sql: steps for sql in of_list if (steps := walks(sql, table))} == {}


@pytest.mark.parametrize(("model", "field"), [
    (Order, "customer_id"), (Order, "tracking"), (Cart, "session_id"), (OutboxMessage, "key"), (Handoff, "reason"),
    (AuditEntry, "detail"), (Interaction, "asin"), (WebhookMessage, "conversation_id"), (AnalyticsEvent, "session_id"),
])  # fmt: skip
def test_it_finds_what_it_did(admin_client: Client, model: Any, field: str) -> None:
    same: dict[str, Any] = {"status": "closed"} if model is Handoff else {}
    wanted, other = fill(model, 1, **same | {field: "sora-1988"})[0], fill(model, 1, **same)[0]
    shown: Any = admin_client.get(address(model), {"q": "sora-1988"}).context["cl"]
    assert [row.pk for row in shown.result_list] == [wanted.pk]
    assert other.pk != wanted.pk


def test_words_are_looked_for_in_the_newest_rows(admin_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "SEARCHED", 3)
    # The sign-in is the newest of them.
    fill(AuditEntry, 4, detail="a word")
    shown: Any = admin_client.get(address(AuditEntry), {"q": "word"}).context["cl"]
    assert len(shown.result_list) == 2


def test_an_id_finds_its_row_and_what_is_none_finds_nothing(admin_client: Client) -> None:
    row = fill(OutboxMessage, 2, topic="feedback")[0]
    for term, found in ((str(row.pk), [row.pk]), ("no-id", [])):
        shown: Any = admin_client.get(address(OutboxMessage), {"q": term}).context["cl"]
        assert [each.pk for each in shown.result_list] == found


@pytest.mark.parametrize("order", ["6", "-6", "7"])
def test_turns_are_sorted_by_no_column_without_an_index(admin_client: Client, order: str) -> None:
    fill(Turn, 2)
    assert not [sql for sql in asked(admin_client, Turn, o=order) if 'ORDER BY "chat_turn"."latency_ms"' in sql]


@pytest.mark.parametrize("name", [
    "analytics_unansweredquestion", "partners_webhook", "partners_webhookmessage", "shop_order", "chat_turn",
])  # fmt: skip
def test_the_navigation_stands_beside_every_list(admin_client: Client, name: str) -> None:
    assert 'id="nav-sidebar"' in admin_client.get(reverse(f"admin:{name}_changelist")).content.decode()
