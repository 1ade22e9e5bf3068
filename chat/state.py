"""Dialogue state: what a conversation is about and what was wished for in it. Kept from turn to turn. Pure rules."""

from __future__ import annotations

from collections.abc import Collection, Set
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from typing import Any

from shop.coverage import read_spans, write_spans

# Series of which we keep what the shopper has; the oldest is forgotten first.
MOST_SERIES_KEPT = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class DialogueState:
    """Kept from turn to turn (JSON). ASINs and series ids only: nothing in it ages."""

    language: str = ""
    intent: str = ""
    series: str = ""
    asin: str = ""
    # The series that was spoken of before this one: "back to the other one".
    previous: str = ""
    # The last list, in the order in which it was shown.
    shown: tuple[str, ...] = ()
    shown_series: tuple[str, ...] = ()
    # The order that was spoken of last.
    order: str = ""
    # What we have just asked: "last_volume", "which_series" to go on with, or "spoiler:ASIN" before a blurb that may
    # tell too much.
    asked: str = ""
    # What the shopper says they have or have read: "series:1-4,6". Orders are read anew in every turn.
    has: tuple[str, ...] = ()
    # In the same form: sold, lost or given away, whatever was bought here once.
    gone: tuple[str, ...] = ()
    # Series that were recommended for the present wish: "more" are others.
    told: tuple[str, ...] = ()
    # What the shopper asked for, kept until lifted by a new request.
    liked: tuple[str, ...] = ()
    genres: tuple[str, ...] = ()
    exclude_genres: tuple[str, ...] = ()
    themes: tuple[str, ...] = ()
    exclude_themes: tuple[str, ...] = ()
    demographic: str = ""
    exclude_formats: tuple[str, ...] = ()
    exclude_languages: tuple[str, ...] = ()
    exclude_demographics: tuple[str, ...] = ()
    # Of a wished series: complete or ongoing, at most so many volumes; and how the list is ordered.
    status: str = ""
    max_volumes: int | None = None
    order_by: str = ""
    format: str = ""
    edition_language: str = ""
    # The series that the language was asked of; none where it is a wish.
    language_of_series: str = ""
    # "amount currency": of one book, and of what is left of a series.
    budget: str = ""
    series_budget: str = ""
    age: int | None = None
    # Answers in a row that did not help: two are one too many.
    misses: int = 0
    # Why a person was offered already (escalation.models.Trigger).
    offered: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        values = ((name, getattr(self, name)) for name in self.__slots__)
        return {name: value for name, value in values if value not in ("", (), None, 0)}


def read_state(body: dict[str, Any]) -> DialogueState:
    """From stored JSON; unknown fields (of another version) are ignored."""
    known = {field.name for field in fields(DialogueState)}
    kept: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in body.items() if name in known
    }
    return DialogueState(**kept)


# What is no word of the shopper's.
_OURS = frozenset({"language", "intent", "misses", "offered"})


def without_turn(dialogue: dict[str, Any], before: dict[str, Any], brought: dict[str, Any]) -> dict[str, Any]:
    """A stored state without what one turn brought to it, which found it as ``before`` and left it as ``brought``.

    What was said again since, in other words, stays.
    """
    left = {}
    for name, value in dialogue.items():
        old, new = before.get(name), brought.get(name)
        if name in _OURS or new is None or new == old:
            left[name] = value
        elif isinstance(value, list):
            gone = {_subject_of(each) for each in new} - {_subject_of(each) for each in old or ()}
            left[name] = [each for each in value if _subject_of(each) not in gone]
        else:
            left[name] = old if value == new else value
    return {name: value for name, value in left.items() if value not in (None, [])}


def _subject_of(entry: str) -> str:
    """Of "series:1-4" the series: its volumes may have become more."""
    return entry.rpartition(":")[0] or entry


def volumes_said(state: DialogueState, series_id: str) -> frozenset[int]:
    """The volumes of a series that the shopper says they have or have read."""
    return _volumes_in(state.has, series_id)


def volumes_gone(state: DialogueState, series_id: str) -> frozenset[int]:
    """The volumes of a series that the shopper says they no longer have."""
    return _volumes_in(state.gone, series_id)


def with_volumes_said(state: DialogueState, series_id: str, volumes: Collection[int]) -> DialogueState:
    """Adds volumes to what the shopper says they have."""
    return _with_volumes(
        state,
        series_id,
        has=volumes_said(state, series_id) | set(volumes),
        gone=volumes_gone(state, series_id) - set(volumes),
    )


def with_volumes_gone(state: DialogueState, series_id: str, volumes: Collection[int]) -> DialogueState:
    """Takes volumes from what the shopper says they have, and from what they bought here."""
    return _with_volumes(
        state,
        series_id,
        has=volumes_said(state, series_id) - set(volumes),
        gone=volumes_gone(state, series_id) | set(volumes),
    )


def _with_volumes(state: DialogueState, series_id: str, *, has: Set[int], gone: Set[int]) -> DialogueState:
    return replace(state, has=_put(state.has, series_id, has), gone=_put(state.gone, series_id, gone))


def _put(kept: tuple[str, ...], series_id: str, volumes: Set[int]) -> tuple[str, ...]:
    others = tuple(f"{id}:{text}" for id, _, text in _entries(kept) if id != series_id)
    return (*others, f"{series_id}:{write_spans(volumes)}")[-MOST_SERIES_KEPT:] if volumes else others


def _volumes_in(kept: tuple[str, ...], series_id: str) -> frozenset[int]:
    return next((read_spans(text) for id, _, text in _entries(kept) if id == series_id), frozenset())


def _entries(kept: tuple[str, ...]) -> list[tuple[str, str, str]]:
    return [entry.rpartition(":") for entry in kept]


def price_limit(state: DialogueState, *, of_series: bool = False) -> tuple[Decimal, str] | None:
    """(amount, currency or empty), of one book or of what is left of a series."""
    limit = state.series_budget if of_series else state.budget
    if not limit:
        return None
    amount, _, currency = limit.partition(" ")
    return Decimal(amount), currency


def age_limit(state: DialogueState) -> str:
    """The highest age rating that may be shown (shop: all < teen < older_teen < mature < adult).

    Adult works are never offered unasked.
    """
    if state.age is None:
        return "mature"
    return "all" if state.age < 13 else "teen" if state.age < 16 else "older_teen" if state.age < 18 else "mature"
