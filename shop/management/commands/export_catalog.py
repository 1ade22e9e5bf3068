"""Writes the catalogue as a feed."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from shop.feed import export_feed, exported_kinds


class Command(BaseCommand):
    help = "Writes series, editions, offers, promotions and articles to standard output, as import_catalog reads them."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--kind", action="append", default=[], choices=exported_kinds(), help="this kind alone")

    def handle(self, *args: Any, **options: Any) -> None:
        for line in export_feed(options["kind"]):
            sys.stdout.write(line.decode())
