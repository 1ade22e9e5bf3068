"""Prepared statements do what the same queries of Django's do, on the database that the suite runs on."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import Count
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from chat.models import Conversation, Message, Turn
from mangaassist.rehearsal import WriteRefused, only_reading, rehearsal
from mangaassist.statements import MOST_AT_ONCE, Insert, Select, SelectAmong, Update
from shop.models import Series

pytestmark = pytest.mark.django_db


def conversation(**fields: Any) -> Conversation:
    return Conversation.objects.create(session_id="s", **fields)


def test_columns_are_read_as_the_models_read_them() -> None:
    """Ids, times, JSON and what is empty."""
    mine = conversation(context={"page": ["日本", 1, None]})
    turn = Turn.objects.create(conversation=mine, trace={"steps": [{"ms": 1.5}]}, confidence=None)
    names = ["pk", "conversation_id", "trace", "confidence", "started_at", "stopping", "conversation__context"]
    select = Select(lambda id, attempt: Turn.objects.filter(pk=id, attempt=attempt).values_list(*names), UUID, int)
    assert select.rows(turn.pk, 1) == list(Turn.objects.filter(pk=turn.pk).values_list(*names))
    assert select.first(turn.pk, 2) is None
    assert select.first(uuid4(), 1) is None


def test_what_the_query_fixes_stays_fixed() -> None:
    mine, other = conversation(), conversation()
    for each in (mine, mine, other):
        Turn.objects.create(conversation=each)
    Turn.objects.filter(conversation=other).update(status="failed")
    select = Select(
        lambda id: Turn.objects.running().filter(conversation=id).order_by("-started_at").values_list("pk"), UUID
    )
    newest_first = Turn.objects.filter(conversation=mine).order_by("-started_at").values_list("pk")
    assert select.rows(mine.pk) == list(newest_first)
    assert select.rows(other.pk) == []


def test_it_is_made_once_and_asked_by_every_thread() -> None:
    made: list[UUID] = []

    def make(id: UUID) -> Any:
        made.append(id)
        return Conversation.objects.filter(pk=id).values_list("pk")

    select, mine = Select(make, UUID), conversation()
    assert [select.rows(mine.pk) for _ in range(3)] == [[(mine.pk,)]] * 3
    assert len(made) == 1
    assert made[0] != mine.pk


@pytest.mark.django_db(transaction=True)
def test_another_thread_asks_on_its_own_connection() -> None:
    mine = conversation(context={"of": "a thread"})
    select = Select(lambda id: Conversation.objects.filter(pk=id).values_list("context"), UUID)
    here = select.rows(mine.pk)

    def elsewhere() -> list[tuple[Any, ...]]:
        try:
            return select.rows(mine.pk)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as threads:
        assert threads.submit(elsewhere).result() == here == [({"of": "a thread"},)]


@pytest.mark.parametrize("many", [0, 1, 2, 3, 7, MOST_AT_ONCE, MOST_AT_ONCE + 1, 2 * MOST_AT_ONCE + 3])
def test_of_a_list_every_key_is_found_once(many: int) -> None:
    Series.objects.bulk_create([Series(id=f"s{number}", title=f"Title {number}") for number in range(300)])
    select = SelectAmong(lambda ids: Series.objects.filter(pk__in=ids).order_by().values_list("id", "title"))
    keys = [f"s{number}" for number in range(many)]
    # Twice, so that the second is asked with the statement of the first.
    for _ in range(2):
        assert sorted(select.rows([*keys, *keys, "unknown"])) == sorted((key, f"Title {key[1:]}") for key in keys)


def test_lists_of_all_lengths_need_few_statements() -> None:
    made: list[int] = []

    def make(ids: Any) -> Any:
        made.append(len(ids))
        return Series.objects.filter(pk__in=ids).values_list("id")

    select = SelectAmong(make)
    for many in range(1, 301):
        select.rows([str(number) for number in range(many)])
    assert made == [1, 2, 4, 8, 16, 32, 64, 128]


def test_an_update_changes_what_is_meant_and_says_how_much() -> None:
    mine, other = Turn.objects.create(conversation=conversation()), Turn.objects.create(conversation=conversation())
    end = Update(
        lambda id, attempt: Turn.objects.running().filter(pk=id, attempt=attempt),
        *(UUID, int),
        fields=["status", "trace", "confidence", "finished_at"],
    )
    now = timezone.now()
    ended = {"status": "complete", "trace": {"%s": ["'"]}, "confidence": 0.25, "finished_at": now}
    assert end(mine.pk, 2, **ended) == 0
    assert end(mine.pk, 1, **ended) == 1
    assert end(mine.pk, 1, **ended) == 0
    mine.refresh_from_db()
    other.refresh_from_db()
    assert {name: getattr(mine, name) for name in ended} == ended
    assert other.status == "running"


def test_a_row_is_stored_as_the_model_stores_it() -> None:
    insert = Insert(
        Conversation, "id customer_id session_id tenant locale channel state context created_at updated_at".split()
    )
    now = timezone.now()
    row: dict[str, Any] = {"customer_id": "%s'\";--", "session_id": "s", "tenant": "", "locale": "ja"}
    row |= {"channel": "widget", "state": "bot", "context": {"a": [1, "é"]}, "created_at": now, "updated_at": now}
    id = uuid4()
    insert(id=id, **row)
    stored = Conversation.objects.get(pk=id)
    assert {name: getattr(stored, name) for name in row} == row
    assert stored.last_turn_id is None
    with pytest.raises(IntegrityError), transaction.atomic():
        insert(id=id, **row)


def test_it_is_seen_by_whatever_watches_statements() -> None:
    mine = conversation()
    touch = Update(lambda id: Conversation.objects.filter(pk=id), UUID, fields=["updated_at"])
    with CaptureQueriesContext(
        connection,
    ) as seen:
        touch(mine.pk, updated_at=timezone.now())
    assert len(seen) == 1
    with rehearsal(), pytest.raises(WriteRefused):
        only_reading(lambda: touch(mine.pk, updated_at=timezone.now()))


def test_what_is_not_given_or_not_known_is_said() -> None:
    select = Select(lambda id: Conversation.objects.filter(pk=id).values_list("pk"), UUID)
    with pytest.raises(TypeError, match="1 values are needed, and 2 were given"):
        select.rows(uuid4(), uuid4())
    touch = Update(lambda id: Conversation.objects.filter(pk=id), UUID, fields=["updated_at"])
    with pytest.raises(KeyError, match="updated_at"):
        touch(uuid4())
    with pytest.raises(TypeError, match=r"\['locale'\] are none"):
        touch(uuid4(), updated_at=timezone.now(), locale="ja")
    insert = Insert(Message, ["content"])
    with pytest.raises(KeyError, match="content"):
        insert()


def test_a_query_that_loses_a_value_is_no_prepared_one() -> None:
    select = Select(lambda id: Conversation.objects.filter(locale="en").values_list("pk"), UUID)
    with pytest.raises(ValueError, match="does not stand in the query"):
        select.rows(uuid4())


def test_expressions_of_django_are_made_once_as_well() -> None:
    mine = conversation()
    Turn.objects.create(conversation=mine)
    select = Select(
        lambda id: Conversation.objects.filter(pk=id).order_by().annotate(many=Count("turns")).values_list("many"), UUID
    )
    assert select.rows(mine.pk) == [(1,)]
