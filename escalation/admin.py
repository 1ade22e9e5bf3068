"""Requests for a person, as operators see them."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from escalation.handoffs import close_handoff
from escalation.models import Handoff, HandoffLine, HandoffTransition


class LineInline(admin.TabularInline[HandoffLine, Handoff]):
    model = HandoffLine
    extra = 0
    can_delete = False
    readonly_fields = ("role", "text")

    def has_add_permission(self, request: HttpRequest, obj: Handoff | None = None) -> bool:
        return False


class TransitionInline(admin.TabularInline[HandoffTransition, Handoff]):
    model = HandoffTransition
    extra = 0
    can_delete = False
    readonly_fields = ("status", "by", "at")

    def has_add_permission(self, request: HttpRequest, obj: Handoff | None = None) -> bool:
        return False


@admin.register(Handoff)
class HandoffAdmin(admin.ModelAdmin[Handoff]):
    list_display = ("opened_at", "status", "customer_id", "language", "reason")
    list_filter = ("status", "language", "opened_at")
    search_fields = ("conversation_id", "customer_id", "reason", "summary")
    readonly_fields = (
        "conversation_id",
        "customer_id",
        "status",
        "reason",
        "language",
        "summary",
        "opened_at",
        "closed_at",
    )
    inlines = (LineInline, TransitionInline)
    actions = ("close_selected",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    @admin.action(description="Close the selected requests")
    def close_selected(self, request: HttpRequest, queryset: QuerySet[Handoff]) -> None:
        closed = sum(close_handoff(str(handoff.pk), by=request.user.get_username()) for handoff in queryset)
        self.message_user(request, f"Closed: {closed}.")
