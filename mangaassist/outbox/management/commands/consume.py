"""A long-running consumer of one queue."""

from __future__ import annotations

import signal
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from mangaassist.outbox.backends.base import QueueUnavailable
from mangaassist.outbox.consumers import consume

TOPICS = ("feedback",)


class Command(BaseCommand):
    help = "Takes messages off a queue and applies them, until it is told to stop (SIGTERM or Ctrl-C)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("topic", choices=TOPICS)
        parser.add_argument("--once", action="store_true", help="empty the queue and end")

    def handle(self, *args: Any, **options: Any) -> None:
        self.stopping = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        pause = 1.0
        while not self.stopping:
            try:
                handled = consume(options["topic"], wait_s=0 if options["once"] else 10)
                pause = 1.0
            except QueueUnavailable as error:
                self.stderr.write(f"queue unavailable, next try in {pause:.0f} s: {error}")
                time.sleep(pause)
                pause = min(pause * 2, 60.0)
                continue
            if options["once"] and not handled:
                return
            if not handled:
                time.sleep(0.5)

    def _stop(self, *args: Any) -> None:
        """The round in hand is finished first."""
        self.stopping = True
