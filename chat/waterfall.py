"""A turn's trace as an operator reads it: bars against budgets and limits, what was found, what was refused and why.

Pure: from the trace of a row (chat.trace), of this version or an older one, to values that a template shows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils.dateparse import parse_datetime
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

# Percent.
WIDE = 100
# A bar that lasts no time is still seen.
NARROWEST = 0.4
STEPS: dict[str, Promise] = {
    "memory": _("Memory"),
    "settings": _("Settings"),
    "screen": _("Screening"),
    "understand": _("Understanding"),
    "search": _("Search"),
    "products": _("Product facts"),
    "series": _("Series"),
    "recommendations": _("Recommendations"),
    "order": _("Best matches first"),
    "finish": _("What is left of a series"),
    "passages": _("Help pages"),
    "promotions": _("Promotions"),
    "orders": _("Orders"),
    "offers_to_rank": _("Offers to rank"),
    "plan": _("Plan of the answer"),
    "generate": _("Writing"),
    "live_offers": _("Live prices and stock"),
    "guard": _("Guards"),
}
_TIMES = frozenset({"step", "at_ms", "ms", "budget_ms", "over", "error", "limit_ms", "pieces"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One step. ``left``, ``width`` and the marks ``budget`` and ``limit`` in percent of the turn; times in ms."""

    name: str | Promise
    ms: float
    at_ms: float
    left: float
    width: float
    budget: float | None
    limit: float | None
    budget_ms: float | None
    limit_ms: float | None
    over: bool
    cut: bool
    error: str
    facts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A value that was filled in when a sentence left. ``read_at``: when it was read, None for what does not age."""

    slot: str
    value: str
    read_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Waterfall:
    """``ticks``: (place, milliseconds). ``refused``: what guards held back; ``notes``: what else was noted."""

    bars: tuple[Bar, ...]
    total_ms: float
    ticks: tuple[tuple[float, float], ...]
    first_delta: float | None
    slots: tuple[Slot, ...]
    refused: tuple[dict[str, Any], ...]
    notes: tuple[dict[str, Any], ...]
    cache: tuple[dict[str, Any], ...]
    evidence: dict[str, Any] = field(default_factory=dict)
    generation: dict[str, Any] = field(default_factory=dict)
    asked: dict[str, Any] = field(default_factory=dict)

    @property
    def over(self) -> tuple[Bar, ...]:
        return tuple(bar for bar in self.bars if bar.over or bar.error)

    @property
    def hits(self) -> int:
        return sum(bool(each.get("hit")) for each in self.cache)


def waterfall(trace: dict[str, Any], *, latency_ms: float | None = None, first_ms: float | None = None) -> Waterfall:
    steps = [step for step in trace.get("steps", []) if "ms" in step]
    ends = [_starts(step) + step["ms"] for step in steps]
    total = max([*ends, latency_ms or 0.0, 0.01])
    notes = trace.get("notes", [])
    return Waterfall(
        bars=tuple(_bar(step, total) for step in sorted(steps, key=_starts)),
        total_ms=total,
        ticks=tuple(_ticks(total)),
        first_delta=_place(first_ms, total) if first_ms is not None and first_ms <= total else None,
        slots=tuple(
            Slot(slot=each["slot"], value=each["value"], read_at=parse_datetime(each.get("read_at", "")))
            for each in trace.get("slots", [])
        ),
        refused=tuple(note for note in notes if note.get("note") == "sentence_refused"),
        notes=tuple(note for note in notes if note.get("note") != "sentence_refused"),
        cache=tuple(trace.get("cache", [])),
        evidence=trace.get("evidence", {}),
        generation={name: value for name, value in trace.get("generation", {}).items() if value not in (None, "")},
        asked=trace.get("asked", {}),
    )


def _starts(step: dict[str, Any]) -> float:
    """Of a step in pieces the end is known, and how long they took in all."""
    is_in_pieces = step.get("pieces") or step["step"] == "guard"
    return max(0.0, step["at_ms"] - step["ms"]) if is_in_pieces else float(step["at_ms"])


def _place(ms: float, total: float) -> float:
    return round(min(1.0, max(0.0, ms / total)) * WIDE, 2)


def _bar(step: dict[str, Any], total: float) -> Bar:
    at, budget_ms, limit_ms = _starts(step), step.get("budget_ms"), step.get("limit_ms")
    left = min(_place(at, total), WIDE - NARROWEST)
    return Bar(
        name=STEPS.get(step["step"], step["step"]),
        ms=step["ms"],
        at_ms=at,
        left=left,
        width=min(max(_place(step["ms"], total), NARROWEST), WIDE - left),
        budget=_mark(at, budget_ms, total),
        limit=_mark(at, limit_ms, total),
        budget_ms=budget_ms,
        limit_ms=limit_ms,
        over=bool(step.get("over")),
        cut=step.get("error") in ("TimeoutError", "CancelledError"),
        error=step.get("error", ""),
        facts=tuple(
            (name, _said(value)) for name, value in step.items() if name not in _TIMES and value not in ("", [])
        ),
    )


def _mark(at: float, allowed: float | None, total: float) -> float | None:
    """Where an allowance ends; None when that is beyond the turn."""
    return _place(at + allowed, total) if allowed is not None and at + allowed <= total else None


def _said(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def _ticks(total: float) -> Iterator[tuple[float, float]]:
    """About five, at round times."""
    step = 0.1
    for factor in (2, 2.5, 2) * 6:
        if total / step <= 5:
            break
        step *= factor
    for number in range(int(total / step) + 1):
        yield _place(number * step, total), round(number * step, 2)
