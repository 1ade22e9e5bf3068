"""Web processes that answer so slowly that something can happen to one of them in the middle of a turn."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

from tests.journeys.web_processes import Shop, Tab, shop

# Within so many seconds of its process' death a turn is taken over or has failed.
PROMISED_S = 15.0
STATUS = """
import sys, django
django.setup()
from chat.models import Turn
turn = Turn.objects.get(pk=sys.argv[1])
print(turn.status, turn.attempt, turn.messages.filter(role="assistant").count())
"""


def unhurried(data_dir: Path, webs: int) -> AbstractContextManager[Shop]:
    return shop(data_dir, webs, GENERATOR="tests.journeys.unhurried_generator.UnhurriedGenerator")


def begin(here: Tab, *, deltas: int) -> str:
    turn_id = str(here.ask("hello")["turn_id"])
    for _ in range(deltas):
        here.next("delta")
    return turn_id


def status_of(running: Shop, turn_id: str) -> list[str]:
    return running.run(STATUS, turn_id).split()
