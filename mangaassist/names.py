"""What operators call that which is stored under a word of the code: intents, groups, and who acted in a trail.

The stored words stay as they are, whatever the language of who reads them.
"""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

INTENTS: dict[str, Promise] = {
    "greeting": _("Greeting"),
    "thanks": _("Thanks"),
    "goodbye": _("Goodbye"),
    "recommend": _("Recommendations"),
    "search": _("Search"),
    "series_facts": _("About a series"),
    "product_facts": _("About a book"),
    "next_volume": _("The next volume"),
    "reading_order": _("Reading order"),
    "compare": _("Comparison"),
    "budget": _("Within a budget"),
    "price": _("Price"),
    "availability": _("In stock?"),
    "promotions": _("Promotions"),
    "order_status": _("An order"),
    "faq": _("Help"),
    "account": _("Account"),
    "complaint": _("Complaint"),
    "human": _("A person"),
    "unknown_title": _("An unknown title"),
    "other": _("Not understood"),
    "unclear": _("Unclear"),
    "about_assistant": _("About the assistant"),
    "deed": _("Something to be done"),
    "nod": _("A nod"),
}
GROUPS: dict[str, Promise] = {
    "agent": pgettext_lazy("group", "agent"),
    "agent lead": pgettext_lazy("group", "agent lead"),
    "analyst": pgettext_lazy("group", "analyst"),
    "operator": pgettext_lazy("group", "operator"),
    "admin": pgettext_lazy("group", "admin"),
}
# In the trail of a handoff: who acted where it was no user, and what they did where it was no change of state.
TRAIL: dict[str, Promise] = {
    "shopper": pgettext_lazy("trail", "shopper"),
    "system": pgettext_lazy("trail", "system"),
    "signed in": pgettext_lazy("trail", "signed in"),
    "left an e-mail address": pgettext_lazy("trail", "left an e-mail address"),
    "waits in the chat again": pgettext_lazy("trail", "waits in the chat again"),
}

# How a question ended, as who takes a conversation over is told (escalation.package): the last one led to it.
OUTCOMES: dict[str, Promise] = {
    "complete": pgettext_lazy("outcome", "answered"),
    "not_understood": pgettext_lazy("outcome", "not understood"),
    "stopped": pgettext_lazy("outcome", "stopped"),
    "failed": pgettext_lazy("outcome", "failed"),
    "running": pgettext_lazy("outcome", "handed over"),
}


def name_of(names: Mapping[str, str | Promise], key: str) -> str:
    """What has no name is called as the code calls it."""
    return str(names[key]) if key in names else key.replace("_", " ")


def intent_name(intent: str) -> str:
    return name_of(INTENTS, intent)


def group_name(name: str) -> str:
    """A shop's own groups are called as the shop calls them."""
    return str(GROUPS.get(name, name))


def in_trail(text: str) -> str:
    """Names of users and reasons in words stay."""
    return str(TRAIL.get(text, text))
