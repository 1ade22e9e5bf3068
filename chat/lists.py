"""Lists of very many rows: nothing counts them all, nothing reads them all for a filter."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property

# Rows that a list counts, and how far it can be leafed through; who wants older ones narrows it down.
MOST_COUNTED = 5_000
# Of the newest rows the values of a filter are taken from.
NEWEST = 2_000


class BoundedPaginator(Paginator[Any]):
    """Counts no further than ``MOST_COUNTED``."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        # In the list's own order: without one an index of the filter may have to be read whole.
        return min(MOST_COUNTED, len(rows.values_list("pk", flat=True)[:MOST_COUNTED]))


class RecentValues(admin.SimpleListFilter):
    """Filters a column by the values that the newest rows have in it; ``field`` is a path from the list's model."""

    field = ""
    newest_first = "-pk"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        rows = model_admin.model._default_manager.order_by(self.newest_first)
        values = set(rows.values_list(self.field, flat=True)[:NEWEST])
        wanted = self.value()
        return [(value, value) for value in sorted({*filter(None, values), *([wanted] if wanted else [])})]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(**{self.field: self.value()}) if self.value() else queryset

    def has_output(self) -> bool:
        return True


def recent_values(name: Any, path: str, newest: str) -> type[RecentValues]:
    """A filter class for ``list_filter``."""
    return type(
        f"Recent_{path}",
        (RecentValues,),
        {"title": name, "parameter_name": path, "field": path, "newest_first": newest},
    )
