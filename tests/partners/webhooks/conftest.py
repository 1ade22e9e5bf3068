from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from mangaassist.outbox import relay, topics
from mangaassist.outbox.models import OutboxMessage
from partners.models import SCOPES, ApiKey, create_api_key
from partners.webhooks import delivering
from partners.webhooks.messages import TOPIC
from partners.webhooks.models import EVENTS, Webhook
from partners.webhooks.signing import secret_of
from tests.partners.webhooks.receiver import Receiver, receiver

PATIENCE_S = 30


@dataclass
class Hooked:
    """A partner's webhook and its receiver."""

    hook: Webhook
    secret: str
    receiver: Receiver

    def now(self) -> Webhook:
        return Webhook.objects.get(pk=self.hook.pk)


@pytest.fixture
def receivers(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], Receiver]]:
    """As many as wanted; webhooks may go to loopback, and are tried again at once."""
    settings.WEBHOOK_LOOPBACK = True
    settings.OUTBOX_WAKE = False
    topic = topics.find_topic(TOPIC)
    assert topic is not None
    monkeypatch.setitem(topics._topics, TOPIC, replace(topic, retry_s=0.0))
    with ExitStack() as opened:
        yield lambda: opened.enter_context(receiver())
    assert delivering.lanes.wait_until_idle(PATIENCE_S)


@pytest.fixture
def api_key(transactional_db: None) -> ApiKey:
    return create_api_key("A shop", list(SCOPES))[0]


@pytest.fixture
def hooked(api_key: ApiKey, receivers: Callable[[], Receiver]) -> Hooked:
    return hook_of(api_key, receivers())


def hook_of(key: ApiKey, receiver: Receiver, *events: str) -> Hooked:
    hook = Webhook.objects.create(key=key, url=receiver.url, events=list(events or EVENTS))
    return Hooked(hook, secret_of(hook.add_secret()), receiver)


def send_all() -> None:
    """What is due, and what it makes due; nothing is under way afterwards."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        relay.drain(TOPIC)
        assert delivering.lanes.wait_until_idle(PATIENCE_S)
        if not OutboxMessage.objects.filter(topic=TOPIC).due(timezone.now()).exists():
            return
        assert time.monotonic() < deadline


def make_due(**since: float) -> None:
    """As if so much time had passed."""
    OutboxMessage.objects.filter(topic=TOPIC, status="waiting").update(due_at=timezone.now() - timedelta(seconds=1))
    Webhook.objects.exclude(paused_until=None).update(paused_until=timezone.now() - timedelta(seconds=1))
