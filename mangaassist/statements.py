"""Statements that every turn asks: Django makes their SQL once for each process, from the models as ever.

Django makes the SQL of a query anew each time, which costs a turn more than all that SQLite does for it
(docs/decisions/0020-prepared-statements.md). Values are still adapted, and columns read, by the models' fields; what
watches statements (transactions, rehearsals, tests that count) sees these like all others. Signals of models are not
sent, and what a row needs has to be given: a default of Django's is none of the database's.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import cached_property
from typing import Any

from django.db import connection, models

# Makes a query from the values of its conditions.
Make = Callable[..., "models.QuerySet[Any, Any]"]
Value = uuid.UUID | int | str
# Stand for numbers while the SQL is made. Small ones: a field that could not hold it would have no rows to look for.
_NUMBERS = range(31_001, 31_100)
# Of a list in a condition; longer ones are asked for in parts.
MOST_AT_ONCE = 128


class _Conditions:
    """A query's SQL with places for values like these examples, and everything else in it as it was made."""

    def __init__(self, examples: Sequence[Value]) -> None:
        self._examples = [*examples]

    def _places(self, parameters: Iterable[Any]) -> list[tuple[int | None, Any]]:
        """For each parameter: which value it is, or None and the parameter itself."""
        examples = [_adapted(example) for example in self._examples]
        places: list[tuple[int | None, Any]] = [
            (examples.index(each), None) if each in examples else (None, each) for each in parameters
        ]
        if {at for at, _ in places if at is not None} != set(range(len(examples))):
            raise ValueError("A value does not stand in the query's SQL as it was given")
        return places

    def _filled(self, places: list[tuple[int | None, Any]], values: Sequence[Value]) -> list[Any]:
        if len(values) != len(self._examples):
            raise TypeError(f"{len(self._examples)} values are needed, and {len(values)} were given")
        return [each if at is None else _adapted(values[at]) for at, each in places]


def _adapted(value: Value) -> Value:
    """As the model's field gives it to this database."""
    if isinstance(value, uuid.UUID) and not connection.features.has_native_uuid_field:
        return value.hex
    return value


def _examples(kinds: Iterable[type[Value]]) -> list[Value]:
    return [
        _NUMBERS[at] if kind is int else uuid.uuid4() if kind is uuid.UUID else str(uuid.uuid4())
        for at, kind in enumerate(kinds)
    ]


class Select(_Conditions):
    """``make(*values)``: a query with ``values_list``; ``kinds``: of its values."""

    def __init__(self, make: Make, *kinds: type[Value]) -> None:
        super().__init__(_examples(kinds))
        self._make = make

    @cached_property
    def _sql(self) -> tuple[str, list[tuple[int | None, Any]], list[tuple[int, list[Any], Any]]]:
        compiler = self._make(*self._examples).query.get_compiler(connection=connection)
        sql, parameters = compiler.as_sql()
        selected = [expression for expression, _, _ in compiler.select]
        converters = compiler.get_converters(selected)
        return sql, self._places(parameters), [(at, list(each), selected[at]) for at, (each, _) in converters.items()]

    def rows(self, *values: Value) -> list[tuple[Any, ...]]:
        """All rows, in the order that the query asks for."""
        sql, places, converters = self._sql
        with connection.cursor() as cursor:
            cursor.execute(sql, self._filled(places, values))
            rows: list[tuple[Any, ...]] = cursor.fetchall()
        return [_converted(row, converters) for row in rows] if converters else rows

    def first(self, *values: Value) -> tuple[Any, ...] | None:
        return next(iter(self.rows(*values)), None)


def _converted(row: tuple[Any, ...], converters: list[tuple[int, list[Any], Any]]) -> tuple[Any, ...]:
    cells = list(row)
    for at, each, expression in converters:
        for convert in each:
            cells[at] = convert(cells[at], expression, connection)
    return tuple(cells)


class SelectAmong:
    """``make(keys)``: a query with ``values_list`` of rows that have one of these text keys, in no order of its own."""

    def __init__(self, make: Make) -> None:
        self._make = make
        self._by_length: dict[int, Select] = {}

    def rows(self, keys: Collection[str]) -> list[tuple[Any, ...]]:
        wanted, rows = list(dict.fromkeys(keys)), []
        for begin in range(0, len(wanted), MOST_AT_ONCE):
            part = wanted[begin : begin + MOST_AT_ONCE]
            # Few lengths, hence few statements: the last key is asked for again.
            length = 1 << (len(part) - 1).bit_length()
            if length not in self._by_length:
                self._by_length[length] = Select(lambda *each: self._make(each), *[str] * length)
            rows += self._by_length[length].rows(*part, *[part[-1]] * (length - len(part)))
        return rows


class Update(_Conditions):
    """``make(*values)``: the rows that are meant; ``fields``: those that get something new, by their names."""

    def __init__(self, make: Make, *kinds: type[Value], fields: Sequence[str]) -> None:
        super().__init__(_examples(kinds))
        self._make = make
        self._names = fields

    @cached_property
    def _sql(self) -> tuple[str, list[tuple[int | None, Any]], list[Any]]:
        query, quote = self._make(*self._examples).query, connection.ops.quote_name
        model: Any = query.model
        where, parameters = query.where.as_sql(query.get_compiler(connection=connection), connection)
        fields = [model._meta.get_field(name) for name in self._names]
        changes = ", ".join(f"{quote(field.column)} = %s" for field in fields)
        sql = f"UPDATE {quote(model._meta.db_table)} SET {changes} WHERE {where}"  # noqa: S608  # nosec B608  # our models
        return sql, self._places(parameters), fields

    def __call__(self, *values: Value, **new: Any) -> int:
        """→ How many rows were changed. Each of ``fields`` is to be given."""
        sql, places, fields = self._sql
        with connection.cursor() as cursor:
            cursor.execute(sql, [*_stored(fields, new), *self._filled(places, values)])
            return int(cursor.rowcount)


class Insert:
    """A row with these fields, by their names; all others are its key, empty, or have a default in the database."""

    def __init__(self, model: type[models.Model], fields: Sequence[str]) -> None:
        self._model = model
        self._names = fields

    @cached_property
    def _sql(self) -> tuple[str, list[Any]]:
        quote = connection.ops.quote_name
        fields: list[Any] = [self._model._meta.get_field(name) for name in self._names]
        columns, places = ", ".join(quote(each.column) for each in fields), ", ".join(["%s"] * len(fields))
        sql = f"INSERT INTO {quote(self._model._meta.db_table)} ({columns}) VALUES ({places})"  # noqa: S608  # nosec B608  # our models
        return sql, fields

    def __call__(self, **row: Any) -> None:
        sql, fields = self._sql
        with connection.cursor() as cursor:
            cursor.execute(sql, _stored(fields, row))


def _stored(fields: list[Any], given: dict[str, Any]) -> list[Any]:
    """In the fields' order and spelling. A ``KeyError`` names what was not given."""
    if len(given) > len(fields):
        raise TypeError(f"{sorted(given.keys() - {field.name for field in fields})} are none of its fields")
    return [field.get_db_prep_save(given[field.name], connection) for field in fields]
