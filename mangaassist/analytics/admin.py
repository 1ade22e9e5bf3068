"""The overview, what was not found, and the embedded profile's event log."""

from typing import cast

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from mangaassist.admin_site import MangaAssistAdminSite
from mangaassist.analytics import unanswered_admin  # noqa: F401  (registers itself)
from mangaassist.analytics.models import AnalyticsEvent
from mangaassist.analytics.overview_page import overview_page
from mangaassist.lists import LongList, recent_values

# The site itself, behind Django's lazy name for it.
cast(MangaAssistAdminSite, admin.site).add_page("overview/", overview_page, "overview")


@admin.register(AnalyticsEvent)
class AnalyticsEventAdmin(LongList, admin.ModelAdmin[AnalyticsEvent]):
    list_display = ("at", "event", "session_id")
    list_filter = (recent_values(_("event"), "event", "-at"), "at")
    newest_first = "-at"
    sortable_by = ("at",)
    search_fields = ("session_id",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: AnalyticsEvent | None = None) -> bool:
        return False
