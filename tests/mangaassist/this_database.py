"""The database of the test that runs, for the processes that it starts."""

from __future__ import annotations

from urllib.parse import quote

from django.db import connection


def database_url() -> str:
    known = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{known['NAME']}"
    login = ":".join(quote(str(known[part]), safe="") for part in ("USER", "PASSWORD") if known[part])
    return f"postgres://{login}@{known['HOST']}:{known['PORT']}/{known['NAME']}"
