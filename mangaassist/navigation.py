"""The one navigation of the operator's room: its sections, and what stands in each.

An entry is a model's list ("app.model") or a page with an address of its own. A model that is named nowhere stands at
the end of its app's section, so that nothing registered is ever without a way to it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

OVERVIEW = "admin:overview"


def has(permission: str) -> Callable[[HttpRequest], bool]:
    return lambda request: request.user.has_perm(permission)


def answers_shoppers(request: HttpRequest) -> bool:
    """As the desk itself asks: in one of its two groups, or a superuser."""
    return _is_superuser(request) or bool({"agent", "agent lead"} & _groups_of(request))


def leads_the_desk(request: HttpRequest) -> bool:
    return _is_superuser(request) or "agent lead" in _groups_of(request)


def _groups_of(request: HttpRequest) -> set[str]:
    """Asked once per request: the navigation stands on every page."""
    known: set[str] | None = getattr(request, "_groups", None)
    if known is None:
        user: Any = request.user
        known = set(user.groups.values_list("name", flat=True))
        request._groups = known  # type: ignore[attr-defined]
    return known


def _is_superuser(request: HttpRequest) -> bool:
    return bool(getattr(request.user, "is_superuser", False))


@dataclass(frozen=True, slots=True)
class Page:
    """``url``: the address' name; a page that no app serves is left out. ``may``: whether this user may open it."""

    name: Promise
    url: str
    may: Callable[[HttpRequest], bool]

    def address(self, request: HttpRequest) -> str | None:
        if not self.may(request):
            return None
        try:
            return reverse(self.url)
        except NoReverseMatch:
            return None


@dataclass(frozen=True, slots=True)
class Section:
    """``apps``: whose models stand here when no entry names them."""

    key: str
    name: Promise
    about: Promise
    entries: tuple[str | Page, ...]
    apps: tuple[str, ...] = ()


SECTIONS = (
    Section(
        "today",
        _("Today"),
        _("How it goes, and who waits."),
        (
            Page(_("Overview"), OVERVIEW, has("analytics.view_overview")),
            Page(_("Desk"), "desk", answers_shoppers),
            Page(_("Desk figures"), "desk-metrics", leads_the_desk),
        ),
    ),
    Section(
        "conversations",
        _("Conversations"),
        _("What was said, and by whom."),
        (
            "chat.conversation",
            "chat.turn",
            "escalation.handoff",
            Page(_("Privacy"), "admin:privacy", has("privacy.view_privacy")),
        ),
        ("chat",),
    ),
    Section(
        "quality",
        _("Quality"),
        _("What shoppers think of it, and what they did not find."),
        (
            "chat.feedback",
            "analytics.unansweredquestion",
            "recommendations.experiment",
            "recommendations.interaction",
            "analytics.analyticsevent",
        ),
        ("analytics", "recommendations"),
    ),
    Section(
        "content",
        _("Content"),
        _("What is sold, and what is known."),
        (
            "shop.series",
            "shop.edition",
            "shop.offer",
            "shop.promotion",
            "knowledge.article",
            "knowledge.document",
            "knowledge.indexversion",
            "shop.order",
            "shop.cart",
        ),
        ("shop", "knowledge"),
    ),
    Section(
        "assistant",
        _("Assistant"),
        _("What it says, when people help, how long answers are kept."),
        (
            "chat.assistantsettings",
            "chat.modelspend",
            "escalation.handoffpolicy",
            "escalation.escalationrule",
            "escalation.officehours",
            "escalation.cannedreply",
            "escalation.agentpresence",
            "caching.cachepolicy",
        ),
        ("escalation", "caching"),
    ),
    Section(
        "delivery",
        _("Delivery"),
        _("What is on its way to other systems."),
        ("outbox.outboxmessage", "outbox.queuedmessage", "outbox.shardlease"),
        ("outbox",),
    ),
    Section("partners", _("Partners"), _("Who calls the API, with which key."), ("partners.apikey",), ("partners",)),
    Section(
        "access",
        _("Access"),
        _("Who works here, what they may do, what they did."),
        ("auth.user", "auth.group", "access.staffsession", "access.auditentry"),
        ("access", "auth"),
    ),
)


def sections(request: HttpRequest, models: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """The sections with what this user may open. ``models``: by "app.model", as Django's admin describes them.

    The same keys as its list of apps, so that its templates and scripts go on.
    """
    named = {entry for section in SECTIONS for entry in section.entries if isinstance(entry, str)}
    rows = []
    for section in SECTIONS:
        left = sorted(name for name in models.keys() - named if name.partition(".")[0] in section.apps)
        entries = [_entry(each, request, models) for each in (*section.entries, *left)]
        if shown := [entry for entry in entries if entry is not None]:
            rows.append(
                {
                    "name": section.name,
                    "about": section.about,
                    "app_label": section.key,
                    "app_url": "",
                    "has_module_perms": True,
                    "models": shown,
                }
            )
    return rows


def _entry(entry: str | Page, request: HttpRequest, models: dict[str, dict[str, Any]]) -> dict[str, Any] | None:
    if isinstance(entry, str):
        return models.get(entry)
    address = entry.address(request)
    if address is None:
        return None
    return {"name": entry.name, "object_name": entry.url.rpartition(":")[2], "admin_url": address, "add_url": None}
