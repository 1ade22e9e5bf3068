"""One save in the admin, two web processes, Redis gone: the next turn of each goes by it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.journeys.web_processes import Shop, Tab, shop, tab, token_of

pytestmark = pytest.mark.process
SAVE = """
import django, sys
django.setup()
from chat.assistant import AssistantSettings
AssistantSettings.objects.update_or_create(pk=1, defaults={"greeting_en": sys.argv[1]})
"""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with shop(tmp_path_factory.mktemp("shop"), 2) as both:
        yield both


def greeted(here: Tab) -> str:
    turn = here.ask("hello")["turn_id"]
    response = here.next("response")
    assert response["turn_id"] == turn
    return str(response["content"])


def test_each_process_greets_as_was_saved_a_moment_ago(running: Shop) -> None:
    one, two = running.webs
    with tab(one, token_of(one)) as first, tab(two, token_of(two)) as second:
        assert "Ink Cellar" not in greeted(first) + greeted(second)
        running.run(SAVE, "Welcome to the Ink Cellar!")
        assert greeted(first).startswith("Welcome to the Ink Cellar!")
        assert greeted(second).startswith("Welcome to the Ink Cellar!")
        running.redis.stop()
        running.run(SAVE, "The Ink Cellar greets you!")
        assert greeted(first).startswith("The Ink Cellar greets you!")
        assert greeted(second).startswith("The Ink Cellar greets you!")
