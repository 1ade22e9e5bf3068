"""The operator's main tool: every kind of cached value on one page, tuned and forgotten from there."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import wraps
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from caching.broom import showing
from caching.counters import HOUR
from caching.dashboard import PERIODS, bounds, dashboard
from caching.durations import DurationInput, human
from caching.inspection import inspect_key
from caching.invalidation import invalidate
from caching.models import CachePolicy
from caching.redis_scripts import EVERYTHING_TAG
from caching.registry import NEVER_CACHED, find_kind, key_pattern
from caching.trust import UNAVAILABLE
from mangaassist.access.audit import log_deed

ASIN = re.compile(r"[A-Za-z0-9_-]{1,32}")
MAX_KEY = 512
RECENT_CHANGES = 10

View = Callable[..., HttpResponse]


class CachePolicyForm(forms.ModelForm[CachePolicy]):
    """Times in human units; the bounds are the model's."""

    ttl_s = DurationInput(label=_("Time to live"), help_text=_("Such as 900, 15 min or 1 h 30 min. Acts at once."))
    negative_ttl_s = DurationInput(
        label=_("Time to live of “nothing there”"), help_text=_("How long an absence is remembered; 0: never.")
    )

    class Meta:
        model = CachePolicy
        fields = ("enabled", "ttl_s", "negative_ttl_s", "jitter_percent")


class TtlForm(forms.Form):
    """The one field of the overview."""

    ttl_s = DurationInput(label=_("Time to live"))


def changes_policy(view: View) -> View:
    """POST by an operator who may change policies."""

    @wraps(view)
    def checked(self: CachePolicyAdmin, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        if not self.has_change_permission(request):
            raise PermissionDenied
        return view(self, request, **kwargs)

    return checked


@admin.register(CachePolicy)
class CachePolicyAdmin(admin.ModelAdmin[CachePolicy]):
    """Rows come from the registry (none can be added or deleted); a change acts on the next cache call."""

    form = CachePolicyForm
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

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: CachePolicy | None = None) -> bool:
        return False

    # --- fields of the form ---

    @admin.display(description=_("what this is"))
    def what_this_is(self, policy: CachePolicy) -> str:
        kind = find_kind(policy.kind)
        return kind.description or kind.label if kind is not None else str(_("No app registers this kind any more."))

    @admin.display(description=_("key in Redis"))
    def key(self, policy: CachePolicy) -> str:
        kind = find_kind(policy.kind)
        return key_pattern(kind) if kind is not None else "–"

    @admin.display(description=_("allowed"))
    def bounds(self, policy: CachePolicy) -> str:
        return bounds(find_kind(policy.kind))

    # --- pages ---

    def get_urls(self) -> list[URLPattern]:
        def at(route: str, view: View, name: str) -> URLPattern:
            return path(route, self.admin_site.admin_view(view), name=f"caching_cachepolicy_{name}")

        return [
            at("product/", self.product_view, "product"),
            at("entry/", self.entry_view, "entry"),
            at("forget-product/", require_POST(self.forget_product_view), "forget_product"),
            at("forget-everything/", require_POST(self.forget_everything_view), "forget_everything"),
            at("<str:kind>/forget/", require_POST(self.forget_kind_view), "forget_kind"),
            at("<str:kind>/ttl/", require_POST(self.ttl_view), "ttl"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        period = PERIODS.get(request.GET.get("period", ""), HOUR)
        return self._page(
            request,
            "change_list",
            title=_("Cache"),
            board=dashboard(period),
            period=period.name,
            never_cached=NEVER_CACHED,
            changes=LogEntry.objects.filter(content_type=ContentType.objects.get_for_model(CachePolicy)).select_related(
                "user"
            )[:RECENT_CHANGES],
            may_change=self.has_change_permission(request),
        )

    def product_view(self, request: HttpRequest) -> HttpResponse:
        """What shows a product now."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        asin = request.GET.get("asin", "").strip()[:64]
        keys: list[str] = []
        if asin:
            try:
                keys = showing(asin)
            except UNAVAILABLE:
                self.message_user(request, _("The cache does not answer."), messages.ERROR)
        return self._page(
            request,
            "product",
            title=_("What shows a product"),
            asin=asin,
            keys=keys,
            may_change=self.has_change_permission(request),
        )

    def entry_view(self, request: HttpRequest) -> HttpResponse:
        """What lies under one key."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        key = request.GET.get("key", "").strip()[:MAX_KEY]
        found = None
        if key:
            try:
                found = inspect_key(key)
            except UNAVAILABLE:
                self.message_user(request, _("The cache does not answer."), messages.ERROR)
        times = {"age": "age_s", "life": "life_s", "remaining": "remaining_s", "expires_in": "expires_in_s"}
        shown = {name: human(getattr(found, attribute) or 0) for name, attribute in times.items() if found is not None}
        return self._page(request, "entry", title=_("Look up an entry"), key=key, found=found, **shown)

    def _page(self, request: HttpRequest, name: str, **context: Any) -> TemplateResponse:
        return TemplateResponse(
            request,
            f"admin/caching/cachepolicy/{name}.html",
            self.admin_site.each_context(request) | {"opts": self.opts} | context,
        )

    # --- what the buttons do ---

    @changes_policy
    def ttl_view(self, request: HttpRequest, kind: str) -> HttpResponse:
        policy = get_object_or_404(CachePolicy, pk=kind)
        form = TtlForm(request.POST)
        before = policy.ttl_s
        try:
            if not form.is_valid():
                raise ValidationError(form.errors.as_data()["ttl_s"])
            policy.ttl_s = form.cleaned_data["ttl_s"]
            policy.full_clean()
        except ValidationError as error:
            self.message_user(request, f"{policy}: {' '.join(error.messages)}", messages.ERROR)
            return self._back(request)
        if policy.ttl_s == before:
            self.message_user(
                request,
                _("%(policy)s: the time to live is %(life)s already.") % {"policy": policy, "life": human(before)},
            )
            return self._back(request)
        with transaction.atomic():
            policy.save(update_fields=["ttl_s", "changed_at"])
            self.log_change(request, policy, [_changed({"ttl_s": (before, policy.ttl_s)})])
        self.message_user(
            request,
            _("%(policy)s: %(before)s → %(now)s, for every entry and in every process from now on.")
            % {"policy": policy, "before": human(before), "now": human(policy.ttl_s)},
            messages.SUCCESS,
        )
        return self._back(request)

    @changes_policy
    def forget_kind_view(self, request: HttpRequest, kind: str) -> HttpResponse:
        policy = get_object_or_404(CachePolicy, pk=kind)
        with transaction.atomic():
            policy.forget_entries()
            log_deed(request, policy, "All entries forgotten.")
        self.message_user(
            request,
            _("%(policy)s: computed anew from now on, in every process.") % {"policy": policy},
            messages.SUCCESS,
        )
        return self._back(request)

    @changes_policy
    def forget_everything_view(self, request: HttpRequest) -> HttpResponse:
        with transaction.atomic():
            invalidate([EVERYTHING_TAG])
            log_deed(request, CachePolicy(), "The whole cache forgotten.", shown="everything")
        self.message_user(request, _("The whole cache is computed anew from now on."), messages.SUCCESS)
        return self._back(request)

    @changes_policy
    def forget_product_view(self, request: HttpRequest) -> HttpResponse:
        asin = request.POST.get("asin", "").strip()
        if not ASIN.fullmatch(asin):
            self.message_user(request, _("Give an ASIN, such as B0MANGA001: letters, digits, - and _."), messages.ERROR)
            return self._back(request)
        with transaction.atomic():
            invalidate([f"asin:{asin}"])
            log_deed(request, CachePolicy(), "Everything that shows it forgotten.", shown=f"ASIN {asin}")
        self.message_user(
            request,
            _("Everything that shows %(asin)s is computed anew from now on.") % {"asin": asin},
            messages.SUCCESS,
        )
        return self._back(request)

    def _back(self, request: HttpRequest) -> HttpResponse:
        period = request.POST.get("period", "")
        query = f"?period={period}" if period in PERIODS else ""
        return HttpResponseRedirect(reverse("admin:caching_cachepolicy_changelist") + query)

    def construct_change_message(
        self, request: HttpRequest, form: forms.Form, formsets: Any, add: bool = False
    ) -> list[dict[str, dict[str, list[str]]]]:
        """The history says from what to what."""
        changes = {name: (form.initial.get(name), form.cleaned_data.get(name)) for name in form.changed_data}
        return [_changed(changes)] if changes else []


def _changed(changes: dict[str, tuple[Any, Any]]) -> dict[str, dict[str, list[str]]]:
    return {"changed": {"fields": [f"{name}: {old} → {new}" for name, (old, new) in changes.items()]}}
