"""docs/security.md names every entrance of the sweep, every frame, every secret and every test that it leans on."""

from __future__ import annotations

import re

from django.conf import settings

from mangaassist.site import CONSUMERS
from tests.security.entrances import (
    ADMIN_MODELS,
    CHAT_FRAMES,
    DESK,
    DESK_FRAMES,
    OWN_PAGES,
    PARTNERS,
    PROBES,
    ROOM,
    SHOP,
    SOCKETS,
    WIDGET,
)
from tests.security.test_secrets import ADDRESSES, SECRETS

PAGE = (settings.BASE_DIR / "docs/security.md").read_text()
NAMED = set(re.findall(r"`([^`\n]+)`", PAGE))


def test_every_entrance_is_named() -> None:
    entrances = [each.address or "/" for each in (*PROBES, *WIDGET, *SHOP, *DESK, *PARTNERS, *ROOM)]
    assert {*entrances, *OWN_PAGES, *ADMIN_MODELS, *SOCKETS, *CHAT_FRAMES, *DESK_FRAMES} - NAMED == set()
    assert {f"consume {each.topic}" for each in CONSUMERS} - NAMED == set()


def test_every_secret_is_named() -> None:
    credentials = {name for name in SECRETS if name.startswith("AWS_")}
    assert set(SECRETS) - credentials - NAMED == set()
    assert {"DATABASE_URL", "REDIS_URL"} == ADDRESSES & NAMED


def test_every_file_that_it_leans_on_is_there() -> None:
    named = {name for name in NAMED if re.fullmatch(r"[\w/]+\.(?:py|md)", name)}
    assert len(named) > 8
    assert {name for name in named if not (settings.BASE_DIR / name).exists()} == set()
    for link in re.findall(r"\]\(([\w./-]+)\)", PAGE):
        assert (settings.BASE_DIR / "docs" / link).exists(), link
