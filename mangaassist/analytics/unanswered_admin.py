"""What was not found, the most asked first; from here an article is drafted or a series gets one more name."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.widgets import AutocompleteSelect
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.text import slugify

from knowledge.models import LOCALES, Article
from mangaassist.admin_site import ReadOnlyAdmin
from mangaassist.analytics.models import UnansweredQuestion
from shop.aliases import LONGEST_ALIAS, AliasRefused, add_alias
from shop.models import Series

Rows = QuerySet[UnansweredQuestion]


class AliasForm(forms.Form):
    alias = forms.CharField(max_length=LONGEST_ALIAS, label="Name")
    series = forms.ModelChoiceField(
        Series.objects.all(),
        widget=AutocompleteSelect(UnansweredQuestion._meta.get_field("alias_of"), admin.site),
    )


class HandledFilter(admin.SimpleListFilter):
    title = "handled"
    parameter_name = "handled"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("no", "No"), ("yes", "Yes")]

    def queryset(self, request: HttpRequest, queryset: Rows) -> Rows:
        if self.value() in ("no", "yes"):
            return queryset.filter(handled_at__isnull=self.value() == "no")
        return queryset


@admin.register(UnansweredQuestion)
class UnansweredQuestionAdmin(ReadOnlyAdmin, admin.ModelAdmin[UnansweredQuestion]):
    list_display = ("asked", "question", "kind", "language", "nearest_match", "last_asked_at", "state")
    list_display_links = ("question",)
    list_filter = (HandledFilter, "kind", "language")
    search_fields = ("question",)
    list_select_related = ("alias_of",)
    list_per_page = 50
    # Of all rows it would count twice.
    show_full_result_count = False
    actions = ("draft_article", "add_as_alias", "mark_handled")
    change_form_template = "admin/analytics/unanswered.html"

    @admin.display(description="nearest", ordering="nearest_score")
    def nearest_match(self, row: UnansweredQuestion) -> str:
        if row.nearest_score is None:
            return "—"
        return f"{row.nearest[:60]} ({row.nearest_score:.0%} by {row.nearest_by})"

    @admin.display(description="handled")
    def state(self, row: UnansweredQuestion) -> str:
        if row.handled_at is None:
            return "—"
        return f"a name of {row.alias_of}" if row.alias_of else f"by {row.handled_by}"

    # --- Actions

    def has_draft_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("knowledge.add_article")

    def has_name_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("shop.change_series")

    @admin.action(description="Draft an article", permissions=["draft"])
    def draft_article(self, request: HttpRequest, queryset: Rows) -> HttpResponse | None:
        row = self._only(request, queryset)
        return redirect(draft_url(row)) if row else None

    @admin.action(description="Add as alias of …", permissions=["name"])
    def add_as_alias(self, request: HttpRequest, queryset: Rows) -> HttpResponse | None:
        row = self._only(request, queryset)
        return redirect("admin:analytics_unansweredquestion_alias", row.pk) if row else None

    @admin.action(description="Mark as handled", permissions=["view"])
    def mark_handled(self, request: HttpRequest, queryset: Rows) -> None:
        count = queryset.update(handled_at=timezone.now(), handled_by=request.user.get_username())
        self.message_user(request, f"Handled: {count}.")

    def _only(self, request: HttpRequest, queryset: Rows) -> UnansweredQuestion | None:
        rows = list(queryset[:2])
        if len(rows) == 1:
            return rows[0]
        self.message_user(request, "Select one question for that.", messages.WARNING)
        return None

    # --- Pages

    def get_urls(self) -> list[URLPattern]:
        alias = path(
            "<int:pk>/alias/",
            self.admin_site.admin_view(self.alias_view),
            name="analytics_unansweredquestion_alias",
        )
        return [alias, *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        row = self.get_object(request, object_id)
        context = {
            "row": row,
            "draft_url": draft_url(row) if row and self.has_draft_permission(request) else "",
            "may_name": self.has_name_permission(request),
        }
        return super().change_view(request, object_id, form_url, (extra_context or {}) | context)

    def alias_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        if not (self.has_view_permission(request) and self.has_name_permission(request)):
            raise PermissionDenied
        row = get_object_or_404(UnansweredQuestion, pk=pk)
        form = AliasForm(request.POST or None, initial={"alias": row.question, "series": _nearest_series(row)})
        if request.method == "POST" and form.is_valid():
            series: Series = form.cleaned_data["series"]
            try:
                is_new = add_alias(series.pk, form.cleaned_data["alias"])
            except AliasRefused as refusal:
                form.add_error("alias", str(refusal))
            else:
                row.alias_of, row.handled_at, row.handled_by = series, timezone.now(), request.user.get_username()
                row.save(update_fields=["alias_of", "handled_at", "handled_by"])
                done = "has this name now" if is_new else "had this name already"
                self.message_user(request, f"{series} {done}.")
                return HttpResponseRedirect(reverse("admin:analytics_unansweredquestion_changelist"))
        context = self.admin_site.each_context(request) | {
            "opts": self.opts,
            "title": "Add as alias",
            "row": row,
            "form": form,
            "media": self.media + form.media,
        }
        return render(request, "admin/analytics/alias.html", context)


def draft_url(row: UnansweredQuestion) -> str:
    """The form for a new article, filled in as far as the question tells."""
    locale = row.language if row.language in dict(LOCALES) else LOCALES[0][0]
    slug = slugify(row.question)[: Article._meta.get_field("slug").max_length].strip("-")
    question = row.question[:1].upper() + row.question[1:]
    return (
        f"{reverse('admin:knowledge_article_add')}?{urlencode({'question': question, 'locale': locale, 'slug': slug})}"
    )


def _nearest_series(row: UnansweredQuestion) -> Series | None:
    if row.kind != UnansweredQuestion.Kind.TITLE or not row.nearest_ref:
        return None
    return Series.objects.filter(pk=row.nearest_ref).first()
