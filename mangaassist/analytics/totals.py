"""What a slice of rows adds to the tallies, by hour and day."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from mangaassist.analytics.models import Tally
from mangaassist.analytics.shop_time import day_of, hour_of
from mangaassist.analytics.tallying import Counted, Key, Numbers, add


class Totals:
    def __init__(self) -> None:
        self._by_bucket: dict[tuple[str, datetime], Counted] = {}

    def add(self, at: datetime, counted: Mapping[Key, Mapping[str, float]]) -> None:
        for bucket in ((Tally.Grain.HOUR.value, hour_of(at)), (Tally.Grain.DAY.value, day_of(at))):
            add(self._by_bucket.setdefault(bucket, {}), counted)

    def store(self) -> None:
        """Whoever stores holds the marks' locks: between reading the tallies and writing them nobody else does."""
        if not self._by_bucket:
            return
        starts = {start for _, start in self._by_bucket}
        known: dict[tuple[str, datetime, str, str], Numbers] = {
            (grain, start, subject, label): numbers
            for grain, start, subject, label, numbers in Tally.objects.filter(start__in=starts).values_list(
                "grain", "start", "subject", "label", "numbers"
            )
        }
        rows = []
        for (grain, start), counted in self._by_bucket.items():
            for key, numbers in counted.items():
                whole: Counted = {key: dict(known.get((grain, start, *key), {}))}
                add(whole, {key: numbers})
                subject, label = key
                rows.append(Tally(grain=grain, start=start, subject=subject, label=label, numbers=whole[key]))
        Tally.objects.bulk_create(
            rows,
            update_conflicts=True,
            unique_fields=["grain", "start", "subject", "label"],
            update_fields=["numbers"],
        )
