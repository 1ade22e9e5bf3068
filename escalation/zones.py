"""Time zones by their IANA names."""

from __future__ import annotations

from zoneinfo import available_timezones

# The world's areas; the rest of the database are old names and files of rules.
_AREAS = ("Africa/", "America/", "Antarctica/", "Asia/", "Atlantic/", "Australia/", "Europe/", "Indian/", "Pacific/")


def zone_choices() -> list[tuple[str, str]]:
    """For a form's list; read when it is shown, because the machine's time zone data may be updated."""
    return [("UTC", "UTC"), *((name, name) for name in sorted(available_timezones()) if name.startswith(_AREAS))]
