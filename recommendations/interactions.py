"""What shoppers do, taken in; and one shopper's history, as the engines want it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from caching.invalidation import invalidate
from mangaassist.privacy.subject import seal
from recommendations.backends.base import HistoryItem, ShopperEvent
from recommendations.dataset_updates import tell_of_shoppers
from recommendations.experiments import Running, forget_participation, record_outcomes, running_now
from recommendations.forgetting import tell_to_forget
from recommendations.models import ForgottenHistory, Interaction, content_key
from recommendations.streaming import tell
from shop.models import Edition

# How much each kind says about taste, 0-1. A rating says value / 5, or dislike up to DISLIKED.
STRENGTH = {"purchase": 1.0, "rating": 1.0, "add_to_cart": 0.7, "click": 0.4, "view": 0.3}
DISLIKED = 2
# Clocks of senders may run ahead by this much.
CLOCK_SKEW = timedelta(minutes=5)
# Of a shopper with a hundred thousand interactions, the newest ones say what is wanted next.
NEWEST_INTERACTIONS = 500
LONGEST_HISTORY = 200
LONGEST_RECOMMENDATION_ID = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class NewInteraction:
    """An interaction to take in: of a customer or of a guest's session. ``value`` of a rating: 1-5."""

    asin: str
    type: str
    customer_id: str = ""
    session_id: str = ""
    value: float | None = None
    # None: now.
    at: datetime | None = None
    # The list that led to it, and what stood in it: an engine learns from what was passed over as well.
    recommendation_id: str = ""
    impression: tuple[str, ...] = ()
    # Where it was done (requests.DEVICES); told to Amazon Personalize, and kept nowhere.
    device: str = ""


@dataclass(frozen=True, slots=True)
class Recorded:
    """``refused``: (position in what was given, reason)."""

    taken: int
    duplicates: int
    refused: tuple[tuple[int, str], ...]


def refusal(new: NewInteraction, *, now: datetime) -> str:
    """Why it cannot be taken, whatever the catalogue holds; empty when it can."""
    if new.type not in STRENGTH:
        return f"type must be one of {', '.join(STRENGTH)}"
    if not (new.customer_id or new.session_id):
        return "customer_id or session_id is missing"
    if "\x00" in new.customer_id + new.session_id:
        return "customer_id and session_id must not hold a null character"
    if len(new.customer_id) > 128 or len(new.session_id) > 128:
        return "customer_id and session_id have at most 128 characters"
    if new.type == "rating" and not (new.value is not None and 1 <= new.value <= 5):
        return "the value of a rating must be a number from 1 to 5"
    if new.at is not None and new.at > now + CLOCK_SKEW:
        return "at lies in the future"
    return ""


def record_interactions(interactions: Sequence[NewInteraction]) -> Recorded:
    """Stores them, each once however often it is sent, in any order; the shopper's next answer knows them."""
    now = timezone.now()
    series_of = dict(Edition.objects.filter(pk__in={new.asin for new in interactions}).values_list("pk", "series_id"))
    refused: list[tuple[int, str]] = []
    good: list[NewInteraction] = []
    for position, new in enumerate(interactions):
        reason = refusal(new, now=now)
        if not reason and new.asin not in series_of:
            reason = f"edition {new.asin!r} is unknown"
        if reason:
            refused.append((position, reason))
        else:
            good.append(new)
    rows = [(new, as_row(new, series_of[new.asin], now=now)) for new in good]
    running = running_now()
    with transaction.atomic():
        taken = store(row for _, row in rows)
        count_outcomes((row for _, row in rows if row.content_key in taken), running)
        tell_of_shoppers(row for _, row in rows if row.content_key in taken)
        tell({row.content_key: _event(new, row) for new, row in rows if row.content_key in taken}.values())
    return Recorded(len(taken), len(good) - len(taken), tuple(refused))


def count_outcomes(rows: Iterable[Interaction], running: Running | None) -> None:
    """Of newly stored interactions. Not of those that a guest brings along at sign-in: they counted already."""
    record_outcomes(
        {row.content_key: (owner_of(row.customer_id, row.session_id), row) for row in rows}.values(), running
    )


def _event(new: NewInteraction, row: Interaction) -> ShopperEvent:
    return ShopperEvent(
        id=row.content_key,
        customer_id=row.customer_id,
        session_id=row.session_id,
        asin=row.asin,
        type=row.type,
        value=row.value,
        at=row.at,
        recommendation_id=new.recommendation_id,
        impression=new.impression,
        device=new.device,
    )


def as_row(new: NewInteraction, series_id: str, *, now: datetime) -> Interaction:
    at = new.at or now
    return Interaction(
        customer_id=new.customer_id,
        session_id=new.session_id,
        asin=new.asin,
        series_id=series_id,
        type=new.type,
        value=new.value,
        at=at,
        recommendation_id=new.recommendation_id[:LONGEST_RECOMMENDATION_ID],
        content_key=content_key(new.customer_id, new.session_id, new.asin, new.type, new.value, at),
    )


def store(rows: Iterable[Interaction]) -> set[str]:
    """Writes what is not there yet and makes these shoppers' cached recommendations wrong; the keys of the new ones."""
    unique = {row.content_key: row for row in rows}
    with transaction.atomic():
        _drop_forgotten(unique)
        known = Interaction.objects.filter(content_key__in=unique).values_list("content_key", flat=True)
        for key in list(known):
            del unique[key]
        Interaction.objects.bulk_create(unique.values(), ignore_conflicts=True, batch_size=1000)
        invalidate({owner_tag(row.customer_id, row.session_id) for row in unique.values()})
    return set(unique)


def _drop_forgotten(rows: dict[str, Interaction]) -> None:
    """What a shopper had forgotten does not come back with a late or repeated delivery."""
    owners = {key: owner_of(row.customer_id, row.session_id) for key, row in rows.items()}
    sealed = {owner: seal(owner) for owner in set(owners.values())}
    named = {*sealed, *sealed.values()}
    forgotten = dict(ForgottenHistory.objects.filter(owner__in=named).values_list("owner", "at"))
    if not forgotten:
        return
    for key, owner in owners.items():
        if any(name in forgotten and rows[key].at <= forgotten[name] for name in (owner, sealed[owner])):
            del rows[key]


def join_guest(session_id: str, customer_id: str) -> int:
    """The guest has signed in: what they did until now is the customer's; the number of interactions."""
    if not (session_id and customer_id):
        return 0
    with transaction.atomic():
        guest = Interaction.objects.of_guest(session_id)
        rows = list(guest)
        if rows:
            guest.delete()
            for row in rows:
                row.pk, row.customer_id = None, customer_id
                row.content_key = content_key(customer_id, row.session_id, row.asin, row.type, row.value, row.at)
            store(rows)
            invalidate([owner_tag("", session_id)])
            # One event that names both joins the session to its customer there.
            tell([_event(NewInteraction(asin=rows[-1].asin, type=rows[-1].type), rows[-1])])
            tell_of_shoppers(rows)
    return len(rows)


def forget_history(*, customer_id: str = "", session_id: str = "", until: datetime | None = None) -> int:
    """Deletes what is known of a shopper's taste, for good, here and at Amazon Personalize; how many interactions.

    ``until``: what they did later stays (None: all goes). Amazon Personalize knows no such time, and deletes all.
    Orders stay (the shop needs them, and what is owned is not recommended again), but say nothing of taste any more.
    """
    owner = owner_of(customer_id, session_id)
    with transaction.atomic():
        rows = Interaction.objects.of_customer(customer_id) if customer_id else Interaction.objects.of_guest(session_id)
        if until is not None:
            rows = rows.filter(at__lte=until)
        sessions = set(rows.exclude(session_id="").values_list("session_id", flat=True))
        deleted, _ = rows.delete()
        # A guest was known by the session before the name.
        tell_to_forget({customer_id, session_id, *sessions} - {""}, until=until)
        forget_participation({owner, *(owner_of("", each) for each in sessions)}, until=until)
        mark_forgotten(owner, until or timezone.now())
        invalidate([owner_tag(customer_id, session_id)])
    return deleted


def mark_forgotten(owner: str, at: datetime) -> None:
    """``owner``: as in :class:`ForgottenHistory`. The latest mark counts."""
    mark, is_new = ForgottenHistory.objects.get_or_create(owner=owner, defaults={"at": at})
    if not is_new and mark.at < at:
        ForgottenHistory.objects.filter(owner=owner).update(at=at)


def last_rating(asin: str, *, customer_id: str, session_id: str) -> int | None:
    """What this shopper gave the edition last, 1-5."""
    if customer_id:
        rows = Interaction.objects.of_customer(customer_id)
    elif session_id:
        rows = Interaction.objects.of_guest(session_id)
    else:
        return None
    ratings = rows.filter(asin=asin, type=Interaction.Type.RATING).order_by("-at", "-content_key")
    value = ratings.values_list("value", flat=True).first()
    return None if value is None else round(value)


def owner_of(customer_id: str, session_id: str) -> str:
    """Whose recommendations: a customer's id or ``session-…`` of a guest. The first part of their cache key."""
    return customer_id or f"session-{session_id}"


def owner_tag(customer_id: str, session_id: str) -> str:
    return f"customer:{owner_of(customer_id, session_id)}"


@dataclass(frozen=True, slots=True)
class History:
    """``items``: newest first, each series once. ``had``: ASINs bought or rated. All of one shopper."""

    items: tuple[HistoryItem, ...] = ()
    had: tuple[str, ...] = ()
    disliked: frozenset[str] = frozenset()


def history_of(customer_id: str, session_id: str, owned: Collection[str]) -> History:
    """What this shopper did, and has (``owned``: from the orders, which may know more than the interactions).

    A customer's history is what was done signed in; a session's, what was done in it while nobody was.
    """
    if customer_id:
        rows = Interaction.objects.of_customer(customer_id)
    elif session_id:
        rows = Interaction.objects.of_guest(session_id)
    else:
        return History()
    newest = rows.order_by("-at", "-content_key").values_list("asin", "series_id", "type", "value", "at")
    owner = owner_of(customer_id, session_id)
    is_forgotten = ForgottenHistory.objects.filter(owner__in=(owner, seal(owner))).exists()
    return _gather(list(newest[:NEWEST_INTERACTIONS]), _bought(owned), orders_tell=not is_forgotten)


def viewed(asin: str) -> tuple[HistoryItem, ...]:
    """The history of somebody who looks at this edition now and has done nothing else; none for an unknown one."""
    series_id = Edition.objects.filter(pk=asin).values_list("series_id", flat=True).first()
    if series_id is None:
        return ()
    strength = STRENGTH[Interaction.Type.VIEW]
    return (HistoryItem(series_id=series_id, asin=asin, strength=strength, read=False, at=timezone.now()),)


def _bought(owned: Collection[str]) -> list[tuple[str, str]]:
    return sorted(Edition.objects.filter(pk__in=list(owned)).values_list("pk", "series_id")) if owned else []


def _gather(
    interactions: list[tuple[str, str, str, float | None, datetime]],
    bought: list[tuple[str, str]],
    *,
    orders_tell: bool,
) -> History:
    items: dict[str, HistoryItem] = {}
    had: dict[str, None] = {}
    disliked: set[str] = set()
    for asin, series_id, kind, value, at in interactions:
        if kind in ("purchase", "rating"):
            had.setdefault(asin)
        if series_id in disliked:
            continue
        if kind == "rating" and value is not None and value <= DISLIKED:
            # The newest word on a series counts: an older dislike under a newer like does not.
            if series_id not in items:
                disliked.add(series_id)
            continue
        known = items.get(series_id)
        items[series_id] = HistoryItem(
            series_id=series_id,
            asin=known.asin if known else asin,
            strength=max(strength_of(kind, value), known.strength if known else 0.0),
            read=kind in ("purchase", "rating") or (known is not None and known.read),
            at=known.at if known else at,
        )
    long_ago = min((item.at for item in items.values()), default=timezone.now())
    for asin, series_id in bought:
        had.setdefault(asin)
        known = items.get(series_id)
        if series_id not in disliked and orders_tell:
            items[series_id] = HistoryItem(
                series_id=series_id,
                asin=known.asin if known and known.read else asin,
                strength=1.0,
                read=True,
                at=known.at if known else long_ago,
            )
    return History(tuple(items.values())[:LONGEST_HISTORY], tuple(had), frozenset(disliked))


def strength_of(kind: str, value: float | None) -> float:
    """0 for a dislike."""
    if kind == "rating" and value is not None:
        return 0.0 if value <= DISLIKED else min(value, 5.0) / 5
    return STRENGTH[kind]
