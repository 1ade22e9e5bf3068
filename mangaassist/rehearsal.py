"""A rehearsal: work is done as ever, with what is true now, and leaves nothing behind.

Whoever would keep, count or send something asks :func:`is_rehearsal` first. Behind them all, the database threads let
nothing but reading through: what was forgotten fails, and is never done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

from django.db import DatabaseError, connection

T = TypeVar("T")
_rehearsing: ContextVar[bool] = ContextVar("rehearsing", default=False)
# What a statement that only reads begins with; transactions and savepoints change nothing of themselves.
_READS = ("SELECT", "BEGIN", "SAVEPOINT", "RELEASE SAVEPOINT", "ROLLBACK TO SAVEPOINT")


class WriteRefused(DatabaseError):
    """A rehearsal tried to store something."""


@contextmanager
def rehearsal() -> Iterator[None]:
    """In this context, and in the tasks and threads that are begun from it."""
    token = _rehearsing.set(True)
    try:
        yield
    finally:
        _rehearsing.reset(token)


@contextmanager
def in_earnest() -> Iterator[None]:
    """Within a rehearsal, for what really happens all the same: a model that was asked has to be paid."""
    token = _rehearsing.set(False)
    try:
        yield
    finally:
        _rehearsing.reset(token)


def is_rehearsal() -> bool:
    return _rehearsing.get()


def only_reading(function: Callable[[], T]) -> T:
    """``function()``, in a rehearsal with this thread's connection refusing to write (:class:`WriteRefused`)."""
    if not is_rehearsal():
        return function()
    with connection.execute_wrapper(_refuse_writing):
        return function()


def _refuse_writing(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
    if not sql.lstrip(" (\n").upper().startswith(_READS):
        raise WriteRefused(f"A rehearsal stores nothing: {sql[:80]}")
    return execute(sql, params, many, context)
