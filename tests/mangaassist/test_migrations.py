"""Migrations run while the version before still serves (docs/migrations.md): what each of them must not do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, migrations, models
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ModelState, ProjectState
from django.db.utils import NotSupportedError
from django.test.utils import CaptureQueriesContext

from mangaassist.indexing import AddIndexConcurrently

# The last migration of each app before the rule: nobody has run a version without them.
BASELINE = {
    "access": 1, "analytics": 3, "caching": 1, "chat": 7, "escalation": 7, "knowledge": 6, "outbox": 5, "partners": 5,
    "privacy": 2, "recommendations": 3, "shop": 7,
}  # fmt: skip
# Tables of some hundred rows at most: their index is there before anybody waits.
SMALL = {
    "access.staffsession", "caching.cachepolicy", "chat.assistantsettings", "escalation.agentpresence",
    "escalation.cannedreply", "escalation.escalationrule", "escalation.handoffpolicy", "escalation.officehours",
    "knowledge.indexversion", "outbox.shardlease", "outbox.streamend", "partners.apikey", "partners.webhook",
    "recommendations.experiment", "shop.promotion",
}  # fmt: skip


def faults(app: str, migration: migrations.Migration, before: ProjectState) -> Iterator[str]:
    """What code of the version before, or a table in use, would not bear. A migration that takes something away says in
    ``unused_since`` which released version stopped using it."""
    explained, state, new = bool(getattr(migration, "unused_since", "")), before.clone(), set[str]()
    for operation in migration.operations:
        if isinstance(operation, migrations.CreateModel):
            new.add(operation.name_lower)
        elif getattr(operation, "model_name_lower", None) not in new:
            told = _fault(app, migration, operation, state)
            if told and not (explained and told.startswith("takes away")):
                yield f"{operation.describe()}: {told}"
        operation.state_forwards(app, state)


def _fault(app: str, migration: migrations.Migration, operation: Any, state: ProjectState) -> str:
    match operation:
        case migrations.RemoveField() | migrations.DeleteModel():
            return "takes away what the version before still selects"
        case migrations.RenameField() | migrations.RenameModel() | migrations.AlterModelTable():
            return "takes away the old name: add the new one, copy, and remove the old one a version later"
        case migrations.AddField(field=field) if not field.many_to_many:
            bears = field.null or field.has_db_default() or getattr(field, "generated", False)
            return "" if bears else "rows of the version before lack it: null=True or db_default"
        case migrations.AlterField(field=field):
            return _alteration(state.models[app, operation.model_name_lower].fields[operation.name], field)
        case AddIndexConcurrently():
            return "a transaction is around it: atomic = False" if migration.atomic else ""
        case migrations.AddIndex() if f"{app}.{operation.model_name_lower}" not in SMALL:
            return "nobody could write meanwhile: mangaassist.indexing.AddIndexConcurrently, or name the table SMALL"
        case migrations.AddConstraint() if f"{app}.{operation.model_name_lower}" not in SMALL:
            return "nobody could write meanwhile, and rows of the version before may break it"
        case _:
            return ""


def _alteration(old: Any, new: Any) -> str:
    if old.null and not new.null:
        return "rows of the version before may be NULL"
    if type(old) is not type(new):
        return "another type is another column: add one, copy, and remove the old one a version later"
    if (new.max_length or 0) < (old.max_length or 0):
        return "what the version before writes may be longer"
    if (new.db_index and not old.db_index) or (new.unique and not old.unique):
        return "an index that is built while nobody can write: AddIndexConcurrently"
    return ""


def ours() -> Iterator[tuple[str, migrations.Migration, ProjectState]]:
    loader = MigrationLoader(None)
    own = {config.label for config in apps.get_app_configs() if "site-packages" not in config.path}
    for app, name in sorted(loader.disk_migrations):
        if app in own and int(name[:4]) > BASELINE.get(app, 0):
            yield app, loader.disk_migrations[app, name], loader.project_state((app, name), at_end=False)


NEW = [pytest.param(*each, id=f"{each[0]}.{each[1].name}") for each in ours()]


@pytest.mark.parametrize(("app", "migration", "before"), NEW)
def test_the_version_before_goes_on_while_it_runs(app: str, migration: Any, before: ProjectState) -> None:
    assert list(faults(app, migration, before)) == []


def test_the_baseline_names_migrations_that_are_there() -> None:
    there = {(app, int(name[:4])) for app, name in MigrationLoader(None).disk_migrations}
    assert set(BASELINE.items()) <= there


def thing(**fields: Any) -> ProjectState:
    state = ProjectState()
    state.add_model(ModelState("shop", "Thing", [("id", models.BigAutoField(primary_key=True)), *fields.items()]))
    return state


def made_of(*operations: Any, **more: Any) -> Any:
    kind = type("Migration", (migrations.Migration,), {"operations": list(operations), **more})
    return kind("0099_of_a_test", "shop")


INDEX = models.Index(fields=["name"], name="thing_name")


@pytest.mark.parametrize(("operation", "is_fault"), [
    (migrations.RemoveField("thing", "name"), True),
    (migrations.RenameField("thing", "name", "title"), True),
    (migrations.RenameModel("Thing", "Item"), True),
    (migrations.DeleteModel("Thing"), True),
    (migrations.AddField("thing", "size", models.IntegerField(default=0)), True),
    (migrations.AddField("thing", "size", models.IntegerField(db_default=0)), False),
    (migrations.AddField("thing", "size", models.IntegerField(null=True)), False),
    (migrations.AlterField("thing", "name", models.CharField(max_length=20)), True),
    (migrations.AlterField("thing", "name", models.CharField(max_length=9, null=True)), True),
    (migrations.AlterField("thing", "name", models.CharField(max_length=20, null=True, db_index=True)), True),
    (migrations.AlterField("thing", "name", models.TextField(null=True)), True),
    (migrations.AlterField("thing", "name", models.CharField(max_length=40, null=True)), False),
    (migrations.AddIndex("thing", INDEX), True),
    (AddIndexConcurrently("thing", INDEX), True),
    (migrations.AddConstraint("thing", models.UniqueConstraint(fields=["name"], name="once")), True),
    (migrations.RunPython(migrations.RunPython.noop), False),
])  # fmt: skip
def test_what_the_rule_finds(operation: Any, is_fault: bool) -> None:
    migration = made_of(operation)
    found = list(faults("shop", migration, thing(name=models.CharField(max_length=20, null=True))))
    assert bool(found) is is_fault, found


def test_what_nobody_uses_any_more_may_go_and_a_new_table_may_be_anything() -> None:
    fields: list[tuple[str, Any]] = [("id", models.BigAutoField(primary_key=True)), ("name", models.TextField())]
    going = (migrations.RemoveField("thing", "name"), migrations.CreateModel("Item", fields))
    migration = made_of(*going, migrations.AddIndex("item", INDEX), unused_since="1.4")
    assert list(faults("shop", migration, thing(name=models.CharField(max_length=20)))) == []
    migration = made_of(AddIndexConcurrently("thing", INDEX), atomic=False)
    assert list(faults("shop", migration, thing(name=models.CharField(max_length=20)))) == []


@pytest.mark.django_db(transaction=True)
def test_an_index_is_built_beside_who_writes_and_taken_back() -> None:
    operation = AddIndexConcurrently("thing", INDEX)
    before = thing(name=models.CharField(max_length=20))
    after = before.clone()
    operation.state_forwards("shop", after)
    table: Any = before.apps.get_model("shop", "Thing")
    with connection.schema_editor(atomic=False) as editor:
        editor.create_model(table)
    try:
        with CaptureQueriesContext(connection) as asked, connection.schema_editor(atomic=False) as editor:
            operation.database_forwards("shop", editor, before, after)
        assert "thing_name" in indexes(table)
        is_postgresql = connection.vendor == "postgresql"
        assert any("CONCURRENTLY" in each["sql"] for each in asked) is is_postgresql
        if is_postgresql:
            # As one that was broken off leaves it.
            with connection.cursor() as cursor:
                cursor.execute("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'thing_name'::regclass")
            with connection.schema_editor(atomic=False) as editor:
                operation.database_forwards("shop", editor, before, after)
            with connection.cursor() as cursor:
                cursor.execute("SELECT indisvalid FROM pg_index WHERE indexrelid = 'thing_name'::regclass")
                assert cursor.fetchone() == (True,)
                cursor.execute("SHOW lock_timeout")
                assert cursor.fetchone() == ("5s",)
            with pytest.raises(NotSupportedError), connection.schema_editor(atomic=True) as editor:
                operation.database_forwards("shop", editor, before, after)
        with connection.schema_editor(atomic=False) as editor:
            operation.database_backwards("shop", editor, after, before)
        assert "thing_name" not in indexes(table)
    finally:
        with connection.schema_editor(atomic=False) as editor:
            editor.delete_model(table)


def indexes(table: Any) -> set[str]:
    with connection.cursor() as cursor:
        return set(connection.introspection.get_constraints(cursor, table._meta.db_table))
