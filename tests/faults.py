"""The tests that docs/faults.md names: what `make chaos` runs."""

from __future__ import annotations

import re

from tests.furnished import ROOT

NAMED = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", (ROOT / "docs" / "faults.md").read_text("utf-8"))
NODES = {(ROOT / file, name) for file, name in NAMED}
