"""Amazon Connect on loopback, for tests of tasks and of chats."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.backends.connect_contacts import FLOW, QUEUE, Configure
from tests.backends.connect_fake import INSTANCE, FakeConnect, fake_connect


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeConnect]:
    with fake_connect() as fake:
        monkeypatch.setenv("AWS_ENDPOINT_URL_CONNECT", fake.url)
        monkeypatch.setenv("AWS_ENDPOINT_URL_CONNECTPARTICIPANT", fake.url)
        yield fake
        assert fake.faults == []


@pytest.fixture
def configure(settings: Any) -> Configure:
    def configured(**options: str) -> None:
        known = {"instance_id": INSTANCE, "contact_flow_id": FLOW, "queue_id": QUEUE}
        settings.HANDOFFS = {"default": {"BACKEND": "escalation.backends.connect.Connect", "OPTIONS": known | options}}

    return configured
