"""Names and figures as the overview tells them."""

from __future__ import annotations

from django.conf import settings
from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from escalation.models import Trigger

CACHES: dict[str, Promise] = {
    "product": _("Products"),
    "recs": _("Recommendations"),
    "promotions": _("Promotions"),
    "faq": _("Help texts"),
}


def language_name(code: str) -> str:
    return dict(settings.LANGUAGES).get(code, code)


def trigger_name(trigger: str) -> str:
    return gettext(str(dict(Trigger.choices).get(trigger, trigger)))


def count(number: float) -> str:
    return number_format(round(number), force_grouping=True)


def percent(share: float | None, *, exact: bool = False) -> str:
    """``exact``: with a decimal, for shares that differ by little. 99.96 % does not read as if nothing were missing."""
    if share is None:
        return "–"
    places = 1 if (exact and 0 < share < 1) or 0.99 <= share < 1 else 0
    return f"{_rounded(min(share * 100, 99.9) if share < 1 else share * 100, places)} %"


def milliseconds(ms: float | None) -> str:
    if ms is None:
        return "–"
    if ms < 1_000:
        return gettext("%s ms") % _rounded(ms, 1 if 0 < ms < 10 else 0)
    return gettext("%s s") % _rounded(ms / 1_000, 1)


def dollars(amount: float) -> str:
    return f"${_rounded(amount, 2)}"


def _rounded(number: float, places: int) -> str:
    # Django's own cuts what is too long.
    return number_format(f"{number:.{places}f}", places, force_grouping=True)


def duration(seconds: float) -> str:
    """In the largest unit of which there are two."""
    for size, told in (
        (86_400, ngettext("%d day", "%d days", round(seconds / 86_400))),
        (3_600, ngettext("%d hour", "%d hours", round(seconds / 3_600))),
        (60, ngettext("%d minute", "%d minutes", round(seconds / 60))),
    ):
        if seconds >= 2 * size:
            return told % round(seconds / size)
    return ngettext("%d second", "%d seconds", round(seconds)) % round(seconds)
