"""A process loads its code without looking for garbage, and looks for it seldom afterwards."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

# When the collector looks (gc.set_threshold): now and then through what is young, hardly ever through everything. With
# Python's own figures it went through thousands of idle sockets every few seconds, and nobody was answered for as long.
COLLECT_AFTER = (10_000, 20, 50)


@contextmanager
def without_collecting() -> Iterator[None]:
    """Around what imports the application, once in a process.

    What is imported stays, but Python's collector looks through it again and again while it grows: a third of a start.
    Afterwards it looks once, and no more at what is there by then (https://docs.python.org/3/library/gc.html#gc.freeze),
    so that its later rounds are short, and a process that forks shares these pages with its children.
    """
    gc.disable()
    try:
        yield
        gc.collect()
        gc.freeze()
    finally:
        gc.set_threshold(*COLLECT_AFTER)
        gc.enable()
