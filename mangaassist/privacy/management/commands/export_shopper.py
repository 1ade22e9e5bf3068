"""Writes down everything that is kept of one shopper."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from mangaassist.access.audit import Kind, record
from mangaassist.privacy.exporting import export_shopper
from mangaassist.privacy.shoppers import NotOne, find_shopper
from mangaassist.privacy.subject import Subject


def add_shopper(parser: CommandParser) -> None:
    parser.add_argument("--customer", default="", help="the shop's customer id")
    parser.add_argument("--session", default="", help="a guest's session id")
    parser.add_argument("--conversation", default="", help="an id of one of the shopper's conversations")


def shopper_in(options: dict[str, Any]) -> Subject:
    """Whom the options name. Raises ``CommandError``."""
    try:
        return find_shopper(
            customer_id=options["customer"],
            session_id=options["session"],
            conversation_id=options["conversation"],
        )
    except NotOne as error:
        raise CommandError(str(error)) from error


class Command(BaseCommand):
    help = "Writes everything that is kept of one shopper as JSON, to standard output or a file."

    def add_arguments(self, parser: CommandParser) -> None:
        add_shopper(parser)
        parser.add_argument("--output", default="-", help="a file; it is readable for its owner only")

    def handle(self, *args: Any, **options: Any) -> None:
        subject = shopper_in(options)
        record(Kind.EXPORT, actor="command line", what=f"shopper {subject.reference}")
        pieces = export_shopper(subject)
        if options["output"] == "-":
            for piece in pieces:
                sys.stdout.write(piece.decode())
            return
        handle = os.open(Path(options["output"]), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(handle, "wb") as file:
            file.writelines(pieces)
