from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from mangaassist.access.audit import log_deed
from mangaassist.lists import LongList
from recommendations.experiments import NotPossible, roll_out, start, stop, take_back
from recommendations.models import Arm, Experiment, Interaction
from recommendations.results import results


@admin.register(Interaction)
class InteractionAdmin(LongList, admin.ModelAdmin[Interaction]):
    """To look at: what shoppers did is recorded, never edited."""

    list_display = ["at", "type", "customer_id", "session_id", "asin", "series_id", "value"]
    list_filter = ["type"]
    search_fields = ["customer_id", "session_id", "series_id"]
    searched_words = ("asin",)
    newest_first = "-at"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ArmFormSet(forms.BaseInlineFormSet[Arm, Experiment, Any]):
    def clean(self) -> None:
        """Two at least, and of different names: they could not be told apart in the results."""
        super().clean()
        if not _is_draft(self.instance):
            return
        kept = [form.cleaned_data for form in self.forms if form.is_valid() and not form.cleaned_data.get("DELETE")]
        names = [data["name"].strip().casefold() for data in kept if data.get("name")]
        if len(names) < 2 and all(form.is_valid() for form in self.forms):
            raise ValidationError(_("An experiment compares at least two arms."))
        if len(names) != len(set(names)):
            raise ValidationError(_("Each arm needs a name of its own."))


class ArmInline(admin.StackedInline[Arm, Experiment]):
    model = Arm
    formset = ArmFormSet
    extra = 0
    min_num = 2
    max_num = 6
    fieldsets = [
        (None, {"fields": [("name", "weight"), ("engine", "shelf_order")]}),
        (
            _("Parameters (empty: as delivered)"),
            {
                "classes": ["collapse"],
                "fields": [("long_history", "ease_half_life", "session_half_life"), ("explore_share", "trend_share")],
            },
        ),
    ]

    def has_add_permission(self, request: HttpRequest, obj: Experiment | None = None) -> bool:
        return super().has_add_permission(request, obj) and _is_draft(obj)

    def has_change_permission(self, request: HttpRequest, obj: Experiment | None = None) -> bool:
        return super().has_change_permission(request, obj) and _is_draft(obj)

    def has_delete_permission(self, request: HttpRequest, obj: Experiment | None = None) -> bool:
        return super().has_delete_permission(request, obj) and _is_draft(obj)


def _is_draft(experiment: Experiment | None) -> bool:
    return experiment is None or experiment.status == Experiment.Status.DRAFT


@admin.register(Experiment)
class ExperimentAdmin(admin.ModelAdmin[Experiment]):
    """Arms are set up in a draft, then started; the buttons are the only way from state to state."""

    change_form_template = "admin/recommendations/experiment/change_form.html"
    list_display = ["name", "state", "traffic_percent", "started_at", "ended_at", "rolled_out"]
    list_filter = ["status"]
    list_select_related = ["rolled_out"]
    inlines = [ArmInline]
    fields = ["name", "hypothesis", "traffic_percent"]
    # A new experiment from the arms of an old one.
    save_as = True

    @admin.display(description=_("state"), ordering="status")
    def state(self, experiment: Experiment) -> str:
        return experiment.get_status_display()

    def get_readonly_fields(self, request: HttpRequest, obj: Experiment | None = None) -> list[str]:
        # Changed on the way, it would compare shoppers who were dealt out differently.
        return [] if _is_draft(obj) else ["hypothesis", "traffic_percent"]

    def has_delete_permission(self, request: HttpRequest, obj: Experiment | None = None) -> bool:
        acts = obj is not None and obj.status in (Experiment.Status.RUNNING, Experiment.Status.ROLLED_OUT)
        return super().has_delete_permission(request, obj) and not acts

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Deleting several at once would not ask whether one of them acts."""
        return {name: each for name, each in super().get_actions(request).items() if name != "delete_selected"}

    def get_urls(self) -> list[URLPattern]:
        def at(route: str, view: Callable[..., HttpResponse], name: str) -> URLPattern:
            guarded = self.admin_site.admin_view(require_POST(view))
            return path(route, guarded, name=f"recommendations_experiment_{name}")

        return [
            at("<int:pk>/start/", self.start_view, "start"),
            at("<int:pk>/stop/", self.stop_view, "stop"),
            at("<int:pk>/roll-out/", self.roll_out_view, "roll_out"),
            at("<int:pk>/take-back/", self.take_back_view, "take_back"),
            *super().get_urls(),
        ]

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Experiment | None = None,
    ) -> HttpResponse:
        if obj is not None and not _is_draft(obj):
            context["results"] = results(obj)
        context["may_change"] = self.has_change_permission(request, obj)
        return super().render_change_form(request, context, add, change, form_url, obj)

    # --- what the buttons do ---

    def start_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        return self._act(request, pk, start, "Started.", _("“%(name)s” runs from now on, in every process."))

    def stop_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        return self._act(request, pk, stop, "Stopped.", _("“%(name)s” has ended; everybody gets the same again."))

    def take_back_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        return self._act(
            request, pk, take_back, "Taken back.", _("“%(name)s” is taken back; everybody gets what they got before.")
        )

    def roll_out_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        if not self.has_change_permission(request):
            raise PermissionDenied
        number = request.POST.get("arm", "")
        arm = Arm.objects.filter(experiment_id=pk, pk=int(number)).first() if number.isdecimal() else None
        if arm is None:
            self.message_user(request, _("Choose one of this experiment's arms."), messages.ERROR)
            return self._back(pk)
        outcome = _("“%(name)s” has ended; everybody gets “%(arm)s”.")
        return self._act(request, pk, lambda _experiment: roll_out(arm), f"Rolled out: {arm}.", outcome, arm)

    def _act(
        self,
        request: HttpRequest,
        pk: int,
        action: Callable[[Experiment], None],
        told: str,
        outcome: Any,
        arm: Arm | None = None,
    ) -> HttpResponse:
        if not self.has_change_permission(request):
            raise PermissionDenied
        experiment = get_object_or_404(Experiment, pk=pk)
        try:
            with transaction.atomic():
                action(experiment)
                log_deed(request, experiment, told)
        except NotPossible as refused:
            self.message_user(request, str(refused), messages.ERROR)
        else:
            self.message_user(request, outcome % {"name": experiment, "arm": arm}, messages.SUCCESS)
        return self._back(pk)

    @staticmethod
    def _back(pk: int) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:recommendations_experiment_change", args=[pk]))
