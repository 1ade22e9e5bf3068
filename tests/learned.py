"""Where all test processes keep what understanding has learned: files are named for what they were learned from."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

LEARNED = Path(tempfile.gettempdir()) / f"ma-test-intents-{os.getuid()}"


def share_with(data_dir: Path) -> None:
    """This data folder learns nothing that another one has learned already."""
    LEARNED.mkdir(exist_ok=True)
    data_dir.mkdir(parents=True, exist_ok=True)
    if not (data_dir / "intents").exists():
        (data_dir / "intents").symlink_to(LEARNED)
