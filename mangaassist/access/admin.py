"""Who works here: users, where they are signed in, and the audit log."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.actions import delete_selected
from django.contrib.admin.models import LogEntry
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import User
from django.db.models import Max, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from mangaassist.access.audit import Kind, record
from mangaassist.access.models import AuditEntry, StaffSession
from mangaassist.access.receivers import record_change
from mangaassist.access.sessions import end, sign_out_everywhere
from mangaassist.admin_site import ReadOnlyAdmin

# What only a superuser gives or takes: who could give it to themselves would be one.
SUPERUSERS_ONLY = ("is_superuser", "user_permissions")


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin, admin.ModelAdmin[AuditEntry]):
    """Read and searched; nobody changes or removes a line here, no superuser either."""

    list_display = ("at", "kind", "actor", "address", "what", "detail")
    list_filter = ("kind", "at")
    search_fields = ("actor", "address", "what", "detail")
    search_help_text = _("Name, network address, object or words of the change")
    list_display_links = None
    show_full_result_count = False
    list_per_page = 50
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
        self.message_user(request, _ended(end(chosen)))


admin.site.unregister(User)


@admin.register(User)
class StaffAdmin(UserAdmin[User]):
    """Django's own; who is no superuser makes no superuser and touches none."""

    list_filter = ("is_staff", "is_active", "groups")
    actions = ("sign_out_selected",)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        fields = super().get_readonly_fields(request, obj)
        return fields if _is_superuser(request) else (*fields, *SUPERUSERS_ONLY)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and _may_touch(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and _may_touch(request, obj)

    @admin.action(description=_("Sign the selected users out everywhere"), permissions=["change"])
    def sign_out_selected(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        ended = 0
        for user in queryset:
            if not _may_touch(request, user):
                self.message_user(request, gettext("Only a superuser signs a superuser out."), messages.WARNING)
                continue
            ended += sign_out_everywhere(user.pk)
            record(Kind.SIGNED_OUT, request=request, what=user.get_username(), detail="signed out everywhere")
        self.message_user(request, _ended(ended))


def _ended(count: int) -> str:
    return ngettext("%(count)d session ended.", "%(count)d sessions ended.", count) % {"count": count}


def _may_touch(request: HttpRequest, user: User | None) -> bool:
    return user is None or not user.is_superuser or _is_superuser(request)


def _is_superuser(request: HttpRequest) -> bool:
    return bool(getattr(request.user, "is_superuser", False))


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
