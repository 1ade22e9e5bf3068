"""What was not found, the most asked first; from here an article is drafted or a series gets one more name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import quote
from django.contrib.admin.widgets import AutocompleteSelect
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Count, QuerySet, Sum
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.text import slugify
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from knowledge.models import LOCALES, Article
from mangaassist.access.audit import log_deed, log_deeds
from mangaassist.admin_site import ReadOnlyAdmin
from mangaassist.analytics.models import UnansweredQuestion
from mangaassist.analytics.panels import trends
from mangaassist.analytics.plots import spark
from shop.aliases import LONGEST_ALIAS, AliasRefused, add_alias
from shop.models import Series

Rows = QuerySet[UnansweredQuestion]
MOST_GROUPS = 8


class AliasForm(forms.Form):
    alias = forms.CharField(max_length=LONGEST_ALIAS, label=_("Name"))
    series = forms.ModelChoiceField(
        Series.objects.all(),
        label=_("Series"),
        widget=AutocompleteSelect(UnansweredQuestion._meta.get_field("alias_of"), admin.site),
    )


class HandledFilter(admin.SimpleListFilter):
    title = _("handled")
    parameter_name = "handled"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("no", _("No")), ("yes", _("Yes"))]

    def queryset(self, request: HttpRequest, queryset: Rows) -> Rows:
        if self.value() in ("no", "yes"):
            return queryset.filter(handled_at__isnull=self.value() == "no")
        return queryset


@admin.register(UnansweredQuestion)
class UnansweredQuestionAdmin(ReadOnlyAdmin, admin.ModelAdmin[UnansweredQuestion]):
    list_display = (
        "question", "asked", "trend", "steps", "nearest_match", "kind", "language", "last_asked_at", "state",
    )  # fmt: skip
    list_display_links = ("question",)
    list_filter = (HandledFilter, "kind", "language")
    search_fields = ("question", "nearest")
    list_select_related = ("alias_of",)
    list_per_page = 50
    # Of all rows it would count twice.
    show_full_result_count = False
    actions = ("draft_article", "add_as_alias", "mark_handled")
    change_list_template = "admin/analytics/unanswered_list.html"
    change_form_template = "admin/analytics/unanswered.html"

    @admin.display(description=_("last 30 days"))
    def trend(self, row: UnansweredQuestion) -> str:
        # Of the rows that are shown (see changelist_view).
        days: list[int] = getattr(row, "shown_days", [])
        week, before = sum(days[-7:]), sum(days[-14:-7])
        context = {"chart": spark([float(number) for number in days]), "week": week, "before": before}
        return render_to_string("admin/analytics/_trend.html", context)

    @admin.display(description=_("nearest"), ordering="nearest_score")
    def nearest_match(self, row: UnansweredQuestion) -> str:
        if row.nearest_score is None:
            return "—"
        # Translators: the name of what came nearest, how near, and by what it was measured.
        told = gettext("%(name)s (%(score)s by %(measure)s)")
        return told % {
            "name": row.nearest[:60],
            "score": f"{row.nearest_score:.0%}",
            "measure": gettext(row.nearest_by) if row.nearest_by else "–",
        }

    @admin.display(description=_("handled"))
    def state(self, row: UnansweredQuestion) -> str:
        if row.handled_at is None:
            return "—"
        if row.alias_of:
            return gettext("a name of %s") % row.alias_of
        return gettext("by %s") % row.handled_by

    @admin.display(description=_("what to do"))
    def steps(self, row: UnansweredQuestion) -> str:
        """One click each; what fits the kind comes first."""
        steps: list[tuple[str, str]] = getattr(row, "shown_steps", [])
        return format_html_join("", '<a class="ma-step" href="{}">{}</a>', steps) or "—"

    # --- The list

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        return lookup == "nearest_ref__exact" or super().lookup_allowed(lookup, value, request)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        more = {"groups": nearest_groups()}
        response = super().changelist_view(request, (extra_context or {}) | more)
        changes = getattr(response, "context_data", {}).get("cl")
        if changes is not None:
            rows = list(changes.result_list)
            days = trends(row.pk for row in rows)
            for row in rows:
                row.shown_days, row.shown_steps = days[row.pk], self._steps(request, row)
            changes.result_list = rows
        return response

    def _steps(self, request: HttpRequest, row: UnansweredQuestion) -> list[tuple[str, str]]:
        steps = []
        if self.has_draft_permission(request):
            steps.append((draft_url(row), gettext("Draft an article")))
        if self.has_name_permission(request):
            alias = reverse("admin:analytics_unansweredquestion_alias", args=[row.pk])
            steps.append((alias, gettext("Add as alias of …")))
        return steps[::-1] if row.kind == UnansweredQuestion.Kind.TITLE else steps

    # --- Actions

    def has_draft_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("knowledge.add_article")

    def has_name_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("shop.change_series")

    def has_handle_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("analytics.change_unansweredquestion")

    @admin.action(description=_("Draft an article"), permissions=["draft"])
    def draft_article(self, request: HttpRequest, queryset: Rows) -> HttpResponse | None:
        row = self._only(request, queryset)
        return redirect(draft_url(row)) if row else None

    @admin.action(description=_("Add as alias of …"), permissions=["name"])
    def add_as_alias(self, request: HttpRequest, queryset: Rows) -> HttpResponse | None:
        row = self._only(request, queryset)
        return redirect("admin:analytics_unansweredquestion_alias", row.pk) if row else None

    @admin.action(description=_("Mark as handled"), permissions=["handle"])
    def mark_handled(self, request: HttpRequest, queryset: Rows) -> None:
        chosen = list(queryset)
        with transaction.atomic():
            count = queryset.update(handled_at=timezone.now(), handled_by=request.user.get_username())
            self._log(request, chosen, "Handled.")
        self.message_user(request, gettext("Handled: %d.") % count)

    @transaction.atomic
    def _name(self, request: HttpRequest, row: UnansweredQuestion, series: Series, alias: str) -> bool:
        """Whether the series had not had that name. Raises :class:`AliasRefused`."""
        is_new = add_alias(series.pk, alias)
        row.alias_of, row.handled_at, row.handled_by = series, timezone.now(), request.user.get_username()
        row.save(update_fields=["alias_of", "handled_at", "handled_by"])
        if is_new:
            log_deed(request, series, f"alias added: {alias}")
        self._log(request, [row], f"Handled: a name of {series.pk}.")
        return is_new

    def _log(self, request: HttpRequest, rows: list[UnansweredQuestion], what: str) -> None:
        """By their numbers: what shoppers said is to be found, and redacted, in the rows alone."""
        log_deeds(request, ((row, what) for row in rows), shown="")

    def _only(self, request: HttpRequest, queryset: Rows) -> UnansweredQuestion | None:
        rows = list(queryset[:2])
        if len(rows) == 1:
            return rows[0]
        self.message_user(request, gettext("Select one question for that."), messages.WARNING)
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
        if row is not None:
            row.shown_days = trends([row.pk])[row.pk]  # type: ignore[attr-defined]
        context = {
            "row": row,
            "trend": self.trend(row) if row else "",
            "nearest": self.nearest_match(row) if row else "",
            "state": self.state(row) if row else "",
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
                is_new = self._name(request, row, series, form.cleaned_data["alias"])
            except AliasRefused as refusal:
                form.add_error("alias", str(refusal))
            else:
                done = gettext("%s has this name now.") if is_new else gettext("%s had this name already.")
                self.message_user(request, done % series)
                return HttpResponseRedirect(reverse("admin:analytics_unansweredquestion_changelist"))
        context = self.admin_site.each_context(request) | {
            "opts": self.opts,
            "title": gettext("Add as alias"),
            "row": row,
            "form": form,
            "media": self.media + form.media,
        }
        return render(request, "admin/analytics/alias.html", context)


@dataclass(frozen=True, slots=True)
class Group:
    """Wordings to which the same thing came nearest. ``href``: of that thing, where it is one of ours."""

    nearest: str
    filter: str
    wordings: int
    asked: int
    href: str


def nearest_groups() -> list[Group]:
    """Of what nobody has handled, the most asked first."""
    rows = UnansweredQuestion.objects.filter(handled_at=None).exclude(nearest_ref="").order_by()
    groups = rows.values("nearest", "nearest_ref", "kind").annotate(asked_in_all=Sum("asked"), wordings=Count("pk"))
    return [
        Group(
            nearest=each["nearest"],
            filter=urlencode({"nearest_ref__exact": each["nearest_ref"], "handled": "no"}),
            wordings=each["wordings"],
            asked=each["asked_in_all"],
            href=(
                reverse("admin:shop_series_change", args=[quote(each["nearest_ref"])])
                if each["kind"] == UnansweredQuestion.Kind.TITLE
                else ""
            ),
        )
        for each in groups.order_by("-asked_in_all", "nearest")[:MOST_GROUPS]
    ]


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
