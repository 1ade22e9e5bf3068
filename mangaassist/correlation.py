"""One id for all that one request sets off: in log lines, outbox rows and tasks, from the browser to the worker.

It is the shopper's ``client_msg_id`` where there is one, else the request's own (``X-Request-ID``): what was made by
a machine, and never anything that a shopper has typed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from structlog.contextvars import bound_contextvars, get_contextvars

# Its name in log lines, in outbox rows and in the headers of tasks.
NAME = "correlation"


def current() -> str:
    """Empty outside of any request."""
    return str(get_contextvars().get(NAME, ""))


@contextmanager
def correlated(id: str, **also: str) -> Iterator[None]:
    """In this context, and in the tasks and threads that are begun from it. Nothing for an empty id.

    ``also``: further names for log lines only.
    """
    named = {name: value for name, value in ({NAME: id} | also).items() if value}
    with bound_contextvars(**named):
        yield


def is_id(text: str) -> bool:
    """Whether it may stand in logs: a UUID in its usual form."""
    try:
        return str(UUID(text)) == text.lower()
    except ValueError:
        return False
