"""The outbox for the person on call: what waits, what is parked and why, one click to try again."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from mangaassist.outbox.models import OutboxMessage, QueuedMessage
from mangaassist.outbox.relay import discard, retry_now


@admin.register(OutboxMessage)
class OutboxAdmin(admin.ModelAdmin[OutboxMessage]):
    list_display = ("created_at", "topic", "key", "status", "attempts", "due_at", "done_at", "first_error")
    list_filter = ("status", "topic", "created_at")
    search_fields = ("id", "key", "error")
    actions = ("retry_selected", "discard_selected")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: OutboxMessage | None = None) -> bool:
        return False

    @admin.display(description="error")
    def first_error(self, message: OutboxMessage) -> str:
        return message.error[:80]

    @admin.action(description="Try the selected rows again now", permissions=["view"])
    def retry_selected(self, request: HttpRequest, queryset: QuerySet[OutboxMessage]) -> None:
        self.message_user(request, f"Waiting again: {retry_now(list(queryset))}.")

    @admin.action(description="Discard the selected rows", permissions=["delete"])
    def discard_selected(self, request: HttpRequest, queryset: QuerySet[OutboxMessage]) -> None:
        self.message_user(request, f"Discarded: {discard(list(queryset))}.")


@admin.register(QueuedMessage)
class QueuedMessageAdmin(admin.ModelAdmin[QueuedMessage]):
    list_display = ("created_at", "queue", "received", "dead", "visible_at")
    list_filter = ("queue", "dead")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False
