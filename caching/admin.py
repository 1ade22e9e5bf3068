"""The operator's table: one row per kind of cached value, and what can never be one."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from caching.broom import showing
from caching.counters import Event, counters
from caching.invalidation import invalidate
from caching.models import CachePolicy
from caching.registry import NEVER_CACHED, find_kind, key_pattern
from caching.trust import UNAVAILABLE, trust

HOURS = 24


@admin.register(CachePolicy)
class CachePolicyAdmin(admin.ModelAdmin[CachePolicy]):
    """Rows come from the registry (none can be added or deleted); a change acts on the next cache call."""

    change_list_template = "admin/caching/cachepolicy/change_list.html"
    list_display = ("label", "key", "enabled", "life", "bounds", "hits", "changed_at")
    fields = (
        "what_this_is",
        "key",
        "bounds",
        "enabled",
        "ttl_s",
        "negative_ttl_s",
        "jitter_percent",
        "changed_at",
    )
    readonly_fields = ("what_this_is", "key", "bounds", "changed_at")
    actions = ("forget_entries", "forget_everything")
    _totals: dict[str, Counter[Event]] = {}

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: CachePolicy | None = None) -> bool:
        return False

    # --- columns ---

    @admin.display(description="kind", ordering="kind")
    def label(self, policy: CachePolicy) -> str:
        return str(policy)

    @admin.display(description="what this is")
    def what_this_is(self, policy: CachePolicy) -> str:
        kind = find_kind(policy.kind)
        return kind.description or kind.label if kind is not None else "No app registers this kind any more."

    @admin.display(description="key in Redis")
    def key(self, policy: CachePolicy) -> str:
        kind = find_kind(policy.kind)
        return key_pattern(kind) if kind is not None else "–"

    @admin.display(description="time to live", ordering="ttl_s")
    def life(self, policy: CachePolicy) -> str:
        return human(policy.ttl_s)

    @admin.display(description="allowed")
    def bounds(self, policy: CachePolicy) -> str:
        kind = find_kind(policy.kind)
        return f"{human(kind.min_ttl_s)} to {human(kind.max_ttl_s)}" if kind is not None else "–"

    @admin.display(description=f"hits in {HOURS} h")
    def hits(self, policy: CachePolicy) -> str:
        counted = self._totals.get(policy.kind)
        if counted is None:
            return "–"
        hits, asked = counted["hit"], counted["hit"] + counted["miss"]
        return f"{hits:,} of {asked:,} ({hits / asked:.0%})" if asked else "–"

    # --- pages ---

    def get_queryset(self, request: HttpRequest) -> QuerySet[CachePolicy]:
        # One read of the counters for the whole page.
        self._totals = counters.totals(HOURS)
        return super().get_queryset(request)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        CachePolicy.objects.create_missing()
        context = {"never_cached": NEVER_CACHED, "cache_is_away": trust.is_open()}
        return super().changelist_view(request, context | (extra_context or {}))

    def get_urls(self) -> list[URLPattern]:
        shows = path("shows/", self.admin_site.admin_view(self.shows_view), name="caching_cachepolicy_shows")
        return [shows, *super().get_urls()]

    def shows_view(self, request: HttpRequest) -> HttpResponse:
        """What shows a product now, and a button that makes all of it wrong."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        asin = (request.POST.get("asin") or request.GET.get("asin") or "").strip()
        if request.method == "POST" and asin:
            if not self.has_change_permission(request):
                raise PermissionDenied
            invalidate([f"asin:{asin}"])
            self.message_user(request, f"Everything that shows {asin} is computed anew.")
        keys: list[str] = []
        if asin:
            try:
                keys = showing(asin)
            except UNAVAILABLE:
                self.message_user(request, "The cache does not answer.", messages.ERROR)
        context = self.admin_site.each_context(request) | {
            "title": "What shows this product",
            "opts": self.opts,
            "asin": asin,
            "keys": keys,
        }
        return TemplateResponse(request, "admin/caching/cachepolicy/shows.html", context)

    def construct_change_message(
        self, request: HttpRequest, form: Form, formsets: Any, add: bool = False
    ) -> list[dict[str, dict[str, list[str]]]]:
        """The history says from what to what."""
        changes = [f"{name}: {form.initial.get(name)} → {form.cleaned_data.get(name)}" for name in form.changed_data]
        return [{"changed": {"fields": changes}}] if changes else []

    # --- actions ---

    @admin.action(description="Forget all entries of the selected kinds", permissions=["change"])
    def forget_entries(self, request: HttpRequest, queryset: QuerySet[CachePolicy]) -> None:
        for policy in queryset:
            policy.forget_entries()
            self.log_change(request, policy, "All entries forgotten.")
        self.message_user(request, "Their entries are misses from now on, in every process.")

    @admin.action(description="Forget everything, of all kinds", permissions=["change"])
    def forget_everything(self, request: HttpRequest, queryset: QuerySet[CachePolicy]) -> None:
        invalidate(["everything:*"])
        for policy in CachePolicy.objects.all():
            self.log_change(request, policy, "The whole cache forgotten.")
        self.message_user(request, "The whole cache is empty from now on, in every process.")


def human(seconds: int) -> str:
    """``5400`` → ``1 h 30 min``."""
    parts = []
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)):
        number, seconds = divmod(seconds, size)
        if number:
            parts.append(f"{number} {unit}")
    return " ".join(parts) or "0 s"
