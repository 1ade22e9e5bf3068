"""Every change of the catalogue is heard once per transaction, after its commit."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from threading import local

from django.db import transaction

from shop.signals import catalog_changed

# Fields of an edition that are read live: their change makes nothing in any cache wrong.
LIVE_FIELDS = frozenset({"price", "stock"})


@dataclass(slots=True)
class _Gathered:
    asins: set[str] = field(default_factory=set)
    series: set[str] = field(default_factory=set)
    fields: set[str] = field(default_factory=set)


_state = local()


def note_change(*, asins: Iterable[str] = (), series: Iterable[str] = (), fields: Iterable[str] = ("*",)) -> None:
    """Remembers what changed; one ``catalog_changed`` tells it all when the transaction commits.

    ``fields``: names of what changed, ``*`` for anything but price and stock.
    """
    gathered: _Gathered | None = getattr(_state, "gathered", None)
    if gathered is None or not transaction.get_connection().in_atomic_block:
        gathered = _state.gathered = _Gathered()
        gathered.asins.update(asins)
        gathered.series.update(series)
        gathered.fields.update(fields)
        transaction.on_commit(_tell)
        return
    gathered.asins.update(asins)
    gathered.series.update(series)
    gathered.fields.update(fields)
    # Again at each note: a savepoint's rollback drops the callbacks registered within it. Telling twice is
    # prevented by _tell taking what there is.
    transaction.on_commit(_tell)


def _tell() -> None:
    gathered: _Gathered | None = getattr(_state, "gathered", None)
    _state.gathered = None
    if gathered is not None and (gathered.asins or gathered.series):
        catalog_changed.send_robust(
            sender=None,
            asins=frozenset(gathered.asins),
            series=frozenset(gathered.series),
            fields=frozenset(gathered.fields),
        )
