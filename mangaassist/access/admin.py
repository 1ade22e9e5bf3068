"""Who works here, where they are signed in, and the audit log."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin.actions import delete_selected
from django.contrib.admin.models import LogEntry
from django.db.models import Max, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from mangaassist.access.audit import Kind, record, record_change
from mangaassist.access.models import AuditEntry, StaffSession
from mangaassist.access.sessions import end
from mangaassist.access.staff_admin import sessions_ended
from mangaassist.admin_site import ReadOnlyAdmin
from mangaassist.lists import LongList


@admin.register(AuditEntry)
class AuditEntryAdmin(LongList, ReadOnlyAdmin, admin.ModelAdmin[AuditEntry]):
    """Read and searched; nobody changes or removes a line here, no superuser either."""

    list_display = ("at", "kind", "actor", "address", "what", "detail")
    list_filter = ("kind", "at")
    search_fields = ("actor",)
    searched_words = ("actor", "address", "what", "detail")
    newest_first = "-at"
    search_help_text = _("Name, network address, object or words of the change")
    list_display_links = None
    actions = None

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(StaffSession)
class StaffSessionAdmin(ReadOnlyAdmin, admin.ModelAdmin[StaffSession]):
    list_display = ("user", "signed_in_at", "seen_at", "address", "browser")
    list_select_related = ("user",)
    search_fields = ("user__username", "address")
    list_display_links = None
    actions = ("end_selected",)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_end_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("access.delete_staffsession")

    @admin.action(description=_("End the selected sessions"), permissions=["end"])
    def end_selected(self, request: HttpRequest, queryset: QuerySet[StaffSession]) -> None:
        chosen = list(queryset.select_related("user"))
        for each in chosen:
            record(Kind.SIGNED_OUT, request=request, what=each.user.get_username(), detail="session ended in the admin")
        self.message_user(request, sessions_ended(end(chosen)))


@admin.action(description=_("Delete selected %(verbose_name_plural)s"), permissions=["delete"])
def delete_chosen(model_admin: Any, request: HttpRequest, chosen: QuerySet[Any]) -> HttpResponse | None:
    """Django's own action. It notes several deletions in one statement, which no receiver hears: they are said here."""
    newest = LogEntry.objects.aggregate(newest=Max("pk"))["newest"] or 0
    several = chosen.count() > 1
    response: HttpResponse | None = delete_selected(model_admin, request, chosen)
    if several and response is None:
        for entry in LogEntry.objects.filter(pk__gt=newest, user_id=request.user.pk or 0):
            record_change(entry)
    return response


admin.site.disable_action("delete_selected")
admin.site.add_action(delete_chosen, "delete_selected")
