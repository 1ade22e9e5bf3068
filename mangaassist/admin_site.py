"""Our admin: Django's own, with our name, our templates and one navigation."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.admin.apps import AdminConfig
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext_lazy as _

from mangaassist import navigation


@dataclass(frozen=True, slots=True)
class Notice:
    """What an operator should know on the first page. ``text``: as it is shown; ``url``: where one looks further."""

    text: str
    url: str


# What is to be said to who asks; None: nothing.
_notices: list[Callable[[HttpRequest], Notice | None]] = []


def register_notice(find: Callable[[HttpRequest], Notice | None]) -> None:
    _notices.append(find)


def notices(request: HttpRequest) -> list[Notice]:
    """For the page where an operator begins: the overview, else the index."""
    return [notice for find in _notices if (notice := find(request))]


class MangaAssistAdminSite(AdminSite):
    site_header = "MangaAssist"
    site_title = "MangaAssist"
    index_title = _("Operator's room")

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> Any:
        """The navigation's sections; of one app (its own page) its models, as Django lists them."""
        if app_label is not None:
            return super().get_app_list(request, app_label)
        known: Any = getattr(request, "_sections", None)
        if known is None:
            models = {
                model["model"]._meta.label_lower: model
                for app in self._build_app_dict(request).values()
                for model in app["models"]
            }
            known = navigation.sections(request, models)
            request._sections = known  # type: ignore[attr-defined]
        return known

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Within the limit on guessing; a browser that has signed in is counted by itself from then on."""
        # Models cannot be imported with this module.
        from mangaassist.access.forms import SignInForm
        from mangaassist.access.throttle import trust_device

        self.login_form = SignInForm
        response = super().login(request, extra_context)
        if request.method != "POST":
            return response
        form = getattr(response, "context_data", None) and response.context_data.get("form")
        if form is not None and form.wait_s is not None:
            response.status_code = 429
            response["Retry-After"] = str(math.ceil(form.wait_s))
        elif response.status_code == 302:
            trust_device(request, response, request.user.get_username())
        return response

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Who may see the overview begins there; who has nothing but the desk, at the desk."""
        entries = [entry for section in self.get_app_list(request) for entry in section["models"]]
        first = entries[0] if entries else None
        if first and (first["object_name"] == "overview" or len(entries) == 1):
            return HttpResponseRedirect(first["admin_url"])
        return super().index(request, {"notices": notices(request), **(extra_context or {})})


class MangaAssistAdminConfig(AdminConfig):
    default_site = "mangaassist.admin_site.MangaAssistAdminSite"

    def ready(self) -> None:
        from mangaassist.wording import translate_names

        super().ready()
        translate_names()


class ReadOnlyAdmin:
    """For what is recorded: read, never edited."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(getattr(request.user, "is_superuser", False))
