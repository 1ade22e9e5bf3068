"""A lease is kept while somebody works under it, which may take longer than it lasts."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog
from django.db import DatabaseError, InterfaceError, connection

log = structlog.get_logger(__name__)


@contextmanager
def kept(
    renew: Callable[[], object], *, lease_s: float, longest_s: float, hangs: str, **told: object
) -> Iterator[None]:
    """Calls ``renew`` three times in each ``lease_s``, in a thread of its own, until the block ends.

    A renewal that the database refuses is tried again with the next one, on a new connection: there is time for it.
    Work that takes longer than ``longest_s`` hangs: the lease is let go for another thread or process, and the log says
    so (the event ``hangs``, with ``told``).
    """
    over = threading.Event()

    def keep() -> None:
        try:
            for _ in range(int(longest_s / (lease_s / 3))):
                if over.wait(lease_s / 3):
                    return
                try:
                    renew()
                except (DatabaseError, InterfaceError) as error:
                    log.warning("lease_not_renewed", error=repr(error)[:200], **told)
                    connection.close_if_unusable_or_obsolete()
            if not over.wait(lease_s / 3):
                log.error(hangs, **told)
        finally:
            connection.close()

    keeper = threading.Thread(target=keep, name="lease", daemon=True)
    keeper.start()
    try:
        yield
    finally:
        over.set()
        keeper.join()
