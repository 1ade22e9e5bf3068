"""One shopper, as our stores name them."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any

from django.conf import settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """``customer_id``: empty for a guest. ``sessions``: those they came with; ``conversations``, ``turns``,
    ``handoffs``: ids of what is theirs. What came after ``until`` is none of it. ``questions``: what they asked in
    vain, as "key:how often" (mangaassist.analytics.unanswered).

    Without customer and session it is a conversation alone, and not who was in it.
    """

    until: datetime
    customer_id: str = ""
    sessions: frozenset[str] = frozenset()
    conversations: frozenset[str] = frozenset()
    turns: frozenset[str] = frozenset()
    handoffs: frozenset[str] = frozenset()
    questions: frozenset[str] = frozenset()

    @property
    def kind(self) -> str:
        return "shopper" if self.owners else "conversation"

    @property
    def names(self) -> frozenset[str]:
        """Every text that stands for this shopper and nobody else."""
        own = {self.customer_id} if self.customer_id else set()
        return frozenset(own | self.sessions | self.owners | self.conversations | self.turns | self.handoffs)

    @property
    def owners(self) -> frozenset[str]:
        """As cache keys and experiments name them: a customer's id, or ``session-…`` of a guest."""
        guests = {f"session-{each}" for each in self.sessions}
        return frozenset(guests | ({self.customer_id} if self.customer_id else set()))

    @property
    def reference(self) -> str:
        """What a record of an erasure says in the place of the name: nobody without SECRET_KEY finds the one by the
        other."""
        first = self.customer_id or next(iter(sorted(self.sessions)), "") or next(iter(sorted(self.conversations)), "")
        return seal(first)[:12]

    def named_at(self, at: datetime) -> Subject:
        """Of whom a row of that time tells: after ``until`` a customer or a guest may have come back; a conversation
        that is erased does not, and whatever names it still was under way."""
        return self if at <= self.until else replace(self, customer_id="", sessions=frozenset())

    def with_more(self, **found: Iterable[str]) -> Subject:
        return replace(self, **{name: getattr(self, name) | set(values) - {""} for name, values in found.items()})

    def is_named_in(self, value: Any) -> bool:
        """Whether JSON holds one of the names as a whole text, or as what follows a tag's colon."""
        return _names(value, self.names)

    def needles(self) -> list[str]:
        """The names as they stand in stored JSON, whose ASCII form differs by database."""
        return sorted({form for name in self.names for form in (name, json.dumps(name)[1:-1])})

    def as_text(self) -> str:
        return json.dumps(fields_of(self))

    @classmethod
    def from_text(cls, text: str) -> Subject:
        told = json.loads(text)
        lists = {name: frozenset(value) for name, value in told.items() if isinstance(value, list)}
        return cls(until=datetime.fromisoformat(told["until"]), customer_id=told["customer_id"], **lists)


def fields_of(value: Any) -> dict[str, Any]:
    """A dataclass of texts, sets of texts and times as JSON."""
    told = {field.name: getattr(value, field.name) for field in fields(value)}
    return {
        name: sorted(each) if isinstance(each, frozenset) else each.isoformat() if isinstance(each, datetime) else each
        for name, each in told.items()
    }


def _names(value: Any, names: frozenset[str]) -> bool:
    if isinstance(value, dict):
        return any(_names(each, names) for each in value.values())
    if isinstance(value, list):
        return any(_names(each, names) for each in value)
    return isinstance(value, str) and (value in names or value.partition(":")[2] in names)


def seal(name: str) -> str:
    """32 hex digits that stand for a name (HMAC-SHA-256 under SECRET_KEY)."""
    return hmac.new(settings.SECRET_KEY.encode(), b"shopper:" + name.encode(), hashlib.sha256).hexdigest()[:32]
