"""Erases one shopper everywhere."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from mangaassist.privacy.erasing import erase
from mangaassist.privacy.management.commands.export_shopper import add_shopper, shopper_in


class Command(BaseCommand):
    help = "Removes everything that is kept of one shopper, but for the merchant's orders. It cannot be undone."

    def add_arguments(self, parser: CommandParser) -> None:
        add_shopper(parser)
        parser.add_argument("--yes", action="store_true", help="do it; without this it only says what it found")

    def handle(self, *args: Any, **options: Any) -> None:
        subject = shopper_in(options)
        if not options.get("yes"):
            found = f"{len(subject.conversations)} conversations, {len(subject.sessions)} sessions"
            raise CommandError(f"Found: {found}. Nothing was removed: add --yes to erase.")
        erasure = erase(subject, by="command line")
        removed = ", ".join(f"{count} {name}" for name, count in sorted(erasure.counts.items())) or "nothing was kept"
        self.stdout.write(f"Erased ({erasure.reference}): {removed}.")
        if erasure.error:
            raise CommandError(f"Not all of it: {erasure.error}. The worker tries again every minute until it is done.")
        self.stdout.write("In two minutes the worker looks once more for what was under way.")
