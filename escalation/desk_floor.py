"""What is going on at the desk, read in a few queries: who waits, who talks with whom, who is at work."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import Max, OuterRef, Q, Subquery
from django.utils import timezone

from escalation.actors import AGENTS, LEADS, Actor
from escalation.desk_cards import cards_of_lines, involved_cards
from escalation.models import AgentPresence, CannedReply, Handoff, HandoffLine
from shop.orders import OrdersUnavailable, find_order, orders_of

# More than anybody reads; who waits further back moves up.
MOST_ROWS = 400
# What a conversation shows at once; older lines are in the admin.
MOST_LINES = 300
# Rows get their ids before they are committed: one that appears late is found among the ids just before the newest.
LATE_LINES = 50

Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Floor:
    """``rows``: open handoffs, and those looked at, whose newest lines are ``lines``. ``beyond``: ids of those that
    wait further back than is read.
    """

    rows: dict[str, Row]
    agents: list[Row]
    lines: dict[str, list[Row]] = field(default_factory=dict)
    beyond: frozenset[str] = frozenset()


def read_floor(looked_at: Mapping[str, int]) -> Floor:
    """``looked_at``: handoff id → the id of the newest line that all its lookers were told."""
    open_first = Q(status__in=Handoff.OPEN) | Q(pk__in=list(looked_at))
    said = HandoffLine.objects.filter(handoff=OuterRef("pk"), role=HandoffLine.Role.SHOPPER).order_by("-id")
    handoffs: list[Any] = list(
        Handoff.objects.filter(open_first)
        .annotate(
            last_line=Max("lines__id"), said_id=Subquery(said.values("id")[:1]), said=Subquery(said.values("text")[:1])
        )
        # Those with an agent first ("agent" < "queued"): a long queue must not hide them.
        .order_by("status", "-priority", "opened_at", "pk")[:MOST_ROWS]
    )
    lines = {}
    for handoff in handoffs:
        told = looked_at.get(str(handoff.pk))
        if told is not None and (handoff.last_line or 0) > told:
            newest = handoff.lines.filter(id__gt=told - LATE_LINES).order_by("id")
            lines[str(handoff.pk)] = _lines(handoff, list(newest))
    held = Counter(each.agent_id for each in handoffs if each.status == Handoff.Status.AGENT)
    rows = {str(each.pk): _row(each) for each in handoffs}
    beyond: frozenset[str] = frozenset()
    if len(rows) >= MOST_ROWS:
        waiting = Handoff.objects.queued().exclude(pk__in=list(rows))
        beyond = frozenset(str(id) for id in waiting.values_list("pk", flat=True))
    return Floor(rows=rows, agents=_agents(held), lines=lines, beyond=beyond)


def visible(row: Row, actor: Actor) -> bool:
    """Agents see who waits and who talks with them; leads see all."""
    return actor.is_lead or row["status"] == Handoff.Status.QUEUED or row["agent_id"] == actor.user_id


def may_see(handoff: Handoff, actor: Actor) -> bool:
    return visible({"status": handoff.status, "agent_id": handoff.agent_id}, actor)


def read_conversation(handoff: Handoff, actor: Actor) -> Row:
    """The body of a ``conversation`` frame."""
    lines = list(reversed(handoff.lines.order_by("-id")[:MOST_LINES]))
    return {
        "id": str(handoff.pk),
        "package": {"summary": handoff.summary} | handoff.package | involved_cards(handoff),
        "email": handoff.email,
        "lines": _lines(handoff, lines),
        "canned": _canned(handoff, actor),
    }


def _row(handoff: Any) -> Row:
    return {
        "id": str(handoff.pk),
        "conversation_id": handoff.conversation_id,
        "status": handoff.status,
        "trigger": handoff.trigger,
        "reason": handoff.reason,
        "priority": handoff.priority,
        "language": handoff.language,
        "customer_id": handoff.customer_id,
        "email": handoff.email,
        "opened_at": _when(handoff.opened_at),
        "taken_at": _when(handoff.taken_at),
        "closed_at": _when(handoff.closed_at),
        "close_reason": handoff.close_reason,
        "agent_id": handoff.agent_id,
        "agent_name": handoff.agent_name,
        "csat": handoff.csat,
        "csat_comment": handoff.csat_comment,
        # A model's summary has come: who looks at it reads the package again.
        "written": "written" in handoff.package,
        "said_id": handoff.said_id or 0,
        "said": (handoff.said or "")[:140],
    }


def _when(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _agents(held: Mapping[int | None, int]) -> list[Row]:
    since = timezone.now() - timedelta(seconds=AgentPresence.SILENT_AFTER_S)
    staff = get_user_model().objects.filter(is_active=True, is_staff=True)
    people = staff.filter(Q(is_superuser=True) | Q(groups__name__in=(AGENTS, LEADS))).distinct()
    agents = []
    for user in people.select_related("presence").order_by("first_name", "username"):
        presence: AgentPresence | None = getattr(user, "presence", None)
        heard = presence is not None and presence.seen_at >= since
        agents.append(
            {
                "id": user.pk,
                "name": user.first_name or user.get_username(),
                "status": presence.status if presence and heard else AgentPresence.Status.OFFLINE,
                "capacity": presence.capacity if presence else 0,
                "load": held.get(user.pk, 0),
            }
        )
    return agents


def _lines(handoff: Handoff, lines: list[HandoffLine]) -> list[Row]:
    shown = cards_of_lines(handoff, lines)
    return [
        {
            "id": line.pk,
            "role": line.role,
            "text": line.text,
            "author": line.author,
            "at": line.at.isoformat(),
            "client_id": str(line.client_id) if line.client_id else None,
            "cards": [
                shown[key] for card in line.cards if (key := (str(card.get("kind")), str(card.get("id")))) in shown
            ],
        }
        for line in lines
    ]


def _canned(handoff: Handoff, actor: Actor) -> list[dict[str, str]]:
    """Ready answers, filled for this shopper; those in their language first."""
    replies = sorted(CannedReply.objects.all()[:200], key=lambda each: each.locale != handoff.language)
    order = _order_spoken_of(handoff) if any("{order}" in reply.text for reply in replies) else ""
    words = {"customer": handoff.customer_id, "agent": actor.shown, "order": order}
    return [{"shortcut": each.shortcut, "locale": each.locale, "text": each.filled(**words)} for each in replies]


def _order_spoken_of(handoff: Handoff) -> str:
    """The package's first that is the customer's own, else their newest; empty for none, or when none can be read."""
    spoken_of = handoff.package.get("orders")
    try:
        for id in spoken_of if isinstance(spoken_of, list) else ():
            if find_order(str(id), customer_id=handoff.customer_id) is not None:
                return str(id)
        return next((each.id for each in orders_of(handoff.customer_id, 1)), "")
    except OrdersUnavailable:
        return ""
