"""The database as a backup holds it (docs/deployment.md says what to stop before and to start after)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from mangaassist.backups import BackupError, restore
from mangaassist.checks import SETTINGS


class Command(BaseCommand):
    help = "Makes the database what FILE holds, all or nothing, and empties the cache. Everything else must be stopped."
    requires_system_checks = (SETTINGS,)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE")
        parser.add_argument("--replace", action="store_true", help="give up what is in the database now")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        try:
            restore(path, replace=options["replace"])
        except BackupError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Restored from {path}. Next: migrations (the release), then all processes.")
