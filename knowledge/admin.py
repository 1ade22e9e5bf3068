"""Help for operators: articles, documents with what is wrong with them, and the versions of the index."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from knowledge.models import Article, Document, IndexVersion, Passage
from knowledge.reindexing import enqueue_reindex
from knowledge.requests import ReindexRequest
from mangaassist.admin_site import ReadOnlyAdmin


@admin.register(Article)
class ArticleAdmin(admin.ModelAdmin[Article]):
    list_display = ("question", "locale", "category", "slug", "updated_at", "is_in_force")
    list_filter = ("locale", "category")
    search_fields = ("slug", "question", "body")
    exclude = ("updated_at",)

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
        keys = queryset.values_list("key", flat=True)
        count = enqueue_reindex(ReindexRequest("document", key) for key in keys)
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
