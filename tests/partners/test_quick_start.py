"""docs/api.md and the README do what they say: their blocks run, in their order, against a live shop."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

import pytest
from django.conf import settings

from partners.models import create_api_key
from tests.partners.live import outputs_of
from tests.shop.catalogue import load_small_catalogue

BLOCKS = re.findall(r"```(\w+)\n(.*?)```", (settings.BASE_DIR / "docs/api.md").read_text(encoding="utf-8"), re.DOTALL)
SHELL = [block for language, block in BLOCKS if language == "sh" and "curl" in block]
README = (settings.BASE_DIR / "README.md").read_text(encoding="utf-8")
# The call of the README's tour, at the address of the shop here; the key is made as in docs/api.md.
TOUR = re.findall(r"^curl .*?(?<!\\)$", README.replace("http://127.0.0.1:8000", "$SHOP"), re.MULTILINE | re.DOTALL)
PYTHON = [block for language, block in BLOCKS if language == "python"]


@pytest.mark.process
def test_it_runs_as_written(transactional_db: None, tmp_path: Path) -> None:
    load_small_catalogue()
    _, secret = create_api_key("My shop", ["conversations", "catalog:read"])
    assert SHELL
    assert PYTHON
    assert len(TOUR) == 1
    commands = [[sys.executable, "-c", block] for block in PYTHON]
    if shutil.which("curl"):
        commands += [["sh", "-euc", block] for block in [*SHELL, *TOUR]]
    told = outputs_of(commands, secret, tmp_path)
    assert "Berserk, Vol. 3 14.99 in_stock" in told[0]
    assert "event: response" in told[0]
    for each in told[1 : 1 + len(SHELL)]:
        assert "BERSERK-EN-1" in each
    for each in told[1:]:
        assert "conversation_id" in each
