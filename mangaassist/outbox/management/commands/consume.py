"""A long-running consumer of one queue or stream."""

from __future__ import annotations

import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, close_old_connections

from mangaassist.observing import observe
from mangaassist.outbox.backends.base import QueueUnavailable, StreamUnavailable
from mangaassist.outbox.consumers import NothingToConsume, consumer_topics, find_consumer

LONG_POLL_S = 10
# Where there is no long poll: a shard gives five reads a second, shared by all who read it.
PAUSE_S = 0.5
LONGEST_PAUSE_S = 60.0


class Command(BaseCommand):
    help = "Takes messages off a queue or stream and applies them, until it is told to stop (SIGTERM or Ctrl-C)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("topic", choices=consumer_topics())
        parser.add_argument("--once", action="store_true", help="take what is there and end")

    def handle(self, *args: Any, **options: Any) -> None:
        self.stopping = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        consumer = find_consumer(options["topic"])
        observe(f"consume-{consumer.topic}", listens=not options["once"])
        wait_s = 0 if options["once"] else LONG_POLL_S
        pause = 1.0
        try:
            while not self.stopping.is_set():
                try:
                    handled = consumer.take(wait_s)
                    pause = 1.0
                except NothingToConsume as nothing:
                    raise CommandError(str(nothing)) from nothing
                except (QueueUnavailable, StreamUnavailable, DatabaseError) as error:
                    self.stderr.write(f"{consumer.topic}: not available, next try in {pause:.0f} s: {error}")
                    close_old_connections()
                    self.stopping.wait(pause)
                    pause = min(pause * 2, LONGEST_PAUSE_S)
                    continue
                if options["once"] and not handled:
                    return
                if not handled:
                    self.stopping.wait(PAUSE_S)
        finally:
            consumer.let_go()

    def _stop(self, *args: Any) -> None:
        """The round in hand is finished first."""
        self.stopping.set()
