"""Our admin: Django's own, with our name and templates."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.admin.apps import AdminConfig
from django.http import HttpRequest


class MangaAssistAdminSite(AdminSite):
    site_header = "MangaAssist"
    site_title = "MangaAssist"
    index_title = "Operator's room"


class MangaAssistAdminConfig(AdminConfig):
    default_site = "mangaassist.admin_site.MangaAssistAdminSite"


class ReadOnlyAdmin:
    """For what is recorded: read, never edited."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(getattr(request.user, "is_superuser", False))
