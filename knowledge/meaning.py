"""The vector of a question, asked for while its words are looked up: in time, or not at all."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock
from typing import Literal

from django.conf import settings

from knowledge.backends.base import Embedder, EmbedderUnavailable, Floats, TextRefused
from knowledge.embedding import embedder_in_use
from mangaassist.breaker import Breaker, BreakerOpen
from mangaassist.redaction import redact

# What a model is asked with, characters.
LONGEST_QUESTION = 1_000
# Of the time for passages, so that what the words have found is never lost with it.
SHARE_OF_LIMIT = 0.8
# Vectors of the last questions: asked again while the cache is away or has just been emptied, they cost nothing.
KEPT = 512

# How the meaning of a question took part: "none" is asked for; it was "used"; the index has no vectors yet; it came
# late; the model failed, was left alone for a while, or refused the text.
How = Literal["none", "used", "no_vectors", "late", "failed", "paused", "refused"]


@dataclass(frozen=True, slots=True, eq=False)
class Meaning:
    how: How
    vector: Floats | None = None
    floor: float = 1.0
    model: str = ""


class _Vectors:
    """The last ones, by model and text. Thread-safe."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, str], Floats] = OrderedDict()
        self._lock = Lock()

    def get(self, key: tuple[str, str]) -> Floats | None:
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def put(self, key: tuple[str, str], vector: Floats) -> None:
        with self._lock:
            self._kept[key] = vector
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)


vectors = _Vectors()
_breaker = Breaker("embedder")


async def meaning_of(query: str) -> Meaning:
    """Never raises for the model. Personal data is replaced before the question leaves."""
    embedder = embedder_in_use()
    if embedder is None:
        return Meaning("none")
    # A long one takes a tenth of a second to look through: not in the loop.
    text = (await asyncio.to_thread(redact, query))[:LONGEST_QUESTION].strip()
    key = (embedder.model, text.casefold())
    known = vectors.get(key)
    if known is not None:
        return Meaning("used", known, embedder.floor, embedder.model)
    found = await _ask(embedder, text) if text else Meaning("refused")
    if found.vector is not None:
        vectors.put(key, found.vector)
    return found


async def _ask(embedder: Embedder, text: str) -> Meaning:
    try:
        _breaker.check()
        async with asyncio.timeout(min(embedder.answer_within_s, SHARE_OF_LIMIT * settings.TURN_LIMITS_S["passages"])):
            vector = await embedder.embed_question(text)
    except BreakerOpen:
        return Meaning("paused")
    except TextRefused:
        _breaker.succeeded()
        return Meaning("refused")
    except TimeoutError:
        _breaker.failed()
        return Meaning("late")
    except EmbedderUnavailable:
        _breaker.failed()
        return Meaning("failed")
    _breaker.succeeded()
    return Meaning("used", vector, embedder.floor, embedder.model)
