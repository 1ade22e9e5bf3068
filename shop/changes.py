"""Every change of the catalogue invalidates what shows it, and is heard once per transaction, after its commit."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from threading import local
from weakref import WeakSet

from django.apps import apps
from django.db import transaction

from caching.invalidation import invalidate
from shop.signals import catalog_changed, catalog_changing

# Of what is made from all series at once: title index, engines' picture of the catalogue (caching/pictures.py).
ALL_SERIES_TAG = "catalog:series"

# Fields of an edition that are read live: their change makes nothing in any cache wrong.
LIVE_FIELDS = frozenset({"price", "stock"})


@dataclass(slots=True, eq=False, weakref_slot=True)
class _Change:
    asins: frozenset[str]
    series: frozenset[str]
    fields: frozenset[str]


class _Waiting(local):
    """Of this thread's transaction. A change lives as long as Django keeps its commit hook: a rollback, also to a
    savepoint, drops the hook and with it the change.
    """

    def __init__(self) -> None:
        self.changes: WeakSet[_Change] = WeakSet()


_waiting = _Waiting()


def note_change(*, asins: Iterable[str] = (), series: Iterable[str] = (), fields: Iterable[str] = ("*",)) -> None:
    """Remembers what changed; one ``catalog_changed`` tells it all when the transaction commits.

    ``fields``: names of what changed, ``*`` for anything but price and stock.
    """
    change = _Change(frozenset(asins), frozenset(series), frozenset(fields))
    if change.asins or change.series:
        # Within the transaction: what it computes from now on must not be cached, it may be rolled back.
        if not change.fields <= LIVE_FIELDS | {"promotion"}:
            invalidate(_tags(change.asins, change.series))
        catalog_changing.send(sender=None, asins=change.asins, series=change.series, fields=change.fields)
        _waiting.changes.add(change)
        transaction.on_commit(partial(_tell, change))


def _tags(asins: Iterable[str], series: Iterable[str]) -> set[str]:
    """Of cached values that show these. An edition's facts name its series."""
    rows = apps.get_model("shop", "Series")._base_manager.filter(pk__in=series)
    return {
        *(f"asin:{asin}" for asin in asins),
        *(f"asin:{asin}" for asin in rows.values_list("editions", flat=True) if asin),
        *(f"series:{id}" for id in series),
        *([ALL_SERIES_TAG] if series else []),
        *(f"category:{category}" for category in rows.values_list("category", flat=True)),
    }


def _tell(change: _Change) -> None:
    """The first hook to run tells for all."""
    if change not in _waiting.changes:
        return
    changes = list(_waiting.changes)
    _waiting.changes.clear()
    catalog_changed.send_robust(
        sender=None,
        asins=frozenset().union(*(each.asins for each in changes)),
        series=frozenset().union(*(each.series for each in changes)),
        fields=frozenset().union(*(each.fields for each in changes)),
    )
