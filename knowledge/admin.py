"""Help for operators: articles, documents with what is wrong with them, and the versions of the index."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from knowledge.models import Article, ArticleVersion, Document, IndexVersion, Passage
from knowledge.publishing import publish, withdraw
from knowledge.reindexing import enqueue_reindex
from knowledge.requests import ReindexRequest
from mangaassist.access.audit import log_deed, log_deeds
from mangaassist.admin_site import FromToAdmin, ReadOnlyAdmin, in_words

# Of an article's versions, the newest.
SHOWN_VERSIONS = 50


@admin.register(Article)
class ArticleAdmin(FromToAdmin, admin.ModelAdmin[Article]):
    list_display = ("question", "locale", "category", "slug", "updated_at", "is_published", "is_in_force")
    list_filter = ("is_published", "locale", "category")
    search_fields = ("slug", "question", "body")
    search_help_text = _("Words of the question or the answer, or the short name")
    exclude = ("updated_at",)
    actions = ("publish_selected", "withdraw_selected")

    def get_urls(self) -> list[URLPattern]:
        at = self.admin_site.admin_view
        return [
            path("<int:pk>/versions/", at(self.versions_view), name="knowledge_article_versions"),
            *super().get_urls(),
        ]

    def save_model(self, request: HttpRequest, obj: Article, form: ModelForm[Article], change: bool) -> None:
        if {"category", "question", "body"} & set(form.changed_data):
            obj.written_by = request.user.get_username()
        super().save_model(request, obj, form, change)

    @admin.action(description=_("Publish the selected articles"), permissions=["change"])
    def publish_selected(self, request: HttpRequest, queryset: QuerySet[Article]) -> None:
        self._say(request, publish(queryset), "is_published: False → True")

    @admin.action(description=_("Withdraw the selected articles"), permissions=["change"])
    def withdraw_selected(self, request: HttpRequest, queryset: QuerySet[Article]) -> None:
        self._say(request, withdraw(queryset), "is_published: True → False")

    def _say(self, request: HttpRequest, changed: list[Article], what: str) -> None:
        log_deeds(request, ((article, what) for article in changed))
        count = len(changed)
        text = ngettext("%(count)d article changed.", "%(count)d articles changed.", count) % {"count": count}
        self.message_user(request, text)

    def versions_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """What the article said before; ``POST version``: it says that again."""
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied
        article = get_object_or_404(Article, pk=pk)
        if request.method == "POST":
            return self._restore(request, article)
        context = self.admin_site.each_context(request) | {
            "opts": self.opts,
            "title": _("Versions"),
            "article": article,
            "versions": article.versions.all()[:SHOWN_VERSIONS],
            "may_restore": self.has_change_permission(request, article),
        }
        return TemplateResponse(request, "admin/knowledge/versions.html", context)

    def _restore(self, request: HttpRequest, article: Article) -> HttpResponse:
        if not self.has_change_permission(request, article):
            raise PermissionDenied
        chosen = request.POST.get("version", "")
        if not chosen.isdecimal() or len(chosen) > 18:
            messages.error(request, _("Choose a version."))
            return HttpResponseRedirect(request.path)
        version = get_object_or_404(ArticleVersion, pk=int(chosen), article=article)
        restored = version.restore(by=request.user.get_username())
        told = [f"body: {in_words(article.body)} → {in_words(restored.body)}"]
        if article.question != restored.question:
            told.append(f"question: {in_words(article.question)} → {in_words(restored.question)}")
        log_deed(request, restored, f"restored. {'; '.join(told)}")
        messages.success(request, _("The article says that again; what it said until now is a version."))
        return HttpResponseRedirect(reverse("admin:knowledge_article_change", args=[article.pk]))

    def get_changelist_instance(self, request: HttpRequest) -> ChangeList:
        """With what the index in force says of the articles of this page, in one question."""
        shown = super().get_changelist_instance(request)
        said: defaultdict[str, list[str]] = defaultdict(list)
        passages = Passage.objects.serving().filter(
            kind=Passage.Kind.ARTICLE, ref__in=[_ref(article) for article in shown.result_list]
        )
        for ref, text in passages.order_by("place").values_list("ref", "text"):
            said[ref] += text.split()
        for article in shown.result_list:
            article.said = said[_ref(article)]
        return shown

    @admin.display(description=_("answered from"), boolean=True)
    def is_in_force(self, article: Article) -> bool:
        """Whether the index in force has it as it stands here; a change takes a second or two."""
        said: list[str] = article.said  # type: ignore[attr-defined]
        return bool(said) and said == article.body.split()


def _ref(article: Article) -> str:
    return f"{article.slug}/{article.locale}"


class FaultFilter(admin.SimpleListFilter):
    title = _("readable")
    parameter_name = "readable"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Document]) -> list[tuple[str, Any]]:
        return [("yes", _("Yes")), ("no", _("No"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Document]) -> QuerySet[Document]:
        match self.value():
            case "yes":
                return queryset.filter(fault="")
            case "no":
                return queryset.exclude(fault="")
        return queryset


@admin.register(Document)
class DocumentAdmin(ReadOnlyAdmin, admin.ModelAdmin[Document]):
    list_display = ("key", "fault", "title", "locale", "read_at")
    list_filter = (FaultFilter, "locale", "category")
    search_fields = ("key", "title")
    actions = ("read_again",)

    def has_read_again_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("knowledge.change_document")

    @admin.action(description=_("Read the selected documents again"), permissions=["read_again"])
    def read_again(self, request: HttpRequest, queryset: QuerySet[Document]) -> None:
        chosen = list(queryset)
        with transaction.atomic():
            count = enqueue_reindex(ReindexRequest("document", document.key) for document in chosen)
            log_deeds(request, ((document, "Read again.") for document in chosen))
        self.message_user(request, _("Asked for: %(count)d. They are in force in a moment.") % {"count": count})


@admin.register(IndexVersion)
class IndexVersionAdmin(ReadOnlyAdmin, admin.ModelAdmin[IndexVersion]):
    list_display = (
        "number",
        "status",
        "cause",
        "passages",
        "embedded",
        "added",
        "removed",
        "serving_at",
        "first_error",
    )
    list_filter = ("status", "began_at")

    @admin.display(description=_("error"))
    def first_error(self, version: IndexVersion) -> str:
        return version.error[:80]
