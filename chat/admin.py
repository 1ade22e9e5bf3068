"""Conversations, turns and feedback for operators: read, never edited."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404

from chat import feedback_admin  # noqa: F401  (registers itself)
from chat.models import Conversation, Turn
from chat.transcripts import transcript
from mangaassist.admin_site import ReadOnlyAdmin


@admin.register(Conversation)
class ConversationAdmin(ReadOnlyAdmin, admin.ModelAdmin[Conversation]):
    """The list of chat sessions; a click opens the transcript with its traces."""

    list_display = ("updated_at", "shopper", "state", "channel", "locale", "turn_count", "opening")
    list_filter = ("state", "channel", "locale", "updated_at")
    search_fields = ("id", "customer_id", "session_id", "messages__content")
    date_hierarchy = "updated_at"
    change_form_template = "admin/chat/conversation.html"

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("turns", "messages")

    @admin.display(description="shopper", ordering="customer_id")
    def shopper(self, conversation: Conversation) -> str:
        return conversation.customer_id or "guest"

    @admin.display(description="turns")
    def turn_count(self, conversation: Conversation) -> int:
        return len(conversation.turns.all())

    @admin.display(description="began with")
    def opening(self, conversation: Conversation) -> str:
        first = next(iter(conversation.messages.all()), None)
        return first.content[:80] if first else "—"

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        conversation = get_object_or_404(Conversation, pk=object_id)
        context = (extra_context or {}) | {"conversation": conversation, "lines": transcript(conversation)}
        return super().change_view(request, object_id, form_url, context)


@admin.register(Turn)
class TurnAdmin(ReadOnlyAdmin, admin.ModelAdmin[Turn]):
    list_display = (
        "started_at",
        "intent",
        "status",
        "language",
        "confidence",
        "latency_ms",
        "first_delta_ms",
        "engine",
    )
    list_filter = ("status", "intent", "language", "generator", "engine", "started_at")
    search_fields = ("id", "messages__content")
    date_hierarchy = "started_at"
