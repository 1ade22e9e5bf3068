"""How changes reach the index in tests, by the very steps of the worker, and what is answered from it then."""

from __future__ import annotations

from knowledge.help_index import read_help
from knowledge.search import search_passages
from mangaassist.outbox.consumers import consume
from mangaassist.outbox.relay import drain


def follow_changes() -> None:
    """What waits in the outbox goes through the stream into the index, which this process then reads."""
    drain("reindex")
    while consume("reindex"):
        pass
    read_help()


def answer(question: str, locale: str = "en") -> str:
    """The best passage that is found for it; empty: none."""
    found = search_passages(question, locale)
    return found[0].text if found else ""
