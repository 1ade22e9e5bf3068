"""``manage.py roll_up``: counts for the overview what is new, without the limits of the minutely task.

``--since 2026-11-01`` counts again from that day on, from the rows that are there: after a backup was brought in, or
another TIME_ZONE was set. What belonged to conversations that are deleted by now is not counted again.
"""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from mangaassist.analytics.rollup import count_again, roll_up
from mangaassist.analytics.shop_time import beginning_of


class Command(BaseCommand):
    help = "Counts turns, handoffs, clicks and the cache for the overview in the admin."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--since", metavar="YYYY-MM-DD", help="count again from this day on")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["since"]:
            try:
                day = date.fromisoformat(options["since"])
            except ValueError as error:
                raise CommandError(f"--since: {error}") from error
            count_again(beginning_of(day))
        while not roll_up():
            self.stdout.write("…")
        self.stdout.write("Counted.")
