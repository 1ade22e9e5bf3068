"""Partners' webhooks for operators: where they go, what was sent and how it was answered, and to send it again."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.widgets import AdminSplitDateTime
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.translation import gettext as say
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache

from mangaassist.access.audit import log_deed, log_deeds
from mangaassist.admin_site import Notice, ReadOnlyAdmin, ReadOnlyRows, register_notice
from mangaassist.lists import LongList, recent_values
from partners.webhooks.destinations import DestinationRefused
from partners.webhooks.messages import TooManyTests, redeliver, send_test
from partners.webhooks.models import EVENTS, Webhook, WebhookAttempt, WebhookMessage, WebhookSecret
from partners.webhooks.registering import check_destination
from partners.webhooks.signing import secret_of

MAY_CHANGE = "partners.change_webhook"


class WebhookForm(forms.ModelForm[Webhook]):
    events = forms.MultipleChoiceField(
        label=_("events"),
        choices=[(event, event) for event in EVENTS],
        widget=forms.CheckboxSelectMultiple,
        initial=list(EVENTS),
    )

    class Meta:
        model = Webhook
        fields = ("key", "url", "events", "is_active")
        widgets = {"url": forms.TextInput(attrs={"class": "vLargeTextField", "inputmode": "url"})}

    def clean_url(self) -> str:
        url: str = self.cleaned_data["url"]
        try:
            check_destination(url)
        except DestinationRefused as refusal:
            raise forms.ValidationError(str(refusal)) from refusal
        return url


class RotationForm(forms.Form):
    old_until = forms.SplitDateTimeField(
        label=_("The secrets of now sign as well until"),
        widget=AdminSplitDateTime,
        initial=lambda: timezone.now() + timedelta(days=1),
    )


class SecretInline(ReadOnlyRows, admin.TabularInline[WebhookSecret, Webhook]):
    """Which there are, and until when; not what they are."""

    model = WebhookSecret
    fields = readonly_fields = ("fingerprint", "created_at", "usable_until")


@admin.register(Webhook)
class WebhookAdmin(admin.ModelAdmin[Webhook]):
    form = WebhookForm
    list_display = ("url", "key", "state", "last_taken_at", "why")
    list_filter = ("is_active", "key")
    list_select_related = ("key",)
    search_fields = ("url", "key__name")
    readonly_fields = ("created_at", "last_taken_at", "failing_since", "failures", "paused_until", "last_error")
    fieldsets = (
        (None, {"fields": ("key", "url", "events", "is_active")}),
        (_("How it stands"), {"fields": readonly_fields}),
    )
    inlines = (SecretInline,)
    actions = ("test_selected",)
    change_form_template = "admin/partners/webhook/change_form.html"

    def get_readonly_fields(self, request: HttpRequest, obj: Webhook | None = None) -> tuple[str, ...]:
        return (*self.readonly_fields, *(("key",) if obj else ()))

    def get_fieldsets(self, request: HttpRequest, obj: Webhook | None = None) -> Any:
        return self.fieldsets if obj else self.fieldsets[:1]

    def get_inlines(self, request: HttpRequest, obj: Webhook | None) -> Any:
        return self.inlines if obj else ()

    @admin.display(description=_("state"))
    def state(self, hook: Webhook) -> str:
        if not hook.is_active:
            return say("Switched off after failures") if hook.switched_off_because else say("Off")
        if hook.failing_since:
            since = date_format(timezone.localtime(hook.failing_since), "SHORT_DATETIME_FORMAT")
            return say("Failing since %(time)s") % {"time": since}
        return say("On")

    @admin.display(description=_("last error"))
    def why(self, hook: Webhook) -> str:
        return hook.switched_off_because or hook.last_error or "–"

    @admin.action(description=_("Send a test event to the selected webhooks"), permissions=["change"])
    def test_selected(self, request: HttpRequest, queryset: QuerySet[Webhook]) -> None:
        for hook in queryset:
            self._test(request, hook)

    def get_urls(self) -> list[URLPattern]:
        own = path("<uuid:hook_id>/rotate/", self.admin_site.admin_view(self.rotate), name="partners_webhook_rotate")
        return [own, *super().get_urls()]

    def save_model(self, request: HttpRequest, obj: Webhook, form: Any, change: bool) -> None:
        if change and "is_active" in form.changed_data:
            if obj.is_active:
                obj.switch_on()
            else:
                # By a person, who also switches it on again.
                obj.switched_off_because = ""
        super().save_model(request, obj, form, change)

    def response_add(self, request: HttpRequest, obj: Webhook, post_url_continue: str | None = None) -> HttpResponse:
        """Within the transaction that stores it: there is none without a secret."""
        return self._show_once(request, obj, obj.add_secret())

    def response_change(self, request: HttpRequest, obj: Webhook) -> HttpResponse:
        if "_test" in request.POST:
            self._test(request, obj)
            return HttpResponseRedirect(request.path)
        return super().response_change(request, obj)

    def rotate(self, request: HttpRequest, hook_id: Any) -> HttpResponse:
        if not self.has_change_permission(request):
            raise PermissionDenied
        hook = get_object_or_404(Webhook.objects.select_related("key"), pk=hook_id)
        form = RotationForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            with transaction.atomic():
                salt = hook.rotate(old_until=form.cleaned_data["old_until"])
                log_deed(request, hook, "Its secret was rotated.")
            return self._show_once(request, hook, salt)
        context = {
            **self.admin_site.each_context(request),
            "title": say("A new secret"),
            "original": hook,
            "form": form,
        }
        return TemplateResponse(request, "admin/partners/webhook/rotate.html", {**context, "opts": self.opts})

    def _test(self, request: HttpRequest, hook: Webhook) -> None:
        with transaction.atomic():
            try:
                message = send_test(hook)
            except TooManyTests:
                self.message_user(request, say("There were enough tests in this minute."), messages.WARNING)
                return
            log_deed(request, hook, "A test event was sent.")
        url = reverse("admin:partners_webhookmessage_change", args=[message.pk])
        words = format_html(
            '{} <a href="{}">{}</a>', say("A test event is on its way."), url, say("See what comes of it")
        )
        self.message_user(request, words)

    def _show_once(self, request: HttpRequest, hook: Webhook, salt: str) -> HttpResponse:
        context = {**self.admin_site.each_context(request), "title": say("The secret"), "hook": hook}
        return _unkept(request, {**context, "secret": secret_of(salt), "opts": self.opts})


@never_cache
def _unkept(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    return TemplateResponse(request, "admin/partners/webhook/secret.html", context)


class AttemptInline(ReadOnlyRows, admin.TabularInline[WebhookAttempt, WebhookMessage]):
    model = WebhookAttempt
    fields = readonly_fields = ("at", "status", "ms", "error")


@admin.register(WebhookMessage)
class WebhookMessageAdmin(LongList, ReadOnlyAdmin, admin.ModelAdmin[WebhookMessage]):
    list_display = ("created_at", "event", "partner", "host", "status", "attempts", "last_answer")
    list_filter = ("status", recent_values(_("event"), "event", "-created_at"), "webhook__key", "created_at")
    sortable_by = ("created_at",)
    list_select_related = ("webhook__key",)
    search_fields = ("id", "conversation_id")
    searched_words = ("webhook__url",)
    newest_first = "-created_at"
    fields = ("id", "webhook", "event", "conversation_id", "status", "created_at", "tried_until", "ended_at", "content")
    readonly_fields = ("content",)
    inlines = (AttemptInline,)
    actions = ("send_selected_again",)
    change_form_template = "admin/partners/webhookmessage/change_form.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[WebhookMessage]:
        # Of the page's own rows, each by its index: a join would count the attempts of all rows first.
        newest = WebhookAttempt.objects.filter(message=OuterRef("pk"))
        counted = newest.order_by().values("message").annotate(count=Count("pk")).values("count")
        return (
            super()
            .get_queryset(request)
            .annotate(
                count=Coalesce(Subquery(counted), 0),
                answered=Subquery(newest.values("status")[:1]),
                failed=Subquery(newest.values("error")[:1]),
            )
        )

    @admin.display(description=_("partner"))
    def partner(self, message: WebhookMessage) -> str:
        return message.webhook.key.name

    @admin.display(description=_("webhook"))
    def host(self, message: WebhookMessage) -> str:
        return urlsplit(message.webhook.url).netloc

    @admin.display(description=_("attempts"))
    def attempts(self, message: Any) -> int:
        return int(message.count)

    @admin.display(description=_("last answer"))
    def last_answer(self, message: Any) -> str:
        return str(message.failed or message.answered or "–")[:80]

    @admin.display(description=_("body"))
    def content(self, message: WebhookMessage) -> str:
        pretty = json.dumps(json.loads(message.body), ensure_ascii=False, indent=2)
        return format_html('<pre class="ma-value">{}</pre>', pretty)

    def has_redeliver_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(MAY_CHANGE)

    @admin.action(description=_("Send the selected messages again"), permissions=["redeliver"])
    def send_selected_again(self, request: HttpRequest, queryset: QuerySet[WebhookMessage]) -> None:
        self._send_again(request, list(WebhookMessage.objects.filter(pk__in=queryset.values("pk"))))

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.send_again)
        return [path("<uuid:message_id>/again/", view, name="partners_webhookmessage_again"), *super().get_urls()]

    def send_again(self, request: HttpRequest, message_id: Any) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not self.has_redeliver_permission(request):
            raise PermissionDenied
        message = get_object_or_404(WebhookMessage, pk=message_id)
        self._send_again(request, [message])
        return HttpResponseRedirect(reverse("admin:partners_webhookmessage_change", args=[message.pk]))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = {"may_send_again": self.has_redeliver_permission(request)}
        return super().change_view(request, object_id, form_url, (extra_context or {}) | context)

    def _send_again(self, request: HttpRequest, chosen: list[WebhookMessage]) -> None:
        with transaction.atomic():
            for message in chosen:
                redeliver(message)
            log_deeds(request, ((message, "Sent again.") for message in chosen))
        count = len(chosen)
        words = ngettext("%(count)d message is sent again.", "%(count)d messages are sent again.", count)
        self.message_user(request, words % {"count": count}, messages.SUCCESS)


@register_notice
def switched_off(request: HttpRequest) -> Notice | None:
    """Who has failed for days and hears nothing any more."""
    if not request.user.has_perm("partners.view_webhook"):
        return None
    count = Webhook.objects.switched_off_by_us().count()
    if not count:
        return None
    words = ngettext(
        "%(count)d partner's webhook was switched off after failures.",
        "%(count)d partners' webhooks were switched off after failures.",
        count,
    )
    return Notice(words % {"count": count}, reverse("admin:partners_webhook_changelist") + "?is_active__exact=0")
