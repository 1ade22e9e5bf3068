"""How a turn was answered: each step with its time against its budget, each slot with its value and read time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.conf import settings

from caching.touched import Touch
from mangaassist import tracing

# Of a filled slot: a quoted help page may be as long as it likes.
LONGEST_VALUE = 300
# Notes hold words under these names.
_WORDS = frozenset({"sentence", "about", "nearest", "reason"})


class Trace:
    """Collected during a turn, stored as JSON on its row. Times are milliseconds since the turn began."""

    def __init__(self) -> None:
        self._began = time.perf_counter()
        self.steps: list[dict[str, Any]] = []
        self.slots: list[dict[str, str]] = []
        self.notes: list[dict[str, Any]] = []
        # Who wrote: generator, model, prompt, tokens, cost, why the composer had to (chat.generation).
        self.generation: dict[str, Any] = {}
        # What the question came with, as far as an answer depends on it; and what was found for it (chat.evidence).
        self.asked: dict[str, Any] = {}
        self.evidence: dict[str, Any] = {}
        # Entries of the policy cache that the answer was made from.
        self.touches: list[Touch] = []

    def begin(self) -> None:
        """The turn's work begins only now: it has waited for another turn."""
        self._began = time.perf_counter()

    def aside(self) -> Trace:
        """One of the same clock, for a thread: when it is not waited for, it writes to nothing that is stored."""
        trace = Trace()
        trace._began = self._began
        return trace

    def elapsed_ms(self) -> float:
        return round((time.perf_counter() - self._began) * 1000, 2)

    @contextmanager
    def step(self, name: str) -> Iterator[dict[str, Any]]:
        """Times a step; the yielded dict takes further facts. Over its budget, the step says so."""
        start = self.elapsed_ms()
        entry: dict[str, Any] = {"step": name, "at_ms": start}
        self.steps.append(entry)
        span = tracing.start(name)
        try:
            yield entry
        except BaseException as error:
            entry["error"] = type(error).__name__
            raise
        finally:
            _measure(entry, self.elapsed_ms() - start)
            tracing.finish(span, error=entry.get("error", ""))

    def spent(self, name: str, ms: float, **facts: Any) -> None:
        """A step that was done in pieces, between others; ``at_ms`` is the end of the last one."""
        entry: dict[str, Any] = {"step": name, "at_ms": self.elapsed_ms(), "pieces": True, **facts}
        _measure(entry, ms)
        self.steps.append(entry)
        tracing.spent(name, ms)

    def slot(self, slot: str, value: str, read_at: datetime | None) -> None:
        entry = {"slot": slot, "value": value[:LONGEST_VALUE]}
        if read_at is not None:
            entry["read_at"] = read_at.isoformat()
        self.slots.append(entry)

    def note(self, what: str, **facts: Any) -> None:
        """Something worth seeing in the admin: a dropped sentence, a dependency that was down."""
        self.notes.append({"note": what, "at_ms": self.elapsed_ms(), **facts})

    def as_dict(self) -> dict[str, Any]:
        cache = [
            {"kind": each.kind, "key": each.key, "hit": each.was_hit, "state": each.state} for each in self.touches
        ]
        return {
            "asked": self.asked,
            "evidence": self.evidence,
            "steps": self.steps,
            "slots": self.slots,
            "notes": self.notes,
            "generation": self.generation,
            "cache": cache,
        }


def trace_without_words(trace: dict[str, Any]) -> dict[str, Any]:
    """A stored one. Times, sources and counts stay; values that were said, and what the question was about, go."""
    asked = {name: value for name, value in trace.get("asked", {}).items() if name != "page"}
    notes = [{name: value for name, value in note.items() if name not in _WORDS} for note in trace.get("notes", [])]
    return trace | {"asked": asked, "notes": notes, "slots": []}


def _measure(entry: dict[str, Any], ms: float) -> None:
    entry["ms"] = round(ms, 2)
    budget_s = settings.TURN_BUDGETS_S.get(entry["step"])
    if budget_s is not None:
        entry["budget_ms"] = budget_s * 1000
        entry["over"] = entry["ms"] > budget_s * 1000
