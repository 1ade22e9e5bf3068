"""``admin:overview``: the page, and where its figures lead."""

from __future__ import annotations

from functools import partial
from typing import Any
from urllib.parse import urlencode

from django.apps import apps
from django.contrib import admin
from django.contrib.auth import get_permission_codename
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from mangaassist.admin_site import notices
from mangaassist.analytics.overview import overview
from mangaassist.analytics.reading import PERIODS


def overview_page(request: HttpRequest) -> HttpResponse:
    """``?period=today|week|month``; anything else is today."""
    if not request.user.has_perm("analytics.view_overview"):
        raise PermissionDenied
    period = PERIODS.get(request.GET.get("period", ""), PERIODS["today"])
    context = admin.site.each_context(request) | {
        "title": _("Overview"),
        "notices": notices(request),
        "board": overview(period, timezone.now(), partial(link_for, request.user)),
        "periods": [("today", _("Today")), ("week", _("7 days")), ("month", _("30 days"))],
    }
    return render(request, "admin/analytics/overview.html", context)


def link_for(user: Any, label: str, pk: int | None = None, **filters: object) -> str:
    """The change list of the model ``label`` with these filters, or one row's page; empty for who may not look."""
    model = apps.get_model(label)
    opts = model._meta
    if not any(user.has_perm(f"{opts.app_label}.{get_permission_codename(may, opts)}") for may in ("view", "change")):
        return ""
    name = f"admin:{opts.app_label}_{opts.model_name}"
    if pk is not None:
        return reverse(f"{name}_change", args=[pk])
    return f"{reverse(f'{name}_changelist')}{'?' if filters else ''}{urlencode(filters)}"
