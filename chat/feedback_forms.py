"""The forms of the feedback pages."""

from __future__ import annotations

from django import forms
from django.contrib.admin.helpers import ActionForm
from django.utils.translation import gettext_lazy

from chat.feedback_review import LONGEST_NOTE
from chat.golden import INTENTS
from chat.models import Feedback
from mangaassist.list_fields import LinesField
from mangaassist.names import INTENTS as INTENT_NAMES


class BulkForm(ActionForm):
    label = forms.ChoiceField(
        choices=[(value, gettext_lazy(name)) for value, name in Feedback.Label.choices],
        required=False,
        label=gettext_lazy("Label"),
    )


class ReviewForm(forms.Form):
    label = forms.ChoiceField(choices=Feedback.Label.choices, required=False)
    assigned_to = forms.CharField(required=False, max_length=20)
    note = forms.CharField(required=False, max_length=LONGEST_NOTE)
    deed = forms.ChoiceField(choices=[("save", ""), ("resolve", ""), ("reopen", "")])


class GoldenForm(forms.Form):
    name = forms.CharField(max_length=120, label=gettext_lazy("Name of the journey"))
    intent = forms.ChoiceField(
        required=False,
        choices=[("", "—"), *((each, INTENT_NAMES[each]) for each in INTENTS)],
        label=gettext_lazy("Right intent"),
    )
    says = LinesField(required=False, label=gettext_lazy("The answer says (one part a line)"))
    never = LinesField(required=False, label=gettext_lazy("The answer does not say"))
    shows = forms.CharField(required=False, max_length=500, label=gettext_lazy("It shows the cards (ids)"))
