"""The outbox for the person on call: what waits, what is parked and why, one click to try again."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.contrib import admin
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from mangaassist.access.audit import log_deeds
from mangaassist.admin_site import ReadOnlyAdmin
from mangaassist.lists import LongList, recent_values
from mangaassist.outbox.backends.database import receive_again
from mangaassist.outbox.models import OutboxMessage, QueuedMessage, ShardLease
from mangaassist.outbox.relay import DISCARDABLE, RETRIABLE, discard, retry_now
from mangaassist.outbox.summary import Standing, standings


@admin.register(OutboxMessage)
class OutboxAdmin(LongList, admin.ModelAdmin[OutboxMessage]):
    list_display = ("created_at", "topic", "key", "status", "attempts", "due_at", "done_at", "first_error")
    list_filter = ("status", recent_values(_("topic"), "topic", "-created_at"), "created_at")
    # By nothing that has no index.
    sortable_by = ("created_at",)
    search_fields = ("id",)
    searched_words = ("key", "error")
    newest_first = "-created_at"
    actions = ("retry_selected", "discard_selected")
    change_list_template = "admin/outbox/outboxmessage/change_list.html"
    ordering = ("-created_at",)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """With the standing of every topic above the list, unless the list is of one topic."""
        shown = [] if request.GET else [_shown(each) for each in standings()]
        return super().changelist_view(request, (extra_context or {}) | {"standings": shown})

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: OutboxMessage | None = None) -> bool:
        return False

    @admin.display(description=_("error"))
    def first_error(self, message: OutboxMessage) -> str:
        return message.error[:80]

    def has_retry_permission(self, request: HttpRequest) -> bool:
        """Nobody changes a row; who may change rows may have them tried again."""
        return request.user.has_perm("outbox.change_outboxmessage")

    @admin.action(description=_("Try the selected rows again now"), permissions=["retry"])
    def retry_selected(self, request: HttpRequest, queryset: QuerySet[OutboxMessage]) -> None:
        chosen = [row for row in queryset if row.status in RETRIABLE]
        with transaction.atomic():
            count = retry_now(chosen)
            log_deeds(request, ((row, "Tried again.") for row in chosen))
        self.message_user(request, _("Waiting again: %(count)d.") % {"count": count})

    @admin.action(description=_("Discard the selected rows"), permissions=["delete"])
    def discard_selected(self, request: HttpRequest, queryset: QuerySet[OutboxMessage]) -> None:
        chosen = [row for row in queryset if row.status in DISCARDABLE]
        with transaction.atomic():
            count = discard(chosen)
            log_deeds(request, ((row, "Discarded.") for row in chosen))
        self.message_user(request, _("Discarded: %(count)d.") % {"count": count})


@admin.register(QueuedMessage)
class QueuedMessageAdmin(LongList, admin.ModelAdmin[QueuedMessage]):
    list_display = ("created_at", "queue", "received", "dead", "visible_at")
    list_filter = (recent_values(_("queue"), "queue", "-pk"), "dead")
    ordering = ("-pk",)
    sortable_by = ()
    actions = ("receive_selected_again",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_retry_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("outbox.change_queuedmessage")

    @admin.action(description=_("Try the selected dead letters again now"), permissions=["retry"])
    def receive_selected_again(self, request: HttpRequest, queryset: QuerySet[QueuedMessage]) -> None:
        chosen = list(queryset.filter(dead=True).defer("body"))
        with transaction.atomic():
            count = receive_again(queryset)
            log_deeds(request, ((message, "Received again.") for message in chosen))
        self.message_user(request, _("In their queue again: %(count)d.") % {"count": count})


@admin.register(ShardLease)
class ShardLeaseAdmin(ReadOnlyAdmin, admin.ModelAdmin[ShardLease]):
    """How far each shard of a stream has been applied, and what holds it up."""

    list_display = ("topic", "shard", "updated_at", "failures", "is_over", "leased_until", "first_error")
    list_filter = ("topic", "is_over")

    @admin.display(description=_("error"))
    def first_error(self, lease: ShardLease) -> str:
        return lease.error[:80]


def _shown(standing: Standing) -> dict[str, Any]:
    return asdict(standing) | {"age": "–" if standing.oldest_s is None else human_age(standing.oldest_s)}


def human_age(seconds: float) -> str:
    """In the largest unit that says enough: 48 s, 12 min, 5 h, 3 d."""
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
