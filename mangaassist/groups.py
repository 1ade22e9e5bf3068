"""Who may do what in the operator's room: the groups and their permissions.

The groups are made once, by a migration (escalation, 0006). A permission that a later version brings along is given to
them when it is made; what a shop has taken away or added since stays as the shop wants it.
"""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Any

from django.apps import AppConfig
from django.apps import apps as installed
from django.contrib.auth.management import create_permissions
from django.db import DEFAULT_DB_ALIAS

# Permissions as "app.codename"; ``*`` stands for anything. Agents work at the desk, which asks for the group alone.
GROUPS: dict[str, tuple[str, ...]] = {
    "agent": (),
    "agent lead": (
        "analytics.view_*",
        "chat.view_*",
        "chat.change_feedback",
        "escalation.*",
        "knowledge.view_*",
        "shop.view_*",
    ),
    "analyst": (
        "analytics.view_*",
        "caching.view_*",
        "chat.view_*",
        "escalation.view_*",
        "knowledge.view_*",
        "outbox.view_*",
        "recommendations.view_*",
        "recommendations.add_experiment",
        "recommendations.change_experiment",
        "shop.view_*",
    ),
    "operator": (
        "analytics.view_*",
        "analytics.change_*",
        "caching.view_*",
        "caching.change_*",
        "chat.view_*",
        "chat.change_*",
        "chat.replay_turn",
        "chat.share_conversation",
        "chat.redact_conversation",
        "escalation.*",
        "knowledge.*",
        "outbox.view_*",
        "outbox.change_*",
        "privacy.*",
        "recommendations.view_*",
        "recommendations.change_experiment",
        "shop.*",
    ),
    "admin": ("*",),
}
# Django's own tables that nobody reads in the admin: not even an admin gets a permission for them.
NOBODYS = ("admin.*", "contenttypes.*", "sessions.*")


def is_due(group: str, permission: str) -> bool:
    """``permission``: "app.codename"."""
    return not _matches(permission, NOBODYS) and _matches(permission, GROUPS[group])


def _matches(permission: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(permission, pattern) for pattern in patterns)


def make_groups(apps: Any = installed, *, using: str = DEFAULT_DB_ALIAS, filled: Iterable[str] = ()) -> None:
    """Those that are missing, each with the permissions of today, which ``filled`` (existing groups) get as well. On a
    new database there are no permissions yet: they come with :func:`give_new_permissions`."""
    groups = apps.get_model("auth", "Group").objects.using(using)
    missing = GROUPS.keys() - set(groups.values_list("name", flat=True))
    named = _named(apps.get_model("auth", "Permission").objects.using(using).select_related("content_type"))
    for name in missing:
        groups.create(name=name)
    for group in groups.filter(name__in={*missing, *filled}):
        group.permissions.add(*(each for each in named if is_due(group.name, named[each])))


def give_new_permissions(app_config: AppConfig, using: str, apps: Any = installed, **options: Any) -> None:
    """After a migration: what one app's permissions have become more by. Runs before Django's own receiver, whose work
    it has done at the place where old and new can still be told apart."""
    try:
        permissions = apps.get_model("auth", "Permission").objects.using(using)
        groups = apps.get_model("auth", "Group").objects.using(using)
    except LookupError:  # Migrated only in part: there are no groups yet.
        return
    of_app = permissions.filter(content_type__app_label=app_config.label)
    before = set(of_app.values_list("pk", flat=True))
    create_permissions(app_config, verbosity=0, using=using, apps=apps)
    new = _named(of_app.exclude(pk__in=before).select_related("content_type"))
    for group in groups.filter(name__in=GROUPS) if new else ():
        group.permissions.add(*(each for each in new if is_due(group.name, new[each])))


def _named(permissions: Iterable[Any]) -> dict[Any, str]:
    return {each: f"{each.content_type.app_label}.{each.codename}" for each in permissions}
