"""Our admin: Django's own, with our name, our templates and one navigation."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.admin.apps import AdminConfig
from django.contrib.admin.options import BaseModelAdmin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, URLResolver, path, reverse
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

    def __init__(self, name: str = "admin") -> None:
        super().__init__(name)
        self._pages: list[URLPattern] = []

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
        context: dict[str, Any] = getattr(response, "context_data", None) or {}
        wait_s = getattr(context.get("form"), "wait_s", None)
        if wait_s is not None:
            response.status_code = 429
            response["Retry-After"] = str(math.ceil(wait_s))
        elif response.status_code == 302:
            trust_device(request, response, request.user.get_username())
        return response

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """Who may see the overview begins there; who has nothing but the desk, at the desk."""
        entries = [entry for section in self.get_app_list(request) for entry in section["models"]]
        first = entries[0] if entries else None
        if first and (first["object_name"] == "overview" or len(entries) == 1):
            return HttpResponseRedirect(first["admin_url"])
        return super().index(request, {"notices": notices(request), **(extra_context or {})})

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """Django looks for a record before it asks who may read its history: who may not would learn what there is."""
        owner = getattr(view, "__self__", None)
        if isinstance(owner, BaseModelAdmin) and view.__name__ == "history_view":
            view = _asked_first(view, owner)
        return super().admin_view(view, cacheable)

    def add_page(self, route: str, view: Callable[..., Any], name: str) -> None:
        """A page that belongs to no model, ``admin:{name}``, for who may enter the admin; the view asks for more."""
        self._pages.append(path(route, self.admin_view(view), name=name))

    def get_urls(self) -> list[URLPattern | URLResolver]:
        return [*self._pages, *super().get_urls()]


def _asked_first(view: Callable[..., HttpResponse], owner: BaseModelAdmin[Any]) -> Callable[..., HttpResponse]:
    @wraps(view)
    def asked(request: HttpRequest, *args: Any, **options: Any) -> HttpResponse:
        if not owner.has_view_or_change_permission(request):
            raise PermissionDenied
        return view(request, *args, **options)

    return asked


class MangaAssistAdminConfig(AdminConfig):
    default_site = "mangaassist.admin_site.MangaAssistAdminSite"

    def ready(self) -> None:
        from mangaassist.wording import translate_names

        super().ready()
        translate_names()


class FromToAdmin:
    """The history, and with it the audit log, say from what to what."""

    def construct_change_message(self, request: HttpRequest, form: Any, formsets: Any, add: bool = False) -> Any:
        own: Any = super()
        if add:
            return own.construct_change_message(request, form, formsets, add)
        fields = from_to(form)
        told: list[dict[str, Any]] = [{"changed": {"fields": fields}}] if fields else []
        for formset in formsets or ():
            name = str(formset.model._meta.verbose_name)
            told += [{"added": {"name": name, "object": str(row)}} for row in formset.new_objects]
            forms = {each.instance.pk: each for each in formset.initial_forms}
            for row, _names in formset.changed_objects:
                changed = {"name": name, "object": str(row), "fields": from_to(forms[row.pk])}
                told.append({"changed": changed})
            told += [{"deleted": {"name": name, "object": str(row)}} for row in formset.deleted_objects]
        return told


def from_to(form: Any) -> list[str]:
    """A sentence for each field of a form that was changed."""
    changes = [(name, form.initial.get(name), form.cleaned_data.get(name)) for name in form.changed_data]
    return [f"{name}: {in_words(old)} → {in_words(new)}" for name, old, new in changes]


# Of a value in the history.
LONGEST_VALUE = 300


def in_words(value: Any) -> str:
    if isinstance(value, list | tuple | QuerySet):
        # Rows or choices, in an order that says nothing.
        value = ", ".join(sorted(map(str, value)))
    text = "–" if value in (None, "") else str(value)
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"


class OneRowAdmin(FromToAdmin):
    """For settings that are one row, ``THE_ROW``: the list is the form, and the history says from what to what."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        own: Any = self
        if not own.has_view_or_change_permission(request):
            raise PermissionDenied
        row, _made = own.model.objects.get_or_create(pk=own.model.THE_ROW)
        options = own.opts
        return HttpResponseRedirect(reverse(f"admin:{options.app_label}_{options.model_name}_change", args=[row.pk]))

    def response_post_save_change(self, request: HttpRequest, obj: Any) -> HttpResponseRedirect:
        """Saved, one stays there."""
        return HttpResponseRedirect(request.path)


class ReadOnlyAdmin:
    """For what is recorded: read, never edited."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(getattr(request.user, "is_superuser", False))


class ReadOnlyRows:
    """The same for rows below the form of what they belong to: an inline whose fields are ``readonly_fields``."""

    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
