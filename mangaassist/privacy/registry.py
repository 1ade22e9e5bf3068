"""Who holds what of shoppers: every app says so in ``apps.ready()``, for each of its tables and topics.

tests/mangaassist/test_privacy.py holds this against the models and topics that there are: a new one that is named
nowhere fails it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils.functional import Promise

from mangaassist.privacy.subject import Subject
from mangaassist.privacy.words import Words

Rows = Iterable[dict[str, Any]]
Payload = dict[str, Any]
Counts = dict[str, int]
Countable = QuerySet[Any]


@dataclass(frozen=True, slots=True)
class TopicData:
    """``without(payload, subject)``: what is left of a row of the outbox, None for nothing. ``stays_until_done``: it
    tells somebody outside to forget, and goes when that is done. ``at_any_time``: erasing itself writes such rows, and
    one that came later is missed by nobody."""

    without: Callable[[Payload, Subject], Payload | None]
    stays_until_done: bool = False
    at_any_time: bool = False


def unless_named(payload: Payload, subject: Subject) -> Payload | None:
    """For topics of which each row is about one shopper."""
    return None if subject.is_named_in(payload) else payload


def _same(subject: Subject) -> Subject:
    return subject


def _no_rows(subject: Subject) -> Iterator[tuple[str, Rows]]:
    return iter(())


def _no_counts(subject: Subject) -> Iterator[tuple[str, Countable]]:
    return iter(())


def _nothing(subject: Subject) -> Counts:
    return {}


def _not_here(words: Words) -> None:
    """It holds no words of conversations."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """What one app holds.

    ``personal``/``impersonal``: names of its models. ``topics``: of the outbox; None: nothing personal in it.
    ``find(subject)`` adds ids that belong to the shopper; ``complete(subject)``, before rows are read or erased, what
    is known by those rows alone. ``export(subject)`` yields (stable name, rows of JSON); ``count(subject)`` the same
    names with queries that a page may count, up to a bound.

    ``erase(subject)`` → what was removed, counted by name; once more it removes nothing, and it does not mind what was
    removed meanwhile. ``redact(words)`` takes them out; once more it does no harm. What they raise is told to
    operators, and they are asked again later. ``stage``: lower ones come first: what makes new rows, then rows, then
    copies, then what is on its way.
    """

    app: str
    personal: tuple[str, ...] = ()
    impersonal: tuple[str, ...] = ()
    topics: Mapping[str, TopicData | None] = field(default_factory=dict)
    find: Callable[[Subject], Subject] = _same
    complete: Callable[[Subject], Subject] = _same
    export: Callable[[Subject], Iterable[tuple[str, Rows]]] = _no_rows
    count: Callable[[Subject], Iterable[tuple[str, Countable]]] = _no_counts
    erase: Callable[[Subject], Counts] = _nothing
    redact: Callable[[Words], None] = _not_here
    stage: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """A kind of data and how long it is kept: ``setting`` names the days.

    ``remove(before, most)`` removes up to ``most`` that are older, in one short transaction → how many, 0 when there is
    no more. None: its own app's task does it.
    """

    key: str
    name: Promise
    about: Promise
    setting: str
    remove: Callable[[datetime, int], int] | None = None


_holders: dict[str, Holder] = {}
_retentions: dict[str, Retention] = {}


def register_holder(holder: Holder) -> None:
    if holder.app in _holders:
        raise ValueError(f"App {holder.app!r} says twice what it holds of shoppers.")
    _holders[holder.app] = holder


def register_retention(retention: Retention) -> None:
    if retention.key in _retentions:
        raise ValueError(f"Retention of {retention.key!r} is registered twice.")
    _retentions[retention.key] = retention


def holders() -> list[Holder]:
    """In the order in which they erase."""
    return sorted(_holders.values(), key=lambda holder: holder.stage)


def completed(subject: Subject) -> Subject:
    for holder in holders():
        subject = holder.complete(subject)
    return subject


def retentions() -> list[Retention]:
    return list(_retentions.values())


def topic_data() -> dict[str, TopicData | None]:
    return {name: data for holder in _holders.values() for name, data in holder.topics.items()}
