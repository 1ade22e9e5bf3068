"""Help articles for operators."""

from django.contrib import admin

from knowledge.models import Article


@admin.register(Article)
class ArticleAdmin(admin.ModelAdmin[Article]):
    list_display = ("question", "locale", "category", "slug", "updated_at")
    list_filter = ("locale", "category")
    search_fields = ("slug", "question", "body")
    exclude = ("updated_at",)
