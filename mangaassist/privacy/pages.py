"""``admin:privacy``: how long what is kept; one shopper's data, to take along or to erase."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from mangaassist.access.audit import log_deed, name_of
from mangaassist.privacy.erasing import erase
from mangaassist.privacy.exporting import export_shopper
from mangaassist.privacy.forms import EraseForm, ShopperForm
from mangaassist.privacy.models import Erasure
from mangaassist.privacy.registry import holders
from mangaassist.privacy.retention import kept
from mangaassist.privacy.subject import Subject
from mangaassist.streaming import download

SHOWN = 20
# Of one kind of rows, told as "1,000+": the page counts no further.
MOST_COUNTED = 1_000


def privacy_page(request: HttpRequest) -> HttpResponse:
    """``POST``: looks a shopper up. Names of shoppers stand in no address, and so in no log of addresses."""
    _ask(request, "view_privacy")
    may = {deed: request.user.has_perm(f"privacy.{deed}_shopper") for deed in ("export", "erase")}
    found: Subject | None = None
    form = ShopperForm(request.POST if request.method == "POST" else None)
    if request.method == "POST":
        if not any(may.values()):
            raise PermissionDenied
        found = form.subject if form.is_valid() else None
    return _page(
        request,
        "privacy",
        title=_("Privacy"),
        kinds=kept(),
        form=form,
        may=may,
        found=found,
        held=_held(found) if found else [],
        erasures=Erasure.objects.all()[:SHOWN],
    )


@require_POST
def export_page(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    _ask(request, "export_shopper")
    form = ShopperForm(request.POST)
    if not form.is_valid():
        return _refused(request)
    subject = form.subject
    name = f"shopper-{subject.reference}.json"
    return download(export_shopper(subject), name=name, content_type="application/json")


@require_POST
def erase_page(request: HttpRequest) -> HttpResponse:
    """Without ``again``: asks whether one is sure. With it: erases."""
    _ask(request, "erase_shopper")
    named = ShopperForm(request.POST)
    if not named.is_valid():
        return _refused(request)
    form = EraseForm(request.POST if "again" in request.POST else None, initial=named.cleaned_data)
    if "again" not in request.POST or not form.is_valid():
        held = _held(named.subject)
        return _page(request, "erase", title=_("Erase a shopper"), form=form, named=named, held=held)
    erasure = erase(form.subject, by=name_of(request.user))
    tell_erasure(request, erasure, _("Erased. In two minutes it is looked once more for what was under way."))
    return HttpResponseRedirect(reverse("admin:privacy"))


def tell_erasure(request: HttpRequest, erasure: Erasure, done: str) -> None:
    """To whoever has asked for it. ``done``: what is said when all could be reached."""
    if erasure.error:
        messages.warning(
            request, _("Not everything could be reached. It is tried again every minute until it is done.")
        )
    else:
        messages.success(request, done)


def tell_redaction(request: HttpRequest, row: Model, erasure: Erasure | None, deed: str = "comment redacted") -> None:
    """To whoever has had words of ``row`` taken out, and to the audit log; None: there were none."""
    if erasure is not None:
        log_deed(request, row, deed)
        tell_erasure(request, erasure, _("The words were taken out everywhere that we keep them."))


def _held(subject: Subject) -> list[tuple[str, str]]:
    """(name, number) of what an export would hold; what is on its way is looked for by the export alone."""
    numbers: dict[str, int] = {}
    for holder in holders():
        for name, rows in holder.count(subject):
            numbers[name] = len(rows.order_by().values_list("pk")[: MOST_COUNTED + 1])
    return [(_names().get(name, name), _bounded(number)) for name, number in numbers.items() if number]


def _bounded(number: int) -> str:
    return f"{MOST_COUNTED:,}+" if number > MOST_COUNTED else f"{number:,}"


def _names() -> dict[str, str]:
    return {
        "conversations": _("Conversations"),
        "handoffs": _("Handoffs"),
        "interactions": _("Interactions"),
        "experiments": _("Parts in experiments"),
        "carts": _("Carts"),
        "orders": _("Orders (they stay)"),
        "events": _("Analytics events"),
        "webhooks": _("Webhook messages"),
    }


def _ask(request: HttpRequest, permission: str) -> None:
    if not request.user.has_perm(f"privacy.{permission}"):
        raise PermissionDenied


def _refused(request: HttpRequest) -> HttpResponse:
    messages.error(request, _("This is no id."))
    return HttpResponseRedirect(reverse("admin:privacy"))


def _page(request: HttpRequest, name: str, **context: Any) -> HttpResponse:
    return render(request, f"admin/privacy/{name}.html", admin.site.each_context(request) | context)
