"""Lists of very many rows: nothing counts them all, nothing reads them all for a filter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property

# Rows that a list counts, and how far it can be leafed through; who wants older ones narrows it down.
MOST_COUNTED = 5_000
# Of the newest rows the values of a filter are taken from.
NEWEST = 2_000
# Of the newest rows in which words are looked for.
SEARCHED = 20_000


class BoundedPaginator(Paginator[Any]):
    """Counts no further than ``MOST_COUNTED``."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        # In the list's own order: without one an index of the filter may have to be read whole.
        return min(MOST_COUNTED, len(rows.values_list("pk", flat=True)[:MOST_COUNTED]))


class LongList:
    """For an admin whose table grows without end.

    A search finds whole values of ``search_fields``, columns with an index; where there are none, words within
    ``searched_words`` of the newest rows: to look for words in all of them is to read all of them.
    """

    list_per_page = 50
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    paginator: type[Any] = BoundedPaginator
    searched_words: tuple[str, ...] = ()
    # With an index.
    newest_first = "-pk"

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term, own = search_term.strip(), cast(admin.ModelAdmin[Any], self)
        if not term:
            return queryset, False
        model: Any = queryset.model
        for name in own.search_fields:
            try:
                found = model._default_manager.filter(**{name: term})
                if found.exists():
                    return queryset.filter(**{name: term}), False
            except (ValidationError, ValueError):  # No id at all.
                continue
        if not self.searched_words:
            return queryset.none(), False
        words = Q()
        for name in self.searched_words:
            words |= Q(**{f"{name}__icontains": term})
        newest = model._default_manager.order_by(self.newest_first).values("pk")[:SEARCHED]
        return queryset.filter(words, pk__in=newest), False


class RecentValues(admin.SimpleListFilter):
    """Filters a column by the values that the newest rows have in it; ``field`` is a path from the list's model."""

    field = ""
    newest_first = "-pk"
    # What a value is called.
    told: Callable[[str], str] = staticmethod(str)

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        rows = model_admin.model._default_manager.order_by(self.newest_first)
        values = set(rows.values_list(self.field, flat=True)[:NEWEST])
        wanted = self.value()
        return [(value, self.told(value)) for value in sorted({*filter(None, values), *([wanted] if wanted else [])})]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(**{self.field: self.value()}) if self.value() else queryset

    def has_output(self) -> bool:
        return True


def recent_values(name: Any, path: str, newest: str, *, told: Callable[[str], str] = str) -> type[RecentValues]:
    """A filter class for ``list_filter``."""
    return type(
        f"Recent_{path}",
        (RecentValues,),
        {"title": name, "parameter_name": path, "field": path, "newest_first": newest, "told": staticmethod(told)},
    )
