"""``manage.py export_personalize FOLDER``: what Amazon Personalize is trained with."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from recommendations.export import write


class Command(BaseCommand):
    help = "Writes interactions, items and users as CSV with their schemas, ready for Amazon Personalize."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, help="is made if it does not exist; files of these names are replaced")

    def handle(self, *args: Any, **options: Any) -> None:
        with tqdm(desc="Rows", unit=" rows", disable=None, leave=False) as bar:
            try:
                written = write(options["folder"], bar.update)
            except OSError as error:
                raise CommandError(f"{options['folder']}: {error.strerror or error}") from error
        told = ", ".join(f"{rows:,} {name.lower()}" for name, rows in written.items())
        self.stdout.write(f"{told} written to {options['folder']}")
