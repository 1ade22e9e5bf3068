"""People in a conversation across real processes: an agent speaks in one, the shopper's socket is in another."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from django.conf import settings

from tests.journeys.test_faults import Shopper, token_of
from tests.mangaassist.open_shop import open_shop
from tests.mangaassist.running import Running, until

pytestmark = pytest.mark.process

# What an agent's process does: another Django on the same database and Redis.
AGENT = """
import sys, uuid, django
django.setup()
from django.contrib.auth.models import User
from escalation.actors import actor_of
from escalation.handoffs import close_handoff, take_handoff
from escalation.lines import say
from escalation.presence import set_presence
user, _ = User.objects.get_or_create(username="aiko", first_name="Aiko", is_staff=True, is_superuser=True)
aiko = actor_of(user)
set_presence(aiko, status="available")
what, id, text = sys.argv[1:]
if what == "take":
    take_handoff(id, by=aiko)
elif what == "close":
    close_handoff(id, by=aiko)
say(id, text, by=aiko, client_id=uuid.uuid4()) if text else None
"""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with open_shop(tmp_path_factory.mktemp("shop")) as shop:
        yield shop


def agent(running: Running, what: str, id: str, text: str = "") -> None:
    outside = {name: value for name, value in os.environ.items() if name not in {"REDIS_URL", "DATABASE_URL"}}
    environment = outside | {"DATA_DIR": str(running.data_dir), "DJANGO_SETTINGS_MODULE": "mangaassist.settings"}
    subprocess.run([sys.executable, "-c", AGENT, what, id, text], env=environment, cwd=settings.BASE_DIR, check=True)


def next_frame(shopper: Shopper, type: str) -> dict[str, Any]:
    while True:
        frame: dict[str, Any] = orjson.loads(shopper.socket.recv(timeout=30))
        if frame["type"] == type:
            return frame


def queue_up(shopper: Shopper) -> str:
    shopper.send(type="handoff", client_msg_id=str(uuid.uuid4()))
    return str(next_frame(shopper, "handoff_state")["handoff_id"])


def test_an_agent_in_another_process_is_heard(running: Running) -> None:
    with Shopper.at(running.port) as shopper:
        id = queue_up(shopper)
        agent(running, "take", id, "Hello!")
        assert next_frame(shopper, "handoff_state")["agent_name"] == "Aiko"
        assert next_frame(shopper, "message")["content"] == "Hello!"
        agent(running, "close", id)
        assert next_frame(shopper, "handoff_state")["state"] == "bot"


def test_with_redis_frozen_an_agent_is_still_heard(running: Running) -> None:
    with Shopper.at(running.port) as shopper:
        id = queue_up(shopper)
        redis = running.children()["redis"]
        os.kill(redis, signal.SIGSTOP)
        try:
            agent(running, "take", id, "Are you there?")
            assert next_frame(shopper, "message")["content"] == "Are you there?"
        finally:
            os.kill(redis, signal.SIGCONT)
        agent(running, "close", id)
        assert next_frame(shopper, "handoff_state")["state"] == "bot"


def test_the_web_process_is_killed_in_the_middle_and_nothing_is_lost(running: Running) -> None:
    token = token_of(running.port)
    with Shopper.back_at(running.port, token) as shopper:
        conversation_id = shopper.ready["conversation_id"]
        token = next_frame(shopper, "token")["token"]
        id = queue_up(shopper)
        agent(running, "take", id, "One moment.")
        assert next_frame(shopper, "message")["content"] == "One moment."
        web = running.children()["web"]
        os.kill(web, signal.SIGKILL)
    until(lambda: running.children().get("web") not in {None, web}, "the web process is back")
    agent(running, "say", id, "Found it.")
    until(lambda: _is_back(running), "the site answers")
    with Shopper.back_at(running.port, token, conversation_id=conversation_id) as shopper:
        assert shopper.ready["state"] == "agent"
        said = [message["content"] for message in shopper.ready["messages"] if message["role"] == "agent"]
        assert said == ["One moment.", "Found it."]
        agent(running, "close", id, "")
        until(lambda: next_frame(shopper, "handoff_state")["state"] == "bot", "the assistant is back")
        assert "Berserk" in shopper.answer("how much is Berserk volume 1?")["content"]


def _is_back(running: Running) -> bool:
    try:
        return bool(running.get("/healthz")[0] == 200)
    except OSError:
        return False
