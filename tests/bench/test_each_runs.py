"""Benchmarks run, in the smallest size: nobody would see one break until its figures are wanted."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.bench.small import SIZES

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.process


def test_they_run_and_fill_their_tables(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "ignore", "-m", "tests.bench.small", str(tmp_path)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    assert ran.returncode == 0, ran.stderr[-4000:]
    for name in SIZES:
        assert f"bench: {name}\n" in ran.stderr
    assert ran.stdout.count("## ") > len(SIZES)
    assert (tmp_path / "intents.md").read_text().startswith("# ")
