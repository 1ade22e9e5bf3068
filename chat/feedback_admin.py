"""Feedback for operators: the queue of what is to be looked into, one opinion with its turn, trends over weeks."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.contrib.admin.views.main import ChangeList
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet, Sum
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from chat import feedback_review
from chat.conversation_page import turn_lines
from chat.feedback_export import csv_lines, question_of
from chat.feedback_forms import BulkForm, GoldenForm, ReviewForm
from chat.feedback_review import ReviewRefused, neighbours, review, to_review
from chat.feedback_trends import BY, WEEKS, trends
from chat.forgetting import redact_opinion
from chat.golden import Expected, NotGolden, file_name, golden_journey
from chat.models import Feedback, FeedbackCount, reason_name
from mangaassist.access.audit import log_deed, log_deeds
from mangaassist.admin_site import ReadOnlyAdmin
from mangaassist.lists import LongList, recent_values
from mangaassist.names import intent_name
from mangaassist.privacy.pages import tell_redaction
from mangaassist.streaming import download

COUNTED_DAYS = 30
# Of the queue's length: more is more than one wants to know.
MOST_TOLD = 1_000
# People to choose from.
MOST_PEOPLE = 200
NEWEST = "-updated_at"
View = Callable[..., HttpResponse]


class ReviewFilter(admin.SimpleListFilter):
    """The queue; what is open comes first where nothing was chosen."""

    title = gettext_lazy("review")
    parameter_name = "review"

    def __init__(self, request: HttpRequest, params: Any, model: Any, model_admin: Any) -> None:
        super().__init__(request, params, model, model_admin)
        self._by = request.user.pk
        self._nothing_chosen = request.method == "GET" and not request.GET

    def value(self) -> str | None:
        return "open" if self._nothing_chosen else super().value()

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("open", gettext_lazy("To review")),
            ("mine", gettext_lazy("Mine")),
            ("done", gettext_lazy("Resolved")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Feedback]) -> QuerySet[Feedback]:
        bad = queryset.filter(Q(rating=-1) | ~Q(flag=""))
        match self.value():
            case "open":
                return bad.filter(handled_at__isnull=True)
            case "mine":
                return bad.filter(handled_at__isnull=True, assigned_to=self._by)
            case "done":
                return queryset.filter(handled_at__isnull=False)
        return queryset


class NeedsAPerson(admin.SimpleListFilter):
    title = gettext_lazy("needs a person")
    parameter_name = "open"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", gettext_lazy("Yes")), ("handled", gettext_lazy("Handled"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Feedback]) -> QuerySet[Feedback]:
        if self.value() in ("yes", "handled"):
            return queryset.exclude(flag="").filter(handled_at__isnull=self.value() == "yes")
        return queryset


def _people() -> QuerySet[Any]:
    """Who may review; a superuser may all."""
    may = Q(is_superuser=True) | Q(user_permissions__codename="change_feedback")
    may |= Q(groups__permissions__codename="change_feedback")
    people = get_user_model()._default_manager.filter(may, is_staff=True, is_active=True)
    return people.order_by("username").distinct()[:MOST_PEOPLE]


class OpinionFilter(admin.ChoicesFieldListFilter):
    """Says good and bad as the column does: not everybody's letters have the thumbs."""

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        words = {"👍": _("Good"), "👎": _("Bad")}
        for choice in super().choices(changelist):
            told = str(choice["display"])
            yield {**choice, "display": words.get(told, told)}


@admin.register(Feedback)
class FeedbackAdmin(LongList, ReadOnlyAdmin, admin.ModelAdmin[Feedback]):
    list_display = (
        "updated_at", "thumb", "opinion", "question", "answer", "intent", "engine", "flagged", "found", "who", "links",
    )  # fmt: skip
    list_filter = (
        ReviewFilter,
        ("rating", OpinionFilter),
        recent_values(gettext_lazy("reason"), "reason", NEWEST, told=reason_name),
        "label",
        "flag",
        NeedsAPerson,
        recent_values(gettext_lazy("intent"), "message__turn__intent", NEWEST, told=intent_name),
        recent_values(gettext_lazy("engine"), "message__turn__engine", NEWEST),
        recent_values(gettext_lazy("language"), "message__turn__language", NEWEST),
        "updated_at",
    )
    search_fields = ("id",)
    searched_words = ("comment", "message__content")
    newest_first = NEWEST
    list_select_related = ("message__turn", "conversation", "assigned_to")
    action_form = BulkForm
    actions = ("mark_handled", "take", "give_back", "put_label", "export_csv")
    change_list_template = "admin/chat/feedback_list.html"

    def get_queryset(self, request: HttpRequest) -> Any:
        rows = super().get_queryset(request).prefetch_related("message__turn__messages")
        return rows.defer("message__turn__trace", "message__turn__dialogue")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        waiting = len(to_review().values_list("pk")[: MOST_TOLD + 1])
        context = {
            "counts": counts_by_intent(),
            "counted_days": COUNTED_DAYS,
            "waiting": f"{MOST_TOLD}+" if waiting > MOST_TOLD else str(waiting),
            "review": request.GET.get("review", "" if request.GET else "open"),
        }
        return super().changelist_view(request, (extra_context or {}) | context)

    # --- Columns -------------------------------------------------------------------------------------------------

    @admin.display(description=gettext_lazy("rating"), ordering="rating")
    def thumb(self, feedback: Feedback) -> str:
        return {1: _("Good"), -1: _("Bad")}.get(feedback.rating or 0, _("withdrawn"))

    @admin.display(description=gettext_lazy("needs a person"), ordering="flag")
    def flagged(self, feedback: Feedback) -> str:
        label = _(str(feedback.get_flag_display())) if feedback.flag else "—"
        return f"{label} ✓" if feedback.flag and feedback.handled_at else label

    @admin.display(description=gettext_lazy("what they say"))
    def opinion(self, feedback: Feedback) -> str:
        return ": ".join(filter(None, (feedback.reason_in_words, feedback.comment[:80]))) or "—"

    @admin.display(description=gettext_lazy("intent"))
    def intent(self, feedback: Feedback) -> str:
        return intent_name(feedback.message.turn.intent) if feedback.message.turn else "—"

    @admin.display(description=gettext_lazy("engine"))
    def engine(self, feedback: Feedback) -> str:
        turn = feedback.message.turn
        return (turn.engine or turn.generator) if turn else "—"

    @admin.display(description=gettext_lazy("question"))
    def question(self, feedback: Feedback) -> str:
        return question_of(feedback)[:80] or "—"

    @admin.display(description=gettext_lazy("answer"))
    def answer(self, feedback: Feedback) -> str:
        return feedback.message.content[:80]

    @admin.display(description=gettext_lazy("label"), ordering="label")
    def found(self, feedback: Feedback) -> str:
        return _(str(feedback.get_label_display())) if feedback.label else "—"

    @admin.display(description=gettext_lazy("with"), ordering="assigned_to")
    def who(self, feedback: Feedback) -> str:
        if feedback.handled_at:
            return f"✓ {feedback.handled_by}"
        return feedback.assigned_to.get_username() if feedback.assigned_to else "—"

    @admin.display(description=gettext_lazy("conversation"))
    def links(self, feedback: Feedback) -> str:
        url = reverse("admin:chat_conversation_change", args=[feedback.conversation_id])
        return format_html('<a href="{}?at={}#m{}">{}</a>', url, feedback.message_id, feedback.message_id, _("open"))

    # --- Many at once --------------------------------------------------------------------------------------------

    def has_review_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request) and bool(request.user.has_perm("chat.change_feedback"))

    @admin.action(description=gettext_lazy("Mark as handled"), permissions=["review"])
    def mark_handled(self, request: HttpRequest, queryset: QuerySet[Feedback]) -> None:
        count = feedback_review.resolve(self._chosen(request, queryset, "resolved"), by=request.user.get_username())
        self.message_user(request, _("Handled: %(count)s.") % {"count": count})

    @admin.action(description=gettext_lazy("Assign to me"), permissions=["review"])
    def take(self, request: HttpRequest, queryset: QuerySet[Feedback]) -> None:
        count = feedback_review.assign(self._chosen(request, queryset, "taken"), self._me(request))
        self.message_user(
            request, ngettext("%(count)s is yours now.", "%(count)s are yours now.", count) % {"count": count}
        )

    @admin.action(description=gettext_lazy("Assign to nobody"), permissions=["review"])
    def give_back(self, request: HttpRequest, queryset: QuerySet[Feedback]) -> None:
        count = feedback_review.assign(self._chosen(request, queryset, "given back"), None)
        self.message_user(request, _("Given back: %(count)s.") % {"count": count})

    @admin.action(description=gettext_lazy("Put the label"), permissions=["review"])
    def put_label(self, request: HttpRequest, queryset: QuerySet[Feedback]) -> None:
        label = request.POST.get("label", "")
        try:
            count = feedback_review.label(self._chosen(request, queryset, f"labelled {label[:16]}"), label)
        except ReviewRefused:
            self.message_user(request, _("There is no such label."), messages.ERROR)
        else:
            self.message_user(request, _("Labelled: %(count)s.") % {"count": count})

    def _chosen(self, request: HttpRequest, queryset: QuerySet[Feedback], deed: str) -> list[uuid.UUID]:
        """Their ids; each gets an entry in the log."""
        chosen = list(queryset.select_related(None).prefetch_related(None).only("pk", "rating"))
        log_deeds(request, ((each, deed) for each in chosen))
        return [each.pk for each in chosen]

    @admin.action(description=gettext_lazy("Export as CSV"), permissions=["view"])
    def export_csv(self, request: HttpRequest, queryset: QuerySet[Feedback]) -> StreamingHttpResponse:
        rows = queryset.select_related("message__turn", "assigned_to").prefetch_related("message__turn__messages")
        lines = (line.encode() for line in csv_lines(rows.iterator(chunk_size=100)))
        name = f"feedback-{timezone.now():%Y-%m-%d}.csv"
        return download(lines, name=name, content_type="text/csv; charset=utf-8")

    # --- Pages ---------------------------------------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        def at(route: str, view: View, name: str) -> URLPattern:
            return path(route, self.admin_site.admin_view(view), name=f"chat_feedback_{name}")

        return [
            at("trends/", self.trends_view, "trends"),
            at("<uuid:pk>/review/", require_POST(self.review_view), "review"),
            at("<uuid:pk>/golden/", self.golden_view, "golden"),
            at("<uuid:pk>/redact/", require_POST(self.redact_view), "redact"),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        feedback = self.get_object(request, unquote(object_id))
        if feedback is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)  # type: ignore[attr-defined, no-any-return]
        return self._review_page(request, feedback)

    def review_view(self, request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
        if not self.has_review_permission(request):
            raise PermissionDenied
        feedback = get_object_or_404(Feedback, pk=pk)
        form = ReviewForm(request.POST)
        people = {str(each.pk): each for each in _people()}
        to = people.get(request.POST.get("assigned_to", ""))
        if not form.is_valid() or (request.POST.get("assigned_to") and to is None):
            messages.error(
                request, _("Nothing was saved: the form holds what it does not offer, or a note that is too long.")
            )
            return self._review_page(request, feedback, note=request.POST.get("note", ""), status=422)
        deed = form.cleaned_data["deed"]
        _newer, older = neighbours(feedback)
        deeds = review(
            feedback,
            by=self._me(request),
            to=to,
            cause=form.cleaned_data["label"],
            note=form.cleaned_data["note"],
            is_settled=deed == "resolve" or (deed == "save" and feedback.handled_at is not None),
        )
        if deeds:
            log_deed(request, feedback, "; ".join(deeds))
        if deed == "resolve":
            messages.success(request, _("Resolved."))
            if older is None:
                return HttpResponseRedirect(reverse("admin:chat_feedback_changelist"))
            return HttpResponseRedirect(reverse("admin:chat_feedback_change", args=[older]))
        messages.success(request, _("Saved."))
        return HttpResponseRedirect(reverse("admin:chat_feedback_change", args=[pk]))

    def redact_view(self, request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
        if not (self.has_view_permission(request) and request.user.has_perm("chat.redact_conversation")):
            raise PermissionDenied
        feedback = get_object_or_404(Feedback, pk=pk)
        erasure = redact_opinion(feedback.pk, by=request.user.get_username())
        tell_redaction(request, feedback, erasure)
        return HttpResponseRedirect(reverse("admin:chat_feedback_change", args=[pk]))

    def golden_view(self, request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        feedback = get_object_or_404(Feedback.objects.select_related("message__turn", "conversation"), pk=pk)
        turn = feedback.message.turn
        begin = {"name": question_of(feedback)[:80], "intent": turn.intent if turn else ""}
        form = GoldenForm(request.POST or None, initial=begin)
        if request.method == "POST" and form.is_valid():
            told = form.cleaned_data
            expected = Expected(
                intent=told["intent"], says=told["says"], never=told["never"], shows=told["shows"].split()
            )
            try:
                text = golden_journey(feedback, told["name"], expected)
            except NotGolden as error:
                form.add_error(None, str(error))
            else:
                response = HttpResponse(text, content_type="text/plain; charset=utf-8")
                response["Content-Disposition"] = f'attachment; filename="{file_name(feedback)}"'
                return response
        lines = turn_lines(turn) if turn else []
        title = _("Make this a golden test")
        return self._page(request, "golden", feedback=feedback, form=form, lines=lines, title=title)

    def trends_view(self, request: HttpRequest) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        by = request.GET.get("by", "")
        asked = request.GET.get("weeks", "")
        weeks = int(asked) if asked in map(str, WEEKS) else WEEKS[1]
        found = trends(by if by in BY else "reason", weeks)
        return self._page(
            request, "feedback_trends", found=found, dimensions=BY, weeks=WEEKS, title=_("Opinions over weeks")
        )

    def _review_page(
        self, request: HttpRequest, feedback: Feedback, *, note: str = "", status: int = 200
    ) -> TemplateResponse:
        turn = feedback.message.turn
        newer, older = neighbours(feedback)
        response = self._page(
            request,
            "feedback",
            feedback=feedback,
            turn=turn,
            lines=turn_lines(turn) if turn else [],
            notes=feedback.notes.all(),
            note=note,
            newer=newer,
            older=older,
            labels=Feedback.Label.choices,
            people=_people() if self.has_review_permission(request) else (),
            may_review=self.has_review_permission(request),
            may_redact=bool(feedback.own_words) and request.user.has_perm("chat.redact_conversation"),
            may_read_turns=request.user.has_perm("chat.view_turn"),
            title=_("An opinion"),
        )
        response.status_code = status
        return response

    def _me(self, request: HttpRequest) -> Any:
        # The very user: what the request carries stands in for it.
        return get_user_model()._default_manager.get(username=request.user.get_username())

    def _page(self, request: HttpRequest, name: str, **context: Any) -> TemplateResponse:
        known = self.admin_site.each_context(request) | {"opts": self.opts} | context
        return TemplateResponse(request, f"admin/chat/{name}.html", known)


def counts_by_intent() -> list[dict[str, Any]]:
    """The last days' opinions, the intents with the most bad ones first."""
    since = timezone.localdate() - timedelta(days=COUNTED_DAYS)
    rows = FeedbackCount.objects.filter(day__gte=since).values("intent").annotate(up=Sum("up"), down=Sum("down"))
    counted = [row | {"share": row["up"] / (row["up"] + row["down"])} for row in rows if row["up"] + row["down"] > 0]
    return sorted(counted, key=lambda row: (-row["down"], row["intent"]))
