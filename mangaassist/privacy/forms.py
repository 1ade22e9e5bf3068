"""Which shopper is meant."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from mangaassist.privacy.shoppers import LONGEST_NAME, NotOne, find_shopper
from mangaassist.privacy.subject import Subject

KINDS = {
    "customer_id": _("Customer id"),
    "session_id": _("Session id of a guest"),
    "conversation_id": _("Conversation id"),
}


class ShopperForm(forms.Form):
    """One id, and of what it is."""

    kind = forms.ChoiceField(label=_("Kind of id"), choices=list(KINDS.items()))
    name = forms.CharField(label=_("Id"), max_length=LONGEST_NAME)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if "kind" in cleaned and "name" in cleaned:
            try:
                cleaned["subject"] = find_shopper(**{cleaned["kind"]: cleaned["name"]})
            except NotOne as error:
                raise forms.ValidationError(_("This is no id.")) from error
        return cleaned

    @property
    def subject(self) -> Subject:
        subject: Subject = self.cleaned_data["subject"]
        return subject


class EraseForm(ShopperForm):
    """The id once more, typed: a click alone erases nobody."""

    again = forms.CharField(label=_("The same id once more"), max_length=LONGEST_NAME)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if "again" in cleaned and cleaned["again"] != cleaned.get("name"):
            self.add_error("again", _("This is not the id above."))
        return cleaned
