"""Conversations for operators: read, shared, redacted and erased, never edited."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.models import DELETION
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Max, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce, Left
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from chat.audit import hide_name
from chat.conversation_page import read_page, without_personal_data
from chat.forgetting import erase_conversation, redact_message
from chat.models import Conversation, Feedback, Message, Turn
from chat.sharing import CHOICES, LinkClosed, open_link, revoke, share, token_of, turn_away
from mangaassist.access.audit import Kind, log_deed, record
from mangaassist.admin_site import ReadOnlyAdmin
from mangaassist.lists import LongList
from mangaassist.privacy.pages import tell_erasure, tell_redaction

# Of the newest messages; older ones are found by their conversation's id, customer or session.
SEARCHED_MESSAGES = 20_000

View = Callable[..., HttpResponse]


class LocaleFilter(admin.SimpleListFilter):
    title = gettext_lazy("language")
    parameter_name = "locale"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("en", "English"), ("ja", "日本語")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Conversation]) -> QuerySet[Conversation]:
        return queryset.filter(locale=self.value()) if self.value() else queryset


class OpinionFilter(admin.SimpleListFilter):
    title = gettext_lazy("opinion")
    parameter_name = "rated"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("-1", gettext_lazy("Bad answers")), ("1", gettext_lazy("Good answers"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Conversation]) -> QuerySet[Conversation]:
        if self.value() not in ("-1", "1"):
            return queryset
        return queryset.filter(pk__in=Feedback.objects.filter(rating=self.value()).values("conversation_id"))


@admin.register(Conversation)
class ConversationAdmin(LongList, ReadOnlyAdmin, admin.ModelAdmin[Conversation]):
    """The list of chat sessions; a click opens what was said, with the traces."""

    list_display = ("updated_at", "shopper", "opening", "state", "channel", "locale", "asked", "bad")
    list_display_links = ("updated_at", "opening")
    list_filter = ("state", OpinionFilter, LocaleFilter, "channel", "updated_at")
    search_fields = ("id",)
    search_help_text = gettext_lazy("Id, customer, session, or words of the newest messages")
    actions = None

    class Media:
        css = {"all": ["admin/chat.css"]}

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Conversations are erased, with all that was made of them, or not at all."""
        return False

    def get_queryset(self, request: HttpRequest) -> Any:
        said = Message.objects.filter(conversation=OuterRef("pk")).order_by("id")
        turns = Turn.objects.filter(conversation=OuterRef("pk")).order_by().values("conversation")
        bad = Feedback.objects.filter(conversation=OuterRef("pk"), rating=-1).order_by().values("conversation")
        return (
            super()
            .get_queryset(request)
            .defer("context")
            .annotate(
                began_with=Subquery(said.values(text=Left("content", 90))[:1]),
                turns_counted=Coalesce(Subquery(turns.values(number=Count("pk"))), 0),
                bad_counted=Coalesce(Subquery(bad.values(number=Count("pk"))), 0),
            )
        )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        try:
            return queryset.filter(pk=uuid.UUID(term)), False
        except ValueError:
            pass
        for name in ("customer_id", "session_id"):
            if Conversation.objects.filter(**{name: term}).exists():
                return queryset.filter(**{name: term}), False
        newest = Message.objects.aggregate(newest=Max("pk"))["newest"] or 0
        said = Message.objects.filter(pk__gt=newest - SEARCHED_MESSAGES, content__icontains=term)
        return queryset.filter(pk__in=said.values("conversation_id")), False

    @admin.display(description=gettext_lazy("shopper"), ordering="customer_id")
    def shopper(self, conversation: Conversation) -> str:
        return conversation.customer_id or _("guest")

    @admin.display(description=gettext_lazy("questions"))
    def asked(self, conversation: Any) -> int:
        return int(conversation.turns_counted)

    @admin.display(description=gettext_lazy("bad answers"))
    def bad(self, conversation: Any) -> str:
        return str(conversation.bad_counted or "")

    @admin.display(description=gettext_lazy("began with"))
    def opening(self, conversation: Any) -> str:
        return conversation.began_with or "—"

    # --- Pages ---------------------------------------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        def at(route: str, view: View, name: str) -> URLPattern:
            return path(route, self.admin_site.admin_view(view), name=f"chat_conversation_{name}")

        return [
            path("shared/<str:token>/", self.shared_or_turned_away, name="chat_conversation_shared"),
            at("<uuid:pk>/share/", require_POST(self.share_view), "share"),
            at("<uuid:pk>/revoke/", require_POST(self.revoke_view), "revoke"),
            at("<uuid:pk>/redact/", require_POST(self.redact_view), "redact"),
            at("<uuid:pk>/erase/", self.erase_view, "erase"),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        conversation = self.get_object(request, unquote(object_id))
        if conversation is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)  # type: ignore[attr-defined, no-any-return]
        page = read_page(conversation, number=_number(request, "page"), at_message=_number(request, "at"))
        may = {deed: request.user.has_perm(f"chat.{deed}_conversation") for deed in ("share", "redact", "erase")}
        shares = [(each, self._address(request, each)) for each in conversation.shares.all()] if may["share"] else []
        return self._page(
            request,
            "conversation",
            conversation=conversation,
            page=page,
            may=may,
            may_read_turns=request.user.has_perm("chat.view_turn"),
            may_open_handoffs=request.user.has_perm("escalation.view_handoff"),
            shares=shares,
            share_days=CHOICES,
            title=str(conversation),
        )

    def shared_or_turned_away(self, request: HttpRequest, token: str) -> HttpResponse:
        if not self.admin_site.has_permission(request):
            turn_away(token)
        return self.admin_site.admin_view(self.shared_view)(request, token)

    def shared_view(self, request: HttpRequest, token: str) -> HttpResponse:
        try:
            shared = open_link(token, by=request.user.get_username())
        except LinkClosed:
            if not self.has_view_permission(request):
                raise PermissionDenied from None
            messages.warning(request, _("This link is open no more."))
            return HttpResponseRedirect(reverse("admin:chat_conversation_changelist"))
        # Its id says which conversation, and to nobody else whose it is.
        record(
            Kind.EXPORT,
            request=request,
            what=f"shared conversation ({shared.conversation_id})",
            detail=f"link of {shared.by} opened",
        )
        page = read_page(shared.conversation, number=_number(request, "page"))
        lines = without_personal_data(page.lines)
        return self._page(request, "shared", shared=shared, page=page, lines=lines, title=_("A shared conversation"))

    def share_view(self, request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
        conversation = self._may(request, pk, "share")
        try:
            shared = share(conversation, by=request.user.get_username(), days=_number(request.POST, "days") or 0)
        except ValueError:
            messages.error(request, _("Choose how long the link is to be open."))
        else:
            log_deed(request, conversation, f"shared until {shared.expires_at:%Y-%m-%d %H:%M}")
            messages.success(request, _("The link is ready: copy it below."))
        return self._back(conversation, "#share")

    def revoke_view(self, request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
        conversation = self._may(request, pk, "share")
        try:
            is_new = revoke(conversation, uuid.UUID(request.POST.get("share", "")))
        except ValueError:
            raise Http404 from None
        if is_new:
            log_deed(request, conversation, "link revoked")
            messages.success(request, _("The link is closed."))
        return self._back(conversation, "#share")

    def redact_view(self, request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
        conversation = self._may(request, pk, "redact")
        message = get_object_or_404(Message, pk=_number(request.POST, "message") or 0, conversation=conversation)
        erasure = redact_message(message.pk, by=request.user.get_username())
        tell_redaction(request, conversation, erasure, f"message {message.public_id} redacted")
        return self._back(conversation, f"?at={message.pk}#m{message.pk}")

    def erase_view(self, request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
        conversation = self._may(request, pk, "erase")
        if request.method != "POST":
            counts = read_page(conversation).counts
            return self._page(request, "erase", conversation=conversation, counts=counts, title=_("Erase"))
        erasure = erase_conversation(conversation.pk, by=request.user.get_username())
        hide_name(Conversation, pk)
        log_deed(request, conversation, "erased", shown=str(pk), flag=DELETION)
        tell_erasure(request, erasure, _("The conversation is erased."))
        return HttpResponseRedirect(reverse("admin:chat_conversation_changelist"))

    # --- What they have in common --------------------------------------------------------------------------------

    def _may(self, request: HttpRequest, pk: uuid.UUID, deed: str) -> Conversation:
        if not (self.has_view_permission(request) and request.user.has_perm(f"chat.{deed}_conversation")):
            raise PermissionDenied
        return get_object_or_404(Conversation, pk=pk)

    def _address(self, request: HttpRequest, shared: Any) -> str:
        return request.build_absolute_uri(reverse("admin:chat_conversation_shared", args=[token_of(shared)]))

    def _back(self, conversation: Conversation, where: str) -> HttpResponseRedirect:
        return HttpResponseRedirect(reverse("admin:chat_conversation_change", args=[conversation.pk]) + where)

    def _page(self, request: HttpRequest, name: str, **context: Any) -> TemplateResponse:
        known = self.admin_site.each_context(request) | {"opts": self.opts} | context
        return TemplateResponse(request, f"admin/chat/{name}.html", known)


def _number(source: Any, name: str) -> int | None:
    """A whole number of a query or a form; None for anything else."""
    values = source.GET if isinstance(source, HttpRequest) else source
    text = values.get(name, "")
    return int(text) if text.isdecimal() and len(text) < 16 else None
