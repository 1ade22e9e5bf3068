"""Makes a partner's key and shows it once."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from partners.models import SCOPES, create_api_key


class Command(BaseCommand):
    help = "Creates an API key; its secret is the last line of the output and is never shown again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="whose key it is")
        parser.add_argument("--scope", action="append", default=[], help=f"one of {', '.join(SCOPES)}; all by default")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            key, secret = create_api_key(options["name"], options["scope"] or list(SCOPES))
        except ValueError as error:
            raise CommandError(str(error)) from error
        self.stderr.write(f"{key.name}: {', '.join(key.scopes)}. Keep it safe: it cannot be shown again.")
        self.stdout.write(secret)
