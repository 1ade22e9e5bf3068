"""Groups on a new database, on an old one, and when a later version brings permissions along."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command
from django.db import DEFAULT_DB_ALIAS

from mangaassist.groups import GROUPS, give_new_permissions, is_due, make_groups

pytestmark = pytest.mark.django_db


def may(group: str) -> set[str]:
    pairs = Group.objects.get(name=group).permissions.values_list("content_type__app_label", "codename")
    return {f"{app}.{codename}" for app, codename in pairs}


def test_a_database_that_has_permissions_already_gets_whole_groups() -> None:
    Group.objects.all().delete()
    make_groups()
    assert set(Group.objects.values_list("name", flat=True)) == set(GROUPS)
    assert {"shop.add_series", "caching.change_cachepolicy"} <= may("operator")
    assert may("agent") == set()


def test_on_a_new_database_they_come_with_the_permissions() -> None:
    Group.objects.all().delete()
    Permission.objects.filter(content_type__app_label="shop").delete()
    make_groups()
    assert not any(each.startswith("shop.") for each in may("operator"))
    give_new_permissions(apps.get_app_config("shop"), DEFAULT_DB_ALIAS)
    assert "shop.change_offer" in may("operator")
    assert "shop.change_offer" not in may("analyst")
    assert "shop.view_offer" in may("analyst")


def test_what_a_shop_has_taken_away_does_not_come_back_with_the_next_version() -> None:
    Group.objects.all().delete()
    make_groups()
    Group.objects.get(name="operator").permissions.remove(Permission.objects.get(codename="change_offer"))
    give_new_permissions(apps.get_app_config("shop"), DEFAULT_DB_ALIAS)
    assert "shop.change_offer" not in may("operator")
    make_groups()
    assert "shop.change_offer" not in may("operator")


@pytest.mark.parametrize(("group", "permission", "due"), [
    ("operator", "chat.change_anything", True),
    ("operator", "chat.delete_conversation", False),
    ("analyst", "analytics.view_overview", True),
    ("analyst", "chat.change_feedback", False),
    ("agent lead", "escalation.add_cannedreply", True),
    ("admin", "access.view_auditentry", True),
    ("admin", "sessions.delete_session", False),
    ("agent", "chat.view_conversation", False),
])  # fmt: skip
def test_what_is_due(group: str, permission: str, due: bool) -> None:
    assert is_due(group, permission) is due


@pytest.mark.django_db(transaction=True)
def test_leads_stay_leads_when_their_group_gets_its_new_name(django_user_model: type) -> None:
    call_command("migrate", "escalation", "0005", verbosity=0)
    Group.objects.all().delete()
    leo = django_user_model.objects.create(username="leo")  # type: ignore[attr-defined]
    leo.groups.add(Group.objects.create(name="lead"))
    call_command("migrate", "escalation", verbosity=0)
    assert [group.name for group in leo.groups.all()] == ["agent lead"]
    assert {"escalation.change_officehours", "chat.view_conversation"} <= may("agent lead")
    assert Group.objects.filter(name="admin").exists()
