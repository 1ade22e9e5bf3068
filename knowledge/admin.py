"""Help articles for operators."""

from django.contrib import admin
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils import timezone

from knowledge.models import Article


@admin.register(Article)
class ArticleAdmin(admin.ModelAdmin[Article]):
    list_display = ("question", "locale", "category", "slug", "updated_at")
    list_filter = ("locale", "category")
    search_fields = ("slug", "question", "body")
    exclude = ("updated_at",)

    def save_model(self, request: HttpRequest, obj: Article, form: ModelForm[Article], change: bool) -> None:
        obj.updated_at = timezone.now()
        super().save_model(request, obj, form, change)
