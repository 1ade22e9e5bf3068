"""What one row adds to the tallies: pure, so that it can be read as a table.

subject     label        numbers (all add up)
turns       –            complete, stopped, failed · answered, unanswered (of the complete ones) · begun (the first of
                         its conversation) · first.N, whole.N: times to the first words and to the end
intent      the intent   turns, answered, unanswered
language    the language turns
step        the step     runs, over (its budget), time.N
generator   who wrote    turns, fallbacks · read, written, cached, stored (tokens) · dollars
engine      the engine   shown (lists), clicked, bought (lists of which something was)
handoffs    the trigger  opened
cache       the kind     hits, misses · hit_n, hit_us, miss_n, miss_us: answers and the time that they took

N is a bucket of mangaassist.quantiles.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mangaassist.analytics.events import left_unanswered
from mangaassist.quantiles import BUCKETS, bucket_of, quantile

# (subject, label)
Key = tuple[str, str]
Numbers = dict[str, float]
Counted = dict[Key, Numbers]

LONGEST_LABEL = 64
_TOKENS = ("read", "written", "cached", "stored")


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedTurn:
    """What of a turn is counted. ``is_first``: of its conversation. ``cards``: what its answer showed."""

    at: datetime
    status: str
    intent: str
    language: str
    generator: str
    engine: str
    latency_ms: float | None
    first_delta_ms: float | None
    trace: Mapping[str, Any]
    cards: Sequence[Mapping[str, Any]]
    is_first: bool


def tally_turn(turn: EndedTurn) -> Counted:
    notes = turn.trace.get("notes", ())
    unanswered = left_unanswered(turn.status, turn.intent, notes, has_cards=bool(turn.cards))
    outcome: Numbers = {"unanswered" if unanswered else "answered": 1} if turn.status == "complete" else {}
    whole = {turn.status: 1} | outcome | ({"begun": 1} if turn.is_first else {})
    for name, ms in (("first", turn.first_delta_ms), ("whole", turn.latency_ms)):
        if ms is not None:
            whole[f"{name}.{bucket_of(ms * 1000)}"] = 1
    counted: Counted = {("turns", ""): whole}
    if turn.intent:
        counted["intent", turn.intent] = {"turns": 1} | outcome
    if turn.language:
        counted["language", turn.language] = {"turns": 1}
    for step in turn.trace.get("steps", ()):
        if step.get("ms") is not None:
            over = {"over": 1.0} if step.get("over") else {}
            numbers = {"runs": 1.0, f"time.{bucket_of(step['ms'] * 1000)}": 1.0} | over
            add(counted, {("step", str(step["step"])[:LONGEST_LABEL]): numbers})
    generator, numbers = _of_generator(turn)
    if generator:
        counted["generator", generator[:LONGEST_LABEL]] = numbers
    return counted


def _of_generator(turn: EndedTurn) -> tuple[str, Numbers]:
    """Tokens count for the model that was asked, whoever had to answer then."""
    generation: Mapping[str, Any] = turn.trace.get("generation", {})
    numbers: Numbers = {"turns": 1} | {name: generation[name] for name in _TOKENS if generation.get(name)}
    if generation.get("tried"):
        numbers["fallbacks"] = 1
    if generation.get("cost"):
        numbers["dollars"] = generation["cost"]
    return str(generation.get("tried") or turn.generator), numbers


def add(to: Counted, counted: Mapping[Key, Mapping[str, float]], *, share: float = 1) -> None:
    """``share``: of what was counted."""
    for key, numbers in counted.items():
        mine = to.setdefault(key, {})
        for name, number in numbers.items():
            mine[name] = mine.get(name, 0) + number * share


def quantile_ms(numbers: Mapping[str, float], name: str, share: float) -> float | None:
    """Of the times that are counted as ``{name}.N``; None without any."""
    counts = [0.0] * BUCKETS
    for key, number in numbers.items():
        of, _, bucket = key.partition(".")
        if bucket and of == name:
            counts[int(bucket)] = number
    found = quantile(counts, share)
    return None if found is None else found / 1000
