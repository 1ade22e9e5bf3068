"""The demo shop as `make run` starts it, for as long as a test needs it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.mangaassist.running import Running, free_port


@contextmanager
def open_shop(data_dir: Path, **environment: str) -> Iterator[Running]:
    """It is ready; and stopped at the end, unless that was what the test is about."""
    shop = Running(data_dir, free_port(), DEMO="1", **environment)
    try:
        shop.wait_ready()
        yield shop
    finally:
        if shop.process.poll() is None:
            shop.stop()
