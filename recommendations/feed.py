"""Feed lines of kind "interaction"."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone

from recommendations.experiments import running_now
from recommendations.interactions import STRENGTH, NewInteraction, as_row, count_outcomes, refusal, store
from recommendations.models import content_key
from shop import feed_fields as read
from shop.feed import FeedKind, Row, Upserted, register_kind
from shop.feed_fields import LineRefused
from shop.models import Edition


def _parse(line: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    new = NewInteraction(
        customer_id=read.text(line, "customer_id", 128, default=""),
        session_id=read.text(line, "session_id", 128, default=""),
        asin=read.asin(line),
        type=read.choice(line, "type", tuple(STRENGTH)),
        value=read.number(line, "value", -1e9, 1e9),
        at=read.moment(line, "at"),
    )
    reason = refusal(new, now=timezone.now())
    if reason or new.at is None:
        raise LineRefused(reason or "at is missing")
    return content_key(new.customer_id, new.session_id, new.asin, new.type, new.value, new.at), {"interaction": new}


def _upsert(rows: Sequence[Row]) -> Upserted:
    series_of = dict(
        Edition.objects.filter(pk__in={row.values["interaction"].asin for row in rows}).values_list("pk", "series_id")
    )
    done = Upserted()
    good = []
    now = timezone.now()
    for row in rows:
        new: NewInteraction = row.values["interaction"]
        if new.asin in series_of:
            good.append(as_row(new, series_of[new.asin], now=now))
        else:
            done.dangling.append((row, f"edition {new.asin!r} is unknown"))
    running = running_now()
    with transaction.atomic():
        taken = store(good)
        count_outcomes((row for row in good if row.content_key in taken), running)
    done.changed = len(taken)
    done.unchanged = len(good) - done.changed
    return done


def register() -> None:
    """Called once, by the app's ``ready``."""
    register_kind(FeedKind("interaction", 5, _parse, _upsert, is_state=False))
