"""The rows that an import leaves in an empty shop, kept to be written again: a hundredth of what the import takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.apps import apps
from django.db import connection, transaction

from caching.invalidation import invalidate
from caching.trust import TOPIC
from mangaassist.outbox.delivery import enqueue
from mangaassist.outbox.models import OutboxMessage

# Of the word index, which is no model's (shop.search_index).
WORDS = ("shop_search", "shop_search_rows")
# By table: its columns, and its rows as SQLite has them.
_Rows = dict[str, tuple[list[str], list[tuple[Any, ...]]]]
_kept: dict[Callable[[], None], tuple[_Rows, list[tuple[str, dict[str, Any]]]]] = {}


def again(load: Callable[[], None]) -> None:
    """Calls ``load`` where its rows are not known yet, or where there are rows already, or on PostgreSQL."""
    if connection.vendor != "sqlite" or not _is_empty():
        load()
        return
    if load not in _kept:
        before = set(OutboxMessage.objects.values_list("pk", flat=True))
        load()
        asked = OutboxMessage.objects.exclude(pk__in=before).order_by("created_at")
        _kept[load] = _rows(), list(asked.values_list("topic", "payload"))
        return
    rows, asked_for = _kept[load]
    with transaction.atomic():
        for table in WORDS:
            # Nobody empties it after a test: its rows of products that are no more are never found.
            connection.connection.execute(f"DELETE FROM {table}")
        for table, (columns, values) in rows.items():
            names, places = ", ".join(columns), ", ".join("?" * len(columns))
            connection.connection.executemany(f"INSERT INTO {table} ({names}) VALUES ({places})", values)
        invalidate(tag for topic, payload in asked_for if topic == TOPIC for tag in payload["tags"])
        for topic, payload in asked_for:
            if topic != TOPIC:
                enqueue(topic, payload)


def _tables() -> list[str]:
    models = [model for app in ("shop", "knowledge") for model in apps.get_app_config(app).get_models(True)]
    return [model._meta.db_table for model in models]


def _is_empty() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT " + " OR ".join(f"EXISTS (SELECT 1 FROM {table})" for table in _tables()))
        return not cursor.fetchone()[0]


def _rows() -> _Rows:
    found: _Rows = {}
    with connection.cursor() as cursor:
        for table in (*_tables(), *WORDS):
            columns = [each.name for each in connection.introspection.get_table_description(cursor, table)]
            if table == WORDS[0]:
                columns.insert(0, "rowid")
            # The sign keeps SQLite's own values: without it dates become objects of Python's.
            cursor.execute(f"SELECT {', '.join('+' + column for column in columns)} FROM {table}")
            if rows := cursor.fetchall():
                found[table] = columns, rows
    return found
