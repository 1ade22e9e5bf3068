"""Feedback for operators: what shoppers say of answers, the turn beside it, what needs a person first."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet, Sum
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html

from chat.models import Feedback, FeedbackCount
from chat.transcripts import turn_transcript
from mangaassist.admin_site import ReadOnlyAdmin

COUNTED_DAYS = 30
COLUMNS = (
    "updated_at", "rating", "reason", "comment", "flag", "handled_at", "intent", "language", "engine", "generator",
    "arms", "question", "answer", "conversation", "turn",
)  # fmt: skip


class NeedsAPerson(admin.SimpleListFilter):
    title = "needs a person"
    parameter_name = "open"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Yes"), ("handled", "Handled")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Feedback]) -> QuerySet[Feedback]:
        if self.value() in ("yes", "handled"):
            return queryset.exclude(flag="").filter(handled_at__isnull=self.value() == "yes")
        return queryset


@admin.register(Feedback)
class FeedbackAdmin(ReadOnlyAdmin, admin.ModelAdmin[Feedback]):
    list_display = ("updated_at", "thumb", "flagged", "opinion", "question", "answer", "intent", "links")
    list_filter = (
        NeedsAPerson, "flag", "rating", "reason", "message__turn__intent", "message__turn__engine",
        "message__turn__language", "updated_at",
    )  # fmt: skip
    search_fields = ("comment", "message__content")
    list_select_related = ("message__turn", "conversation")
    date_hierarchy = "updated_at"
    actions = ("mark_handled", "export_csv")
    change_list_template = "admin/chat/feedback_list.html"
    change_form_template = "admin/chat/feedback.html"

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("message__turn__messages")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        # Without the sidebar: words want their room.
        context = {"counts": counts_by_intent(), "counted_days": COUNTED_DAYS, "is_nav_sidebar_enabled": False}
        return super().changelist_view(request, (extra_context or {}) | context)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        feedback = get_object_or_404(Feedback.objects.select_related("message", "conversation"), pk=object_id)
        context = {"feedback": feedback, "lines": turn_transcript(feedback.message)}
        return super().change_view(request, object_id, form_url, (extra_context or {}) | context)

    @admin.display(description="rating", ordering="rating")
    def thumb(self, feedback: Feedback) -> str:
        return {1: "Good", -1: "Bad"}.get(feedback.rating or 0, "withdrawn")

    @admin.display(description="needs a person", ordering="flag")
    def flagged(self, feedback: Feedback) -> str:
        label = feedback.get_flag_display() if feedback.flag else "—"
        return f"{label} ✓" if feedback.flag and feedback.handled_at else label

    @admin.display(description="what they say")
    def opinion(self, feedback: Feedback) -> str:
        reason = dict(Feedback.Reason.choices).get(feedback.reason, feedback.reason) if feedback.reason else ""
        return ": ".join(part for part in (reason, feedback.comment[:80]) if part) or "—"

    @admin.display(description="intent")
    def intent(self, feedback: Feedback) -> str:
        return feedback.message.turn.intent if feedback.message.turn else "—"

    @admin.display(description="question")
    def question(self, feedback: Feedback) -> str:
        return question_of(feedback)[:80] or "—"

    @admin.display(description="answer")
    def answer(self, feedback: Feedback) -> str:
        return feedback.message.content[:80]

    @admin.display(description="conversation")
    def links(self, feedback: Feedback) -> str:
        url = reverse("admin:chat_conversation_change", args=[feedback.conversation_id])
        return format_html('<a href="{}#m{}">open</a>', url, feedback.message_id)

    @admin.action(description="Mark as handled", permissions=["view"])
    def mark_handled(self, request: HttpRequest, queryset: QuerySet[Feedback]) -> None:
        open_ones = queryset.exclude(flag="").filter(handled_at=None)
        count = open_ones.update(handled_at=timezone.now(), handled_by=request.user.get_username())
        self.message_user(request, f"Handled: {count}.")

    @admin.action(description="Export as CSV", permissions=["view"])
    def export_csv(self, request: HttpRequest, queryset: QuerySet[Feedback]) -> StreamingHttpResponse:
        rows = queryset.select_related("message__turn").prefetch_related("message__turn__messages")
        lines = csv_lines(rows.iterator(chunk_size=500))
        response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="feedback-{timezone.now():%Y-%m-%d}.csv"'
        return response


def question_of(feedback: Feedback) -> str:
    turn = feedback.message.turn
    asked = [line for line in turn.messages.all() if line.role == "user"] if turn else []
    return asked[0].content if asked else ""


def counts_by_intent() -> list[dict[str, Any]]:
    """The last days' opinions, the intents with the most bad ones first."""
    since = timezone.now().date() - timedelta(days=COUNTED_DAYS)
    rows = FeedbackCount.objects.filter(day__gte=since).values("intent").annotate(up=Sum("up"), down=Sum("down"))
    counted = [row | {"share": row["up"] / (row["up"] + row["down"])} for row in rows if row["up"] + row["down"] > 0]
    return sorted(counted, key=lambda row: (-row["down"], row["intent"]))


class _Echo:
    def write(self, value: str) -> str:
        return value


def csv_lines(feedback: Iterable[Feedback]) -> Iterator[str]:
    writer = csv.writer(_Echo())
    # The mark by which a spreadsheet knows UTF-8.
    yield "\ufeff" + writer.writerow(COLUMNS)
    for each in feedback:
        facts = each.facts
        row = (
            each.updated_at.isoformat(), each.rating, each.reason, each.comment, each.flag,
            each.handled_at.isoformat() if each.handled_at else "", facts.get("intent", ""), facts.get("language", ""),
            facts.get("engine", ""), facts.get("generator", ""), "; ".join(facts.get("arms", [])), question_of(each),
            each.message.content, each.conversation_id, each.message.turn_id,
        )  # fmt: skip
        yield writer.writerow([_harmless(value) for value in row])


def _harmless(value: Any) -> Any:
    """A spreadsheet must not take a shopper's text for a formula (OWASP, "CSV Injection")."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value
