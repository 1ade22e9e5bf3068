"""Makes a partner's key, or a new secret for one, and shows it once."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from mangaassist.access.audit import Kind, record
from partners.models import DEFAULT_RATE, SCOPES, ApiKey, create_api_key


class Command(BaseCommand):
    help = "Creates an API key; its secret is the last line of the output and is never shown again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="whose key it is")
        parser.add_argument("--scope", action="append", default=[], help=f"one of {', '.join(SCOPES)}; all by default")
        parser.add_argument("--expires", type=_time, help="when it ends, such as 2027-01-31T00:00Z; never by default")
        parser.add_argument("--rate", type=int, default=DEFAULT_RATE, help="requests a minute (%(default)s)")
        parser.add_argument("--daily-cap", type=int, help="requests a day; no cap by default")
        parser.add_argument("--origin", action="append", default=[], help="of pages that may use it; repeatable")
        parser.add_argument("--network", action="append", default=[], help="it works from, as CIDR; repeatable")
        parser.add_argument(
            "--rotate", action="store_true", help="a new secret for the one usable key of that name instead"
        )
        parser.add_argument("--overlap-hours", type=float, default=168, help="old secrets work on (%(default)s)")

    def handle(self, *args: Any, **options: Any) -> None:
        key, secret = self._rotated(options) if options["rotate"] else self._created(options)
        verb = "rotated" if options["rotate"] else "added"
        record(Kind.KEY, actor="command line", what=f"api key {key.name} ({key.pk})", detail=verb)
        self.stderr.write(f"{key.name}: {', '.join(key.scopes)}. Keep it safe: it cannot be shown again.")
        self.stdout.write(secret)

    def _created(self, options: dict[str, Any]) -> tuple[ApiKey, str]:
        try:
            return create_api_key(
                options["name"],
                options["scope"] or list(SCOPES),
                expires_at=options["expires"],
                rate_per_minute=options["rate"],
                daily_cap=options["daily_cap"],
                allowed_origins=options["origin"],
                allowed_networks=options["network"],
            )
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error

    def _rotated(self, options: dict[str, Any]) -> tuple[ApiKey, str]:
        found = list(ApiKey.objects.filter(name=options["name"], revoked_at=None)[:2])
        if len(found) != 1:
            raise CommandError(f"There {'are several' if found else 'is no'} usable key named {options['name']!r}.")
        return found[0], found[0].rotate(old_until=timezone.now() + timedelta(hours=options["overlap_hours"]))


def _time(text: str) -> datetime:
    """Raises ``ValueError``, which argparse tells as a wrong value."""
    parsed = parse_datetime(text)
    if parsed is None:
        raise ValueError(text)
    return parsed if timezone.is_aware(parsed) else timezone.make_aware(parsed)
