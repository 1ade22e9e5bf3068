"""Lists of recommendations that conversations showed: how many there were, and of how many something was clicked and
then bought. Each list counts once, for the engine that made it, in the hour in which it was shown.

A purchase counts for a list when the same shopper clicked on the same series in it within ``CREDIT`` before.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q
from django.utils import timezone

from mangaassist.analytics.models import ShownList, TallyMark
from mangaassist.analytics.tallying import EndedTurn
from mangaassist.analytics.totals import Totals
from recommendations.interactions import LONGEST_RECOMMENDATION_ID
from recommendations.models import Interaction

SLICE = 500
CREDIT = timedelta(days=7)
KEPT = timedelta(days=30)
# A click may come before the turn that shows the list has ended and is counted.
SETTLED = timedelta(minutes=2)
# Ids are given in order, but transactions end in any.
OVERLAP = 1_000
_CLICKS = (Interaction.Type.CLICK, Interaction.Type.ADD_TO_CART)
_FIELDS = ("pk", "customer_id", "session_id", "series_id", "type", "at", "recommendation_id")


def remember(turns: Iterable[EndedTurn], totals: Totals) -> None:
    """The lists that these turns showed for the first time."""
    shown: dict[str, ShownList] = {}
    for turn in turns:
        list_id = next((str(card["recommendation_id"]) for card in turn.cards if card.get("recommendation_id")), "")
        if list_id and turn.engine:
            list_id = list_id[:LONGEST_RECOMMENDATION_ID]
            shown.setdefault(list_id, ShownList(list_id=list_id, engine=turn.engine, shown_at=turn.at))
    for known in ShownList.objects.filter(list_id__in=shown).values_list("list_id", flat=True):
        del shown[known]
    ShownList.objects.bulk_create(shown.values())
    for each in shown.values():
        totals.add(each.shown_at, {("engine", each.engine): {"shown": 1}})


def count_slice(mark: TallyMark, totals: Totals) -> bool:
    """Reads interactions by their ids. Reading one again changes nothing: a list is clicked once."""
    now = timezone.now()
    newest = Interaction.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    wanted = Q(recommendation_id__gt="", type__in=_CLICKS) | Q(type=Interaction.Type.PURCHASE)
    rows = list(Interaction.objects.filter(wanted, pk__gt=mark.number).order_by("pk").values(*_FIELDS)[:SLICE])
    unsettled = next((row["pk"] for row in rows if row["at"] > now - SETTLED), None)
    settled = [row for row in rows if unsettled is None or row["pk"] < unsettled]
    # What was imported from long ago is about no list that is still known.
    recent = [row for row in settled if row["at"] >= now - KEPT]
    _note_clicks(recent, totals)
    _note_purchases([row for row in recent if row["type"] == Interaction.Type.PURCHASE], totals)
    if len(rows) == SLICE and settled:
        mark.number = settled[-1]["pk"]
        return unsettled is None
    end = newest if unsettled is None else min(newest, unsettled - 1)
    mark.number = max(0, end - OVERLAP)
    return False


def _note_clicks(rows: Iterable[dict[str, Any]], totals: Totals) -> None:
    clicked = {row["recommendation_id"]: row["at"] for row in rows if row["type"] in _CLICKS}
    for shown in ShownList.objects.filter(list_id__in=clicked, clicked_at=None):
        shown.clicked_at = clicked[shown.list_id]
        shown.save(update_fields=["clicked_at"])
        totals.add(shown.shown_at, {("engine", shown.engine): {"clicked": 1}})


def _note_purchases(rows: list[dict[str, Any]], totals: Totals) -> None:
    if not rows:
        return
    since = min(row["at"] for row in rows) - CREDIT
    buyers = Q(customer_id__in={row["customer_id"] for row in rows} - {""})
    buyers |= Q(customer_id="", session_id__in={row["session_id"] for row in rows if not row["customer_id"]})
    clicks = Interaction.objects.filter(buyers, at__gte=since, type__in=_CLICKS, recommendation_id__gt="")
    by_shopper: dict[tuple[str, str], list[tuple[datetime, str]]] = {}
    for click in clicks.order_by("at").values(*_FIELDS):
        by_shopper.setdefault(_wish(click), []).append((click["at"], click["recommendation_id"]))
    bought = {
        list_id: row["at"]
        for row in rows
        for at, list_id in by_shopper.get(_wish(row), ())
        if row["at"] - CREDIT <= at <= row["at"]
    }
    for shown in ShownList.objects.filter(list_id__in=bought, bought_at=None):
        shown.bought_at = bought[shown.list_id]
        shown.save(update_fields=["bought_at"])
        totals.add(shown.shown_at, {("engine", shown.engine): {"bought": 1}})


def _wish(row: dict[str, Any]) -> tuple[str, str]:
    return row["customer_id"] or f"session {row['session_id']}", row["series_id"]


def forget(since: datetime) -> None:
    ShownList.objects.filter(shown_at__gte=since).delete()


def prune() -> int:
    return ShownList.objects.filter(shown_at__lt=timezone.now() - KEPT).delete()[0]
