"""Requests for a person as operators see them, and what the desk works with."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from django.views.decorators.http import require_POST

from escalation.actors import Actor
from escalation.forgetting import redact_rating_comment
from escalation.handoffs import close_handoff
from escalation.models import (
    AgentPresence,
    CannedReply,
    EscalationRule,
    Handoff,
    HandoffLine,
    HandoffPolicy,
    HandoffTransition,
    OfficeHours,
)
from mangaassist.access.audit import log_deed
from mangaassist.admin_site import FromToAdmin, OneRowAdmin, ReadOnlyRows
from mangaassist.lists import LongList
from mangaassist.names import OUTCOMES, in_trail, intent_name, name_of
from mangaassist.privacy.pages import tell_redaction
from mangaassist.privacy.words import REDACTED

# The right to take a shopper's words out, whatever holds them.
MAY_REDACT = "chat.redact_conversation"


class LineInline(ReadOnlyRows, admin.TabularInline[HandoffLine, Handoff]):
    model = HandoffLine
    fields = readonly_fields = ("at", "role", "author", "text")


class TransitionInline(ReadOnlyRows, admin.TabularInline[HandoffTransition, Handoff]):
    model = HandoffTransition
    fields = readonly_fields = ("at", "from_status", "status", "who", "what")

    @admin.display(description=pgettext_lazy("escalation", "by"))
    def who(self, transition: HandoffTransition) -> str:
        return in_trail(transition.by)

    @admin.display(description=pgettext_lazy("escalation", "detail"))
    def what(self, transition: HandoffTransition) -> str:
        return in_trail(transition.detail)


@admin.register(Handoff)
class HandoffAdmin(LongList, admin.ModelAdmin[Handoff]):
    """Read here; answered at the desk."""

    list_display = (
        "opened_at", "status", "priority", "trigger", "agent_name", "customer_id", "language", "reason", "csat",
    )  # fmt: skip
    list_filter = ("status", "trigger", "priority", "close_reason", "csat", "language", "opened_at")
    search_fields = ("conversation_id", "contact_id")
    searched_words = ("customer_id", "reason", "summary")
    newest_first = "-opened_at"
    # The package's questions one by one; its summary is a field of its own.
    exclude = ("package",)
    readonly_fields = tuple(
        "tried" if field.name == "package" else field.name for field in Handoff._meta.fields if field.name != "contact"
    )
    inlines = (LineInline, TransitionInline)
    actions = ("close_selected",)
    change_form_template = "admin/escalation/handoff/change_form.html"

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(require_POST(self.redact_view))
        return [path("<uuid:pk>/redact/", view, name="escalation_handoff_redact"), *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = {"may_redact": request.user.has_perm(MAY_REDACT), "redacted": REDACTED}
        return super().change_view(request, object_id, form_url, (extra_context or {}) | context)

    @admin.display(description=_("asked of the assistant"))
    def tried(self, handoff: Handoff) -> str:
        """The questions that the package hands over, the oldest first: what was meant, and how it ended."""
        asked = (
            (each["text"], " · ".join(filter(None, [intent_name(each["intent"]), name_of(OUTCOMES, each["outcome"])])))
            for each in handoff.package.get("tried", [])
        )
        return format_html("<ol>{}</ol>", format_html_join("", "<li>{} <small>{}</small></li>", asked))

    def redact_view(self, request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
        """Takes out what the shopper wrote beside their stars."""
        if not (self.has_view_permission(request) and request.user.has_perm(MAY_REDACT)):
            raise PermissionDenied
        handoff = get_object_or_404(Handoff, pk=pk)
        erasure = redact_rating_comment(handoff.pk, by=request.user.get_username())
        tell_redaction(request, handoff, erasure)
        return HttpResponseRedirect(reverse("admin:escalation_handoff_change", args=[pk]))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Handoff | None = None) -> bool:
        """One that is open is closed first: its shopper, and a contact centre, must hear of the end."""
        return (obj is None or obj.status not in Handoff.OPEN) and super().has_delete_permission(request, obj)

    @admin.action(description=_("Close the selected requests"), permissions=["change"])
    def close_selected(self, request: HttpRequest, queryset: QuerySet[Handoff]) -> None:
        by = Actor(name=request.user.get_username(), shown="", role="lead", user_id=request.user.pk)
        closed = 0
        for handoff in queryset:
            with transaction.atomic():
                if close_handoff(str(handoff.pk), by=by):
                    log_deed(request, handoff, "Closed.")
                    closed += 1
        self.message_user(request, _("Closed: %(count)d.") % {"count": closed})


@admin.register(AgentPresence)
class AgentPresenceAdmin(FromToAdmin, admin.ModelAdmin[AgentPresence]):
    list_display = ("user", "status", "capacity", "seen_at")
    list_editable = ("capacity",)
    readonly_fields = ("seen_at",)


@admin.register(CannedReply)
class CannedReplyAdmin(FromToAdmin, admin.ModelAdmin[CannedReply]):
    list_display = ("shortcut", "locale", "text")
    list_filter = ("locale",)
    search_fields = ("shortcut", "text")


@admin.register(HandoffPolicy)
class HandoffPolicyAdmin(OneRowAdmin, admin.ModelAdmin[HandoffPolicy]):
    """In force at each process's next turn (escalation.rules)."""

    fieldsets = (
        (_("Bring people in by itself"), {"fields": ("complaint", "frustration", "uncertain")}),
        (_("Thresholds"), {"fields": ("misses", "bad_ratings", "sure_enough")}),
    )


@admin.register(OfficeHours)
class OfficeHoursAdmin(FromToAdmin, admin.ModelAdmin[OfficeHours]):
    list_display = ("weekday", "opens", "closes", "zone")


@admin.register(EscalationRule)
class EscalationRuleAdmin(FromToAdmin, admin.ModelAdmin[EscalationRule]):
    list_display = ("name", "kind", "keywords", "order_value", "currency", "action", "priority", "enabled")
    list_editable = ("enabled",)
