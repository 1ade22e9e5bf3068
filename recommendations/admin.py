from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from recommendations.models import Interaction


@admin.register(Interaction)
class InteractionAdmin(admin.ModelAdmin[Interaction]):
    """To look at: what shoppers did is recorded, never edited."""

    list_display = ["at", "type", "customer_id", "session_id", "asin", "series_id", "value"]
    list_filter = ["type"]
    search_fields = ["=customer_id", "=session_id", "=asin", "=series_id"]
    date_hierarchy = "at"
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
