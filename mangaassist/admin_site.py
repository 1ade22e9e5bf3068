"""Our admin: Django's own, with our name and templates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.admin.apps import AdminConfig
from django.http import HttpRequest
from django.template.response import TemplateResponse


@dataclass(frozen=True, slots=True)
class Notice:
    """What an operator should know on the first page. ``text``: as it is shown; ``url``: where one looks further."""

    text: str
    url: str


# What is to be said to who asks; None: nothing.
_notices: list[Callable[[HttpRequest], Notice | None]] = []


def register_notice(find: Callable[[HttpRequest], Notice | None]) -> None:
    _notices.append(find)


class MangaAssistAdminSite(AdminSite):
    site_header = "MangaAssist"
    site_title = "MangaAssist"
    index_title = "Operator's room"

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """With the notices above the list of what there is."""
        notices = [notice for find in _notices if (notice := find(request))]
        return super().index(request, {"notices": notices, **(extra_context or {})})


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
