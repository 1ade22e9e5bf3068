"""Everything that is kept of one shopper, as one JSON file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from mangaassist.privacy.registry import completed, holders
from mangaassist.privacy.subject import Subject

FORMAT, VERSION = "mangaassist-shopper", 1


def export_shopper(subject: Subject) -> Iterator[bytes]:
    """JSON in pieces, a row at a time: ``{"format", "version", "exported_at", "shopper", "<name>": [...], ...}``."""
    subject = completed(subject)
    head: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        "exported_at": subject.until.isoformat(),
        "shopper": {"customer_id": subject.customer_id or None, "sessions": sorted(subject.sessions)},
    }
    yield orjson.dumps(head)[:-1]
    for holder in holders():
        for name, rows in holder.export(subject):
            yield b',\n"%b":[' % name.encode()
            separator = b"\n"
            for row in rows:
                yield separator + orjson.dumps(row, default=str)
                separator = b",\n"
            yield b"]"
    yield b"}\n"
