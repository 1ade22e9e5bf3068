"""Writes docs/configuration.md, or shows it."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from mangaassist.checks import SETTINGS
from mangaassist.settings_reference import reference


class Command(BaseCommand):
    help = "Prints the reference of all environment variables; --write puts it into docs/configuration.md."
    requires_system_checks = (SETTINGS,)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--write", action="store_true", help="into docs/configuration.md")

    def handle(self, *, write: bool, **options: Any) -> None:
        page = reference(settings.BASE_DIR / ".env.example")
        if write:
            (settings.BASE_DIR / "docs" / "configuration.md").write_text(page, encoding="utf-8")
        else:
            self.stdout.write(page, ending="")
