"""docs/webhooks.md does what it says: its verifier runs as written on what is really sent."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from django.conf import settings
from django.utils import timezone

from partners.models import SCOPES, create_api_key
from partners.webhooks.events import PAYLOADS
from partners.webhooks.messages import send_test
from partners.webhooks.models import Webhook
from partners.webhooks.signing import secret_of
from tests.partners.live import live_server
from tests.partners.webhooks.conftest import Hooked, send_all
from tests.partners.webhooks.receiver import Received, Receiver

TEXT = (settings.BASE_DIR / "docs/webhooks.md").read_text(encoding="utf-8")
(VERIFIER,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
(SHELL,) = re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL)


@pytest.fixture
def verify() -> Callable[[str, dict[str, str], bytes], None]:
    names: dict[str, Any] = {}
    exec(VERIFIER, names)  # what a partner copies
    verifier: Callable[[str, dict[str, str], bytes], None] = names["verify"]
    return verifier


@pytest.fixture
def got(hooked: Hooked) -> Received:
    send_test(hooked.hook)
    send_all()
    return hooked.receiver.received[0]


def test_it_takes_what_we_send(verify: Any, hooked: Hooked, got: Received) -> None:
    verify(hooked.secret, got.headers, got.body)


def test_it_takes_both_secrets_while_they_overlap(verify: Any, hooked: Hooked) -> None:
    new = secret_of(hooked.hook.rotate(old_until=timezone.now() + timedelta(hours=1)))
    send_test(hooked.hook)
    send_all()
    (got,) = hooked.receiver.received
    verify(hooked.secret, got.headers, got.body)
    verify(new, got.headers, got.body)


@pytest.mark.parametrize(
    "change",
    [
        {"webhook-id": "another"},
        {"webhook-timestamp": "1614265330"},
        {"webhook-timestamp": "9999999999"},
        {"webhook-signature": "v1,AAAA"},
        {"webhook-signature": "v2,{value}"},
        {"webhook-signature": ""},
    ],
)
def test_it_refuses_what_is_not_ours(verify: Any, hooked: Hooked, got: Received, change: dict[str, str]) -> None:
    value = got.headers["webhook-signature"].removeprefix("v1,")
    with pytest.raises(ValueError, match=r"old|signed"):
        verify(hooked.secret, got.headers | {name: text.format(value=value) for name, text in change.items()}, got.body)
    with pytest.raises(ValueError, match="signed"):
        verify(secret_of("another"), got.headers, got.body)
    with pytest.raises(ValueError, match="signed"):
        verify(hooked.secret, got.headers, got.body + b" ")


def test_every_event_stands_in_the_table() -> None:
    assert set(re.findall(r"^\| `([a-z.]+)` \|", TEXT, re.MULTILINE)) == set(PAYLOADS)


@pytest.mark.process
@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl here")
def test_the_first_command_makes_a_webhook(transactional_db: None, receivers: Any, tmp_path: Path) -> None:
    shop: Receiver = receivers()
    _, secret = create_api_key("My shop", list(SCOPES))
    with live_server() as address:
        told = subprocess.run(
            ["sh", "-euc", SHELL],
            cwd=tmp_path,
            env=os.environ | {"SHOP": address, "KEY": secret, "RECEIVER": shop.url},
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        ).stdout
    created = orjson.loads(told)
    assert created["secret"].startswith("whsec_")
    assert str(Webhook.objects.get().pk) == created["webhook_id"]
