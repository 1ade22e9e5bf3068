"""The assistant's settings for operators, and what its model has cost."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from chat.assistant import PARTS, AssistantSettings, ModelSpend, spent_today
from chat.generation import generators
from mangaassist.admin_site import OneRowAdmin, ReadOnlyAdmin

BEGINNING = ("greeting_en", "greeting_ja", "quick_replies_en", "quick_replies_ja", "languages")
WRITING = ("tone", "writer", "budget_per_day")


class AssistantSettingsForm(forms.ModelForm[AssistantSettings]):
    class Meta:
        model = AssistantSettings
        fields = (*BEGINNING, *WRITING, *PARTS)
        widgets = {
            "greeting_en": forms.TextInput(attrs={"size": 80}),
            "greeting_ja": forms.TextInput(attrs={"size": 80, "lang": "ja"}),
            "quick_replies_en": forms.Textarea(attrs={"rows": 4, "cols": 50}),
            "quick_replies_ja": forms.Textarea(attrs={"rows": 4, "cols": 50, "lang": "ja"}),
        }

    def clean_budget_per_day(self) -> Any:
        """A budget that nothing can be counted against would be a promise without a keeper."""
        budget = self.cleaned_data["budget_per_day"]
        generator = generators["default"]
        if budget is not None and generator.writes_freely and not generator.tells_cost:
            raise forms.ValidationError(
                _("What the generator costs is not known: set input_price and output_price in GENERATOR_OPTIONS first.")
            )
        return budget


@admin.register(AssistantSettings)
class AssistantSettingsAdmin(OneRowAdmin, admin.ModelAdmin[AssistantSettings]):
    """In force at each process's next turn."""

    form = AssistantSettingsForm
    change_form_template = "admin/chat/assistantsettings.html"
    readonly_fields = ("changed_at",)
    fieldsets = (
        (
            _("Beginning"),
            {"fields": BEGINNING},
        ),
        (pgettext_lazy("settings", "Writing"), {"fields": WRITING}),
        (_("Parts"), {"fields": PARTS}),
        (None, {"fields": ("changed_at",)}),
    )

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        may = request.user.has_perm
        others = [
            (title, reverse(f"admin:{model}_changelist"))
            for title, model, permission in (
                (_("Handoff policy"), "escalation_handoffpolicy", "escalation.view_handoffpolicy"),
                (_("Office hours"), "escalation_officehours", "escalation.view_officehours"),
                (_("Model spend"), "chat_modelspend", "chat.view_modelspend"),
            )
            if may(permission)
        ]
        context = {"generator": generators["default"].name, "spent": spent_today(), "others": others}
        return super().change_view(request, object_id, form_url, (extra_context or {}) | context)


@admin.register(ModelSpend)
class ModelSpendAdmin(ReadOnlyAdmin, admin.ModelAdmin[ModelSpend]):
    list_display = ("day", "cost", "answers", "tokens_read", "tokens_written")
    date_hierarchy = "day"

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
