"""Who may change whom: nobody gives or takes a right that they do not have, not to themselves nor to others.

The desk asks for its two groups by name and not for permissions, so who gives one of those must be able to work there.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import Group, Permission

DESK = ("agent", "agent lead")
AT_THE_DESK = "escalation.change_handoff"


def rights_of(permissions: Iterable[Permission]) -> set[str]:
    """As "app.codename"."""
    return {f"{each.content_type.app_label}.{each.codename}" for each in permissions}


def may_give(by: Any, permissions: Iterable[Permission]) -> bool:
    """Whether ``by`` has all of them; a superuser has any."""
    return bool(by.is_superuser or rights_of(permissions) <= by.get_all_permissions())


def may_give_group(by: Any, group: Group) -> bool:
    if group.name in DESK and not by.has_perm(AT_THE_DESK):
        return False
    return may_give(by, group.permissions.select_related("content_type"))


def may_change_user(by: Any, user: Any) -> bool:
    """Who changes a user can sign in as them with a new password: has all of their rights, then."""
    if user is None or by.is_superuser:
        return True
    if user.is_superuser:
        return False
    own = user.user_permissions.select_related("content_type")
    return may_give(by, own) and all(may_give_group(by, group) for group in user.groups.all())
