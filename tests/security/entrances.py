"""Every address that MangaAssist answers at, and whom it lets in. An address that is not here fails the sweep: whoever
adds one says here for whom it is open and why, and docs/security.md what holds it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from django.conf import settings
from django.urls import URLPattern, URLResolver, get_resolver


class Who(StrEnum):
    ANYBODY = "anybody"  # the same for all: nothing personal is in it
    SHOPPER = "shopper"  # anybody, who sees what is their own by cookie or token
    PARTNER = "partner"  # a key with the scope
    AGENT = "agent"
    LEAD = "lead"
    STAFF = "staff"  # signed in to the operator's room, with the permission of the page
    SIGNING_IN = "signing in"
    PROBE = "probe"  # balancers and Prometheus; all but healthz is kept from outside by the proxy (docs/deployment.md)


@dataclass(frozen=True, slots=True)
class Entrance:
    """``address``: as the resolver spells it, with ``<id>`` for what it takes. ``may_be_kept``: by caches."""

    address: str
    who: Who
    why: str
    methods: str = "GET"
    may_be_kept: bool = False

    @property
    def takes_id(self) -> bool:
        return "<" in self.address

    def at(self, id: object) -> str:
        return "/" + re.sub(r"<[^>]+>", str(id), self.address)


PROBES = [
    Entrance("healthz", Who.PROBE, "a balancer asks whether the process lives"),
    Entrance("readyz", Who.PROBE, "names parts that are not ready, no values of settings"),
    Entrance("metrics", Who.PROBE, "counts, no words and no ids of shoppers"),
]
WIDGET = [
    Entrance("chat/", Who.SHOPPER, "the conversation of the cookie or of the page's token"),
    Entrance("chat/plain/", Who.SHOPPER, "the same as a form", "POST"),
    Entrance("widget/v1/token", Who.SHOPPER, "a guest's, our session's or a signed identity's token", "POST"),
    Entrance("widget/v1/frame", Who.ANYBODY, "the empty widget for an iframe"),
    Entrance("widget/v1/docs", Who.ANYBODY, "what a page can set on the widget"),
    Entrance("widget/v1/<name>", Who.ANYBODY, "the widget's own files", may_be_kept=True),
    Entrance("favicon.ico", Who.ANYBODY, "a redirect to the icon", may_be_kept=True),
    Entrance("i18n/setlang/", Who.ANYBODY, "sets the language's cookie", "POST"),
    Entrance("covers/<id>.svg", Who.ANYBODY, "a drawn cover", may_be_kept=True),
    Entrance("covers/series/<id>.svg", Who.ANYBODY, "a drawn cover", may_be_kept=True),
]
SHOP = [
    Entrance("", Who.SHOPPER, "the demo shop's first page, with the visitor's shelves"),
    Entrance("search/", Who.SHOPPER, "the catalogue, in the visitor's order"),
    Entrance("series/<id>/", Who.SHOPPER, "the catalogue"),
    Entrance("products/<id>/", Who.SHOPPER, "the catalogue, and the visitor's own rating"),
    Entrance("products/<id>/rate/", Who.SHOPPER, "the visitor's own rating", "POST"),
    Entrance("cart/", Who.SHOPPER, "the session's cart"),
    Entrance("cart/add/", Who.SHOPPER, "the session's cart", "POST"),
    Entrance("cart/set/", Who.SHOPPER, "the session's cart", "POST"),
    Entrance("sign-in/", Who.SHOPPER, "the demo shoppers, who are nobody"),
    Entrance("sign-in/as/", Who.SHOPPER, "as a demo shopper; in the demo shop only", "POST"),
    Entrance("sign-out/", Who.SHOPPER, "ends the session", "POST"),
    Entrance("account/", Who.SHOPPER, "the session's customer's orders"),
    Entrance("account/forget/", Who.SHOPPER, "the session's own history", "POST"),
    Entrance("help/", Who.SHOPPER, "published articles"),
    Entrance("help/<id>/", Who.SHOPPER, "a published article"),
]
DESK = [
    Entrance("desk/", Who.AGENT, "the page of an agent; what it shows comes by its socket"),
    Entrance("desk/metrics/", Who.LEAD, "figures of the team"),
]
# Scope of each operation's key.
API: dict[str, list[Entrance]] = {
    "": [
        Entrance("api/v1/", Who.PARTNER, "ninja's root, which is no operation"),
        Entrance("api/v1/docs", Who.ANYBODY, "the documentation"),
        Entrance("api/v1/openapi.json", Who.ANYBODY, "the document"),
    ],
    "conversations": [
        Entrance("api/v1/conversations", Who.PARTNER, "begins one of the tenant's", "POST"),
        Entrance("api/v1/conversations/<id>/messages", Who.PARTNER, "of the tenant's own", "GET POST"),
        Entrance("api/v1/conversations/<id>/feedback", Who.PARTNER, "of the tenant's own", "POST"),
        Entrance("api/v1/conversations/<id>/handoff", Who.PARTNER, "of the tenant's own", "POST"),
    ],
    "catalog:read": [
        Entrance("api/v1/products/batch", Who.PARTNER, "the catalogue", "POST"),
        Entrance("api/v1/products/<id>", Who.PARTNER, "the catalogue"),
        Entrance("api/v1/search", Who.PARTNER, "the catalogue"),
    ],
    "recommendations": [Entrance("api/v1/recommendations", Who.PARTNER, "for a customer whom the partner names")],
    "events": [Entrance("api/v1/events", Who.PARTNER, "what the partner's shoppers did", "POST")],
    "orders:read": [Entrance("api/v1/orders/<id>", Who.PARTNER, "of the customer who is named with it")],
    "catalog:write": [
        Entrance("api/v1/catalog/events", Who.PARTNER, "changes of the catalogue", "POST"),
        Entrance("api/v1/catalog/feed", Who.PARTNER, "a whole feed", "POST"),
        Entrance("api/v1/catalog/jobs/<id>", Who.PARTNER, "the tenant's own feeds"),
        Entrance("api/v1/catalog/jobs/<id>/rejects", Who.PARTNER, "the tenant's own feeds"),
    ],
    "webhooks": [
        Entrance("api/v1/webhooks", Who.PARTNER, "the tenant's own", "GET POST"),
        Entrance("api/v1/webhooks/<id>", Who.PARTNER, "the tenant's own", "GET DELETE"),
        Entrance("api/v1/webhooks/<id>/secret", Who.PARTNER, "the tenant's own", "POST"),
        Entrance("api/v1/webhooks/<id>/activate", Who.PARTNER, "the tenant's own", "POST"),
        Entrance("api/v1/webhooks/<id>/test", Who.PARTNER, "the tenant's own", "POST"),
    ],
}
ROOM = [
    Entrance("admin/login/", Who.SIGNING_IN, "name and password, within a limit on guessing", "GET POST"),
    Entrance("admin/logout/", Who.STAFF, "ends the own session", "POST"),
    Entrance("admin/", Who.STAFF, "shows what one may"),
    Entrance("admin/password_change/", Who.STAFF, "the own password", "GET POST"),
    Entrance("admin/password_change/done/", Who.STAFF, "says that it is changed"),
    Entrance("admin/autocomplete/", Who.STAFF, "asks for the permission of the list it completes from"),
    Entrance("admin/jsi18n/", Who.STAFF, "words of the calendar", may_be_kept=True),
    Entrance("admin/r/<content_type_id>/<id>/", Who.STAFF, "nothing of ours has a page of its own to lead to"),
    Entrance("admin/<app_label>/", Who.STAFF, "an app's lists that one may see"),
    Entrance("admin/<url>", Who.STAFF, "adds the slash that was forgotten, else 404"),
    Entrance("admin/overview/", Who.STAFF, "analytics.view_*"),
    Entrance("admin/privacy/", Who.STAFF, "privacy.export_shopper or privacy.erase_shopper"),
    Entrance("admin/privacy/export/", Who.STAFF, "privacy.export_shopper", "POST"),
    Entrance("admin/privacy/erase/", Who.STAFF, "privacy.erase_shopper", "POST"),
]
# Pages that our admins add to Django's: address behind admin/, permission.
OWN_PAGES = {
    "analytics/unansweredquestion/<id>/alias/": "shop.change_series",
    "auth/user/<id>/password/": "auth.change_user",
    "caching/cachepolicy/product/": "caching.view_cachepolicy",
    "caching/cachepolicy/entry/": "caching.view_cachepolicy",
    "caching/cachepolicy/forget-product/": "caching.change_cachepolicy",
    "caching/cachepolicy/forget-everything/": "caching.change_cachepolicy",
    "caching/cachepolicy/<id>/forget/": "caching.change_cachepolicy",
    "caching/cachepolicy/<id>/ttl/": "caching.change_cachepolicy",
    "chat/conversation/shared/<id>/": "a signed link, for any staff; without personal data",
    "chat/conversation/<id>/share/": "chat.share_conversation",
    "chat/conversation/<id>/revoke/": "chat.share_conversation",
    "chat/conversation/<id>/redact/": "chat.redact_conversation",
    "chat/conversation/<id>/erase/": "chat.erase_conversation",
    "chat/feedback/trends/": "chat.view_feedback",
    "chat/feedback/<id>/review/": "chat.change_feedback",
    "chat/feedback/<id>/golden/": "chat.view_feedback",
    "chat/feedback/<id>/redact/": "chat.redact_conversation",
    "chat/turn/<id>/trace/": "chat.view_turn",
    "chat/turn/<id>/replay/": "chat.replay_turn",
    "escalation/handoff/<id>/redact/": "chat.redact_conversation",
    "knowledge/article/<id>/preview/": "knowledge.change_article",
    "knowledge/article/<id>/versions/": "knowledge.change_article",
    "partners/apikey/<id>/rotate/": "partners.change_apikey",
    "partners/webhook/<id>/rotate/": "partners.change_webhook",
    "partners/webhookmessage/<id>/again/": "partners.change_webhook",
    "recommendations/experiment/<id>/start/": "recommendations.change_experiment",
    "recommendations/experiment/<id>/stop/": "recommendations.change_experiment",
    "recommendations/experiment/<id>/roll-out/": "recommendations.change_experiment",
    "recommendations/experiment/<id>/take-back/": "recommendations.change_experiment",
    "shop/feedjob/upload/": "shop.add_feedjob",
    "shop/feedjob/export/": "shop.view_*",
}
# Each has Django's own pages: list, add, change, delete, history.
ADMIN_MODELS = """
    access.auditentry access.staffsession analytics.analyticsevent analytics.unansweredquestion auth.group auth.user
    caching.cachepolicy chat.assistantsettings chat.conversation chat.feedback chat.modelspend chat.turn
    escalation.agentpresence escalation.cannedreply escalation.escalationrule escalation.handoff
    escalation.handoffpolicy escalation.officehours knowledge.article knowledge.document knowledge.indexversion
    outbox.outboxmessage outbox.queuedmessage outbox.shardlease partners.apikey partners.webhook
    partners.webhookmessage recommendations.experiment recommendations.interaction shop.cart shop.edition shop.feedjob
    shop.offer shop.order shop.promotion shop.series
""".split()
_MODEL_PAGES = {
    "": "view", "add/": "add", "<id>/change/": "view or change", "<id>/delete/": "delete", "<id>/history/": "view",
    "<id>/": "a redirect to change",
}  # fmt: skip


def _room() -> Iterator[Entrance]:
    yield from ROOM
    for page, permission in OWN_PAGES.items():
        yield Entrance(f"admin/{page}", Who.STAFF, permission, "GET POST")
    for model in ADMIN_MODELS:
        for page, deed in _MODEL_PAGES.items():
            why = f"{deed} {model}"
            yield Entrance(f"admin/{model.replace('.', '/')}/{page}", Who.STAFF, why, "GET POST")


PARTNERS = [each for entrances in API.values() for each in entrances]
ROOMS = list(_room())
ENTRANCES = [*PROBES, *WIDGET, *SHOP, *DESK, *PARTNERS, *ROOMS]

SOCKETS = {"ws/chat/": "a shopper's token in the first frame", "ws/desk/": "the session's cookie of an agent"}
# What a frame says of somebody's: the fields with ids. Those without act on the socket's own conversation.
CHAT_FRAMES: dict[str, tuple[str, ...]] = {
    "hello": ("conversation_id", "resume.after_message_id", "resume.turn_id"),
    "user_message": (),
    "stop": ("turn_id",),
    "typing": (),
    "action": ("message_id", "handoff_id"),
    "feedback": ("message_id",),
    "handoff": (),
    "ping": (),
}
DESK_FRAMES: dict[str, tuple[str, ...]] = {
    "look": ("id",), "ping": (), "take": ("id",), "assign": ("id", "to"), "transfer": ("id", "to"), "return": ("id",),
    "close": ("id",), "say": ("id", "cards"), "note": ("id",), "email": ("id",), "types": ("id",), "presence": (),
    "find": ("id",),
}  # fmt: skip


def addresses() -> set[str]:
    """What the resolver knows, spelled as above: the admin at its usual path, every parameter as one."""
    return {_spelled(address) for address in _walk(get_resolver(), "")}


def _walk(resolver: URLResolver, before: str) -> Iterator[str]:
    for each in resolver.url_patterns:
        address = before + str(each.pattern)
        if isinstance(each, URLResolver):
            yield from _walk(each, address)
        elif isinstance(each, URLPattern):
            yield address


def _spelled(address: str) -> str:
    if address.startswith(settings.ADMIN_PATH):
        address = "admin/" + address.removeprefix(settings.ADMIN_PATH)
    address = re.sub(r"\(\?P<(\w+)>[^)]*\)", r"<\1>", address).replace("^", "").replace("$", "")
    return re.sub(r"<(?:\w+:)?(\w+)>", _name, address)


def _name(found: re.Match[str]) -> str:
    kept = {"name", "app_label", "url", "content_type_id"}
    return f"<{found[1]}>" if found[1] in kept else "<id>"
