"""Feeds for operators: what was uploaded and what became of it, one to take in, and the catalogue to take along."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from mangaassist.streaming import download
from shop.feed import export_feed, exported_kinds
from shop.feed_records import FeedJob, FeedReject
from shop.feed_uploads import UploadRefused, take_upload

SHOWN_REJECTS = 100


class _OnlyToLookAt:
    """What machines have written is not edited."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class RejectInline(_OnlyToLookAt, admin.TabularInline[FeedReject, FeedJob]):
    """The first ones; all of them are for whoever sent the feed."""

    model = FeedReject
    fields = ("line", "reason", "text")
    extra = 0

    def get_queryset(self, request: HttpRequest) -> QuerySet[FeedReject]:
        first = super().get_queryset(request).order_by("line")
        job_id = (request.resolver_match.kwargs if request.resolver_match else {}).get("object_id")
        shown = first.filter(job=job_id).values_list("pk", flat=True)[:SHOWN_REJECTS]
        return first.filter(pk__in=list(shown))


class FeedForm(forms.Form):
    """A feed to take in: JSON Lines, plain or gzip."""

    file = forms.FileField(label=gettext_lazy("Feed"), help_text=gettext_lazy("JSON Lines, plain or gzip."))


@admin.register(FeedJob)
class FeedJobAdmin(_OnlyToLookAt, admin.ModelAdmin[FeedJob]):
    """Uploads of partners and of operators; a feed goes the same way whoever sends it."""

    change_list_template = "admin/shop/feeds.html"
    list_display = (
        "id", "source", "state", "bytes", "lines", "taken", "changed", "rejected", "created_at", "finished_at",
    )  # fmt: skip
    list_filter = ("state", "created_at")
    search_fields = ("id", "source")
    inlines = (RejectInline,)

    def get_urls(self) -> list[URLPattern]:
        at = self.admin_site.admin_view
        return [
            path("upload/", at(self.upload_view), name="shop_feedjob_upload"),
            path("export/", at(self.export_view), name="shop_feedjob_export"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        may = {"upload": request.user.has_perm("shop.add_feedjob"), "export": request.user.has_perm("shop.view_series")}
        context = {"may": may, "kinds": exported_kinds(), "feed_form": FeedForm()} | (extra_context or {})
        return super().changelist_view(request, context)

    def upload_view(self, request: HttpRequest) -> HttpResponse:
        if not request.user.has_perm("shop.add_feedjob"):
            raise PermissionDenied
        form = FeedForm(request.POST, request.FILES)
        if request.method != "POST":
            return HttpResponseRedirect(reverse("admin:shop_feedjob_changelist"))
        try:
            if not form.is_valid():
                raise UploadRefused(str(form.errors["file"][0]))
            job = take_upload(request.user.get_username(), form.cleaned_data["file"])
        except UploadRefused as refusal:
            messages.error(request, str(refusal))
            return HttpResponseRedirect(reverse("admin:shop_feedjob_changelist"))
        self.log_addition(request, job, [{"added": {}}])
        messages.success(request, _("The feed is here and is taken in as soon as those before it are done."))
        return HttpResponseRedirect(reverse("admin:shop_feedjob_change", args=[job.pk]))

    def export_view(self, request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
        """``?kind=``: one kind alone. Prices and stock are those of the moment in which their line is written."""
        if not request.user.has_perm("shop.view_series"):
            raise PermissionDenied
        kinds = [kind for kind in request.GET.getlist("kind") if kind in exported_kinds()]
        name = kinds[0] if len(kinds) == 1 else "catalogue"
        return download(export_feed(kinds), name=f"{name}.jsonl", content_type="application/jsonl")
