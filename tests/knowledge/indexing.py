"""How changes reach the index in tests: by the very steps of the worker."""

from __future__ import annotations

from knowledge.help_index import read_help
from mangaassist.outbox.consumers import consume
from mangaassist.outbox.relay import drain


def follow_changes() -> None:
    """What waits in the outbox goes through the stream into the index, which this process then reads."""
    drain("reindex")
    while consume("reindex"):
        pass
    read_help()
