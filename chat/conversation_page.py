"""A conversation as an operator reads it: what the shopper saw, with the prices of then, and what became of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import Count, Q
from django.utils.dateparse import parse_datetime

from chat.live import format_money
from chat.models import Conversation, Message, Turn
from chat.understanding.types import Language
from escalation.models import Handoff, HandoffTransition
from mangaassist.redaction import redact
from shop.facts import load_product_facts, load_series_facts
from shop.offers import Money

# Messages of one page: a long conversation is read page by page.
PAGE = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptCard:
    """A card as it was shown. ``price``: what was quoted then, "" for none; ``as_of``: when it had been read. Stock and
    an order's status are not kept, hence not shown.
    """

    kind: str
    id: str
    title: str
    cover_url: str
    reason: str
    price: str
    as_of: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A message, or a step of a handoff between messages. ``cached``: how many values of the turn the cache had."""

    at: datetime
    message: Message | None = None
    cards: tuple[KeptCard, ...] = ()
    transition: HandoffTransition | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """``lines``: oldest first. ``number`` of ``pages``."""

    lines: tuple[Line, ...]
    number: int
    pages: int
    handoffs: tuple[Handoff, ...] = ()
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def older(self) -> int | None:
        return self.number - 1 if self.number > 1 else None

    @property
    def newer(self) -> int | None:
        return self.number + 1 if self.number < self.pages else None


def read_page(conversation: Conversation, *, number: int | None = None, at_message: int | None = None) -> Page:
    """The page ``number``, the one with a message, or the last one: in a fixed number of queries, without traces."""
    messages = conversation.messages.order_by("id")
    counts = messages.aggregate(
        all=Count("pk"),
        before=Count("pk", filter=Q(pk__lt=at_message or 0)),
        asked=Count("pk", filter=Q(role=Message.Role.USER)),
    )
    pages = max(1, -(-counts["all"] // PAGE))
    if at_message is not None:
        number = counts["before"] // PAGE + 1
    number = min(max(number or pages, 1), pages)
    # Traces are the bulk of a turn's row, and each is read when it is opened.
    shown = list(
        messages.select_related("turn", "feedback").defer("turn__trace", "turn__dialogue", "template")[
            (number - 1) * PAGE : number * PAGE
        ]
    )
    handoffs = tuple(
        Handoff.objects.filter(conversation_id=str(conversation.pk))
        .order_by("opened_at")
        .prefetch_related("transitions")
    )
    lines = lines_of(shown, _language(conversation))
    if lines:
        first = lines[0].at if number > 1 else None
        last = lines[-1].at if number < pages else None
        lines += [
            Line(at=each.at, transition=each)
            for handoff in handoffs
            for each in handoff.transitions.all()
            if (first is None or each.at >= first) and (last is None or each.at <= last)
        ]
    return Page(
        lines=tuple(sorted(lines, key=lambda line: line.at)),
        number=number,
        pages=pages,
        handoffs=handoffs,
        counts={"messages": counts["all"], "asked": counts["asked"]},
    )


def turn_lines(turn: Turn) -> list[Line]:
    """What was said in one turn."""
    messages = turn.messages.order_by("id").select_related("turn", "feedback").defer("turn__trace", "turn__dialogue")
    return lines_of(list(messages), _language(turn.conversation))


def lines_of(messages: Sequence[Message], language: Language) -> list[Line]:
    cards = kept_cards([card for message in messages for card in message.cards], language)
    return [
        Line(
            at=message.created_at,
            message=message,
            cards=tuple(card for card in map(cards.get, map(_key, message.cards)) if card),
        )
        for message in messages
    ]


def kept_cards(references: Iterable[dict[str, Any]], language: Language) -> dict[str, KeptCard]:
    """By :func:`_key`. Titles and covers are today's; they do not age as a price does."""
    references = list(references)
    products = load_product_facts([each["id"] for each in references if each.get("kind") == "product"])
    series = load_series_facts({each["id"] for each in references if each.get("kind") == "series"})
    cards: dict[str, KeptCard] = {}
    for each in references:
        id, title, cover = str(each.get("id", "")), "", ""
        if id in products:
            title, cover = products[id].title, products[id].cover_url
        elif each.get("kind") == "series" and id in series:
            title, cover = series[id].title, f"/covers/series/{id}.svg"
            title = series[id].native_title if language == "ja" and series[id].native_title else title
        quoted = each.get("quoted") or {}
        cards[_key(each)] = KeptCard(
            kind=str(each.get("kind", "")),
            id=id,
            title=title or id,
            cover_url=cover if cover.startswith("/") else "",
            reason=str(each.get("reason", "")),
            price=format_money(Money(Decimal(quoted["amount"]), quoted["currency"]), language) if quoted else "",
            as_of=parse_datetime(quoted.get("as_of", "")) if quoted else None,
        )
    return cards


def _key(reference: dict[str, Any]) -> str:
    """The same card may have been shown twice, at two prices."""
    quoted = reference.get("quoted") or {}
    marks = [reference.get(name, "") for name in ("kind", "id", "reason")]
    return "|".join(map(str, [*marks, quoted.get("amount", ""), quoted.get("as_of", "")]))


def without_personal_data(lines: Iterable[Line]) -> list[Line]:
    """For readers who may not know who the shopper is."""
    lines = list(lines)
    for line in lines:
        if line.message is None:
            continue
        line.message.content = redact(line.message.content)
        line.message.quick_replies = [redact(str(each)) for each in line.message.quick_replies]
        feedback = getattr(line.message, "feedback", None)
        if feedback is not None:
            # A partner's reason may be the shopper's own words.
            feedback.reason = redact(feedback.reason)
    return lines


def _language(conversation: Conversation) -> Language:
    return "ja" if conversation.locale == "ja" else "en"
