"""The whole database into one file (docs/deployment.md says what else there is to keep)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from mangaassist.backups import BackupError, back_up
from mangaassist.checks import SETTINGS


class Command(BaseCommand):
    help = "Writes the database into FILE, while everything runs: PostgreSQL's custom format, or an SQLite file."
    requires_system_checks = (SETTINGS,)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        try:
            back_up(path)
        except BackupError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Backed up: {path} ({path.stat().st_size:,} bytes).")
