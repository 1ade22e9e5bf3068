"""Conversations, turns and feedback for operators: read, never edited."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.html import format_html

from chat.models import Conversation, Feedback, Turn
from chat.transcripts import transcript


class ReadOnlyAdmin:
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(getattr(request.user, "is_superuser", False))


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


@admin.register(Feedback)
class FeedbackAdmin(ReadOnlyAdmin, admin.ModelAdmin[Feedback]):
    list_display = ("updated_at", "thumb", "reason", "intent", "question", "answer", "transcript_link")
    list_filter = ("rating", "reason", "message__turn__intent", "message__turn__language", "updated_at")
    search_fields = ("comment", "message__content")
    list_select_related = ("message__turn", "conversation")
    date_hierarchy = "updated_at"

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("message__turn__messages")

    @admin.display(description="rating", ordering="rating")
    def thumb(self, feedback: Feedback) -> str:
        return str(feedback)

    @admin.display(description="intent")
    def intent(self, feedback: Feedback) -> str:
        return feedback.message.turn.intent if feedback.message.turn else "—"

    @admin.display(description="question")
    def question(self, feedback: Feedback) -> str:
        turn = feedback.message.turn
        asked = [line for line in turn.messages.all() if line.role == "user"] if turn else []
        return asked[0].content[:80] if asked else "—"

    @admin.display(description="answer")
    def answer(self, feedback: Feedback) -> str:
        return feedback.message.content[:120]

    @admin.display(description="conversation")
    def transcript_link(self, feedback: Feedback) -> str:
        url = reverse("admin:chat_conversation_change", args=[feedback.conversation_id])
        return format_html('<a href="{}#m{}">open</a>', url, feedback.message_id)
