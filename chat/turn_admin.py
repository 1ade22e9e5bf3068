"""Turns for operators: how an answer came about, and what it would be now."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from asgiref.sync import async_to_sync
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from chat.conversation_page import kept_cards, turn_lines
from chat.differences import compare_cards, compare_facts, compare_texts
from chat.models import Message, Turn
from chat.rehearsing import REPLAYED, why_no_rehearsal
from chat.replay import NothingToReplay, Replayed, replay
from chat.waterfall import waterfall
from mangaassist.access.audit import log_deed
from mangaassist.admin_site import ReadOnlyAdmin
from mangaassist.lists import LongList, recent_values
from mangaassist.names import intent_name

View = Callable[..., HttpResponse]
NEWEST = "-started_at"


@admin.register(Turn)
class TurnAdmin(LongList, ReadOnlyAdmin, admin.ModelAdmin[Turn]):
    list_display = (
        "started_at", "shown_intent", "status", "language", "confidence", "latency", "first_delta", "generator",
        "engine", "conversation_link",
    )  # fmt: skip
    list_filter = (
        "status",
        recent_values(gettext_lazy("intent"), "intent", NEWEST, told=intent_name),
        recent_values(gettext_lazy("language"), "language", NEWEST),
        recent_values(gettext_lazy("generator"), "generator", NEWEST),
        recent_values(gettext_lazy("recommender"), "engine", NEWEST),
        "started_at",
    )
    search_fields = ("id",)
    search_help_text = gettext_lazy("Id of a turn or of its conversation")
    actions = None
    # Of a million turns nothing is sorted by a column without an index.
    sortable_by = ("started_at",)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A turn goes with its conversation."""
        return False

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).defer("trace", "dialogue")

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        return (NEWEST,)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        if not search_term.strip():
            return queryset, False
        try:
            id = uuid.UUID(search_term.strip())
        except ValueError:
            return queryset.none(), False
        return queryset.filter(pk=id) | queryset.filter(conversation=id), False

    @admin.display(description=gettext_lazy("intent"))
    def shown_intent(self, turn: Turn) -> str:
        return intent_name(turn.intent) or "—"

    @admin.display(description=gettext_lazy("in all"))
    def latency(self, turn: Turn) -> str:
        return f"{turn.latency_ms:,.0f} ms" if turn.latency_ms is not None else "—"

    @admin.display(description=gettext_lazy("first words"))
    def first_delta(self, turn: Turn) -> str:
        return f"{turn.first_delta_ms:,.0f} ms" if turn.first_delta_ms is not None else "—"

    @admin.display(description=gettext_lazy("conversation"))
    def conversation_link(self, turn: Turn) -> str:
        url = reverse("admin:chat_conversation_change", args=[turn.conversation_id])
        return format_html('<a href="{}">{}</a>', url, _("open"))

    # --- Pages ---------------------------------------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        def at(route: str, view: View, name: str) -> URLPattern:
            return path(route, self.admin_site.admin_view(view), name=f"chat_turn_{name}")

        return [
            at("<uuid:pk>/trace/", self.trace_view, "trace"),
            at("<uuid:pk>/replay/", require_POST(self.replay_view), "replay"),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        turn = self.get_object(request, unquote(object_id))
        if turn is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)  # type: ignore[attr-defined, no-any-return]
        return self._page(request, "turn", turn=turn, lines=turn_lines(turn), fall=_fall_of(turn), title=_("A turn"))

    def trace_view(self, request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
        """The trace alone, for a page that opens it when it is asked for."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        turn = get_object_or_404(Turn, pk=pk)
        return self._page(request, "_trace", turn=turn, fall=_fall_of(turn))

    def replay_view(self, request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
        if not self._may_replay(request):
            raise PermissionDenied
        turn = get_object_or_404(Turn.objects.select_related("conversation"), pk=pk)
        if refusal := why_no_rehearsal(request.user):
            messages.error(request, refusal)
            return HttpResponseRedirect(reverse("admin:chat_turn_change", args=[pk]))
        try:
            again = async_to_sync(replay)(turn.pk)
        except NothingToReplay:
            messages.warning(request, _("Its question is not kept any more."))
            return HttpResponseRedirect(reverse("admin:chat_turn_change", args=[pk]))
        # A model may have been paid for it.
        log_deed(request, turn, REPLAYED)
        return self._page(request, "replay", turn=turn, title=_("Then and now"), **_compared(turn, again))

    def _may_replay(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request) and bool(request.user.has_perm("chat.replay_turn"))

    def _page(self, request: HttpRequest, name: str, **context: Any) -> TemplateResponse:
        known = self.admin_site.each_context(request) | {"opts": self.opts} | context
        known["may_replay"] = self._may_replay(request)
        return TemplateResponse(request, f"admin/chat/{name}.html", known)


def _fall_of(turn: Turn) -> Any:
    return waterfall(turn.trace, latency_ms=turn.latency_ms, first_ms=turn.first_delta_ms)


def _compared(turn: Turn, again: Replayed) -> dict[str, Any]:
    said = turn.messages.order_by("id")
    question = said.filter(role=Message.Role.USER).first()
    answer = said.filter(role=Message.Role.ASSISTANT).first()
    then, now = turn.trace.get("generation", {}), again.trace.get("generation", {})
    old = {
        "intent": intent_name(turn.intent),
        "confidence": turn.confidence,
        "language": turn.language,
        "generator": turn.generator,
        "engine": turn.engine,
        "model": then.get("model"),
        "prompt": then.get("prompt"),
        "quick_replies": answer.quick_replies if answer else [],
        "citations": [each.get("title") for each in answer.citations] if answer else [],
    }
    new = {
        "intent": intent_name(again.intent),
        "confidence": again.confidence,
        "language": again.language,
        "generator": again.generator,
        "engine": again.engine,
        "model": now.get("model"),
        "prompt": now.get("prompt"),
        "quick_replies": again.quick_replies,
        "citations": [each.get("title") for each in again.citations],
    }
    cards_then = answer.cards if answer else []
    language: Any = "ja" if turn.conversation.locale == "ja" else "en"
    titles = {card.id: card.title for card in kept_cards([*cards_then, *again.cards], language).values()}
    pieces = compare_texts(answer.content if answer else "", again.content)
    return {
        "question": question,
        "answer": answer,
        "again": again,
        "pieces": pieces,
        "is_same": all(piece.side == "both" for piece in pieces),
        "facts": compare_facts(old, new),
        "cards": [(titles.get(str(each.name), each.name), each) for each in compare_cards(cards_then, again.cards)],
        "fall_then": _fall_of(turn),
        "fall_now": waterfall(again.trace, latency_ms=again.latency_ms, first_ms=again.first_delta_ms),
    }
