"""Indexes for tables that are in use while they get one: a migration's operation."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db.migrations.operations import AddIndex
from django.db.utils import NotSupportedError


class AddIndexConcurrently(AddIndex):
    """``CREATE INDEX CONCURRENTLY`` on PostgreSQL, where the plain one lets nobody write until it is built; the plain
    one elsewhere (SQLite has one writer at any time).

    Its migration says ``atomic = False``. One that was broken off leaves an index behind that is not valid
    (PostgreSQL's manual, "Building Indexes Concurrently"): the next attempt builds it anew.
    It waits for every transaction that began before, for as long as those take, and holds up nobody meanwhile: here
    the connection's ``lock_timeout`` is not in force.
    ``django.contrib.postgres`` has the same operation, but loads on no machine without PostgreSQL's driver.
    """

    atomic = False

    def describe(self) -> str:
        return f"Concurrently create index {self.index.name} on {self.model_name}"

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        if not _is_postgresql(schema_editor):
            super().database_forwards(app_label, schema_editor, from_state, to_state)
            return
        model = to_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            with _patience(schema_editor):
                _drop_invalid(schema_editor, self.index.name)
                schema_editor.add_index(model, self.index, concurrently=True)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        if not _is_postgresql(schema_editor):
            super().database_backwards(app_label, schema_editor, from_state, to_state)
            return
        model = from_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            with _patience(schema_editor):
                schema_editor.remove_index(model, self.index, concurrently=True)


def _is_postgresql(schema_editor: Any) -> bool:
    if schema_editor.connection.vendor != "postgresql":
        return False
    if schema_editor.connection.in_atomic_block:
        raise NotSupportedError("AddIndexConcurrently needs a migration with atomic = False.")
    return True


@contextmanager
def _patience(schema_editor: Any) -> Iterator[None]:
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('lock_timeout'), set_config('lock_timeout', '0', false)")
        before, _ = cursor.fetchone()
    try:
        yield
    finally:
        with schema_editor.connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, false)", [before])


def _drop_invalid(schema_editor: Any, name: str) -> None:
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid WHERE relname = %s AND NOT indisvalid",
            [name],
        )
        is_left = cursor.fetchone() is not None
    if is_left:
        schema_editor.execute(f"DROP INDEX CONCURRENTLY {schema_editor.quote_name(name)}")
