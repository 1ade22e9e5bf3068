"""What a connection to PostgreSQL is told at its beginning."""

from __future__ import annotations

from typing import Any

# As long as SQLite's writers wait (settings/stores.py).
LOCK_TIMEOUT = "5s"


def limit_lock_waits(connection: Any, **options: Any) -> None:
    """A receiver of ``connection_created``: nobody waits longer for another's lock. A question that finds its
    conversation locked is refused and keeps no thread, and a migration that finds its table in use gives up instead of
    holding up everybody behind it.

    What the address says (``?options=-c lock_timeout=…``) counts. Sent as a statement, since poolers and proxies refuse
    connections that begin with options.
    """
    said = connection.settings_dict["OPTIONS"].get("options", "")
    if connection.vendor == "postgresql" and "lock_timeout" not in said:
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, false)", [LOCK_TIMEOUT])
