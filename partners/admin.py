"""Partners' keys: made, rotated and revoked here. A secret is shown on the page that answers its making, and nowhere
else."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AdminSplitDateTime
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache

from mangaassist.access.audit import log_deed, log_deeds
from mangaassist.admin_site import ReadOnlyRows
from mangaassist.list_fields import LinesField
from partners.models import SCOPES, ApiKey, KeySecret, new_secret, new_tenant
from partners.webhooks import admin as webhooks_admin  # noqa: F401  (Django finds an app's admin through this module)


class ApiKeyForm(forms.ModelForm[ApiKey]):
    scopes = forms.MultipleChoiceField(
        label=capfirst(_("scopes")),
        choices=[(scope, scope) for scope in SCOPES],
        widget=forms.CheckboxSelectMultiple,
        initial=list(SCOPES),
    )
    allowed_origins = LinesField(
        label=capfirst(_("allowed origins")),
        required=False,
        help_text=_("Only pages of these may use it in a browser, such as https://shop.example; empty: for servers."),
    )
    allowed_networks = LinesField(
        label=capfirst(_("allowed networks")),
        required=False,
        help_text=_("It works from these only, such as 192.0.2.0/24; empty: from everywhere."),
    )

    class Meta:
        model = ApiKey
        fields = (
            "name", "scopes", "expires_at", "rate_per_minute", "daily_cap", "allowed_origins", "allowed_networks",
        )  # fmt: skip


class RotationForm(forms.Form):
    old_until = forms.SplitDateTimeField(
        label=_("The secrets of now work until"),
        widget=AdminSplitDateTime,
        initial=lambda: timezone.now() + timedelta(days=7),
    )


class SecretInline(ReadOnlyRows, admin.TabularInline[KeySecret, ApiKey]):
    """Only what everybody may see of them."""

    model = KeySecret
    fields = readonly_fields = ("prefix", "created_at", "usable_until")


@admin.register(ApiKey)
class ApiKeyAdmin(admin.ModelAdmin[ApiKey]):
    form = ApiKeyForm
    list_display = (
        "name", "prefixes", "shown_scopes", "rate_per_minute", "daily_cap", "expires_at", "revoked_at", "last_used_at",
    )  # fmt: skip
    search_fields = ("name", "secrets__prefix", "tenant")
    readonly_fields = ("tenant", "created_at", "revoked_at", "last_used_at")
    inlines = (SecretInline,)
    actions = ("revoke",)
    change_form_template = "admin/partners/apikey/change_form.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[ApiKey]:
        return super().get_queryset(request).prefetch_related("secrets")

    @admin.display(description=_("secrets"))
    def prefixes(self, key: ApiKey) -> str:
        return ", ".join(map(str, key.secrets.all()))

    @admin.display(description=_("scopes"))
    def shown_scopes(self, key: ApiKey) -> str:
        return ", ".join(key.scopes)

    @admin.action(description=_("Revoke the selected keys"), permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        chosen = list(queryset)
        with transaction.atomic():
            count = ApiKey.objects.filter(pk__in=[key.pk for key in chosen]).revoke()
            log_deeds(request, ((key, "Revoked.") for key in chosen))
        self.message_user(request, _("Revoked: %(count)d.") % {"count": count})

    def get_urls(self) -> list[URLPattern]:
        own = path("<int:key_id>/rotate/", self.admin_site.admin_view(self.rotate), name="partners_apikey_rotate")
        return [own, *super().get_urls()]

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:
        if not change:
            obj.tenant = new_tenant()
        super().save_model(request, obj, form, change)

    def response_add(self, request: HttpRequest, obj: ApiKey, post_url_continue: str | None = None) -> HttpResponse:
        """Within the transaction that stores the key: there is none without a secret."""
        return self._show_once(request, obj, new_secret(obj))

    def rotate(self, request: HttpRequest, key_id: int) -> HttpResponse:
        if not self.has_change_permission(request):
            raise PermissionDenied
        key = get_object_or_404(ApiKey, pk=key_id)
        form = RotationForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            with transaction.atomic():
                secret = key.rotate(old_until=form.cleaned_data["old_until"])
                log_deed(request, key, "Rotated.")
            return self._show_once(request, key, secret)
        context = {
            **self.admin_site.each_context(request),
            "title": _("A new secret for %(key)s") % {"key": key},
            "original": key,
            "form": form,
        }
        return TemplateResponse(request, "admin/partners/apikey/rotate.html", {**context, "opts": self.opts})

    def _show_once(self, request: HttpRequest, key: ApiKey, secret: str) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": _("The secret of %(key)s") % {"key": key},
            "key": key,
        }
        return _unkept(request, {**context, "secret": secret, "opts": self.opts})


@never_cache
def _unkept(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    return TemplateResponse(request, "admin/partners/apikey/secret.html", context)
