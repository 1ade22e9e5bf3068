"""Nobody gives or takes a right that they do not have, and who did something here is deactivated, never deleted."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission, User
from django.test import Client
from django.urls import reverse

from mangaassist.access.models import AuditEntry, StaffSession
from mangaassist.groups import make_groups

pytestmark = pytest.mark.django_db
USERS = reverse("admin:auth_user_changelist")


@pytest.fixture(autouse=True)
def groups(db: None) -> None:
    make_groups()


def clerk(*more: str) -> User:
    """May look after users and groups, and what else is said ("app.codename")."""
    user = User.objects.create(username="clerk", is_staff=True)
    rights = Permission.objects.filter(content_type__app_label="auth")
    for each in more:
        app, _, codename = each.partition(".")
        rights |= Permission.objects.filter(content_type__app_label=app, codename=codename)
    user.user_permissions.set(rights)
    return user


def member(*groups: str, name: str = "ben", **fields: Any) -> User:
    user = User.objects.create(username=name, is_staff=True, **fields)
    user.groups.set(Group.objects.filter(name__in=groups))
    return user


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def give(client: Client, user: User, *groups: str, **more: str) -> int:
    form = {"username": user.username, "is_staff": "on", "is_active": "on", "date_joined_0": "2026-01-01",
            "date_joined_1": "00:00", "groups": [Group.objects.get(name=name).pk for name in groups], **more}  # fmt: skip
    answer = client.post(reverse("admin:auth_user_change", args=[user.pk]), form)
    assert answer.status_code != 200 or "Not yours to give" in answer.content.decode()
    return answer.status_code


def names_of(user: User) -> set[str]:
    return set(user.groups.values_list("name", flat=True))


@pytest.mark.parametrize("group", ["admin", "operator", "analyst", "agent lead", "agent"])
def test_who_looks_after_users_gives_no_group_of_more_rights(group: str) -> None:
    by, other = clerk(), member()
    client = signed_in(by)
    for user in (by, other):
        assert give(client, user, group) == 200
        assert names_of(user) == set()


def test_an_admin_gives_every_group_that_there_is() -> None:
    client, ben = signed_in(member("admin", name="root")), member()
    for group in ("admin", "operator", "analyst", "agent lead", "agent"):
        assert give(client, ben, group) == 302
        assert names_of(ben) == {group}


def test_a_group_of_rights_that_one_has_is_given_and_taken_and_said_in_the_log() -> None:
    night = Group.objects.create(name="night shift")
    night.permissions.set(Permission.objects.filter(codename="view_user"))
    client, ben = signed_in(clerk()), member()
    assert give(client, ben, "night shift") == 302
    assert give(client, ben) == 302
    told = AuditEntry.objects.filter(kind="access").order_by("pk").values_list("detail", flat=True)
    assert ["groups: – → night shift" in told[0], "groups: night shift → –" in told[1]] == [True, True]


def test_the_desk_is_given_by_who_may_work_there() -> None:
    assert give(signed_in(clerk("escalation.change_handoff")), member(), "agent") == 302


@pytest.mark.parametrize("fields", [{"groups": ("operator",)}, {"is_superuser": True}, {"right": "change_offer"}])
def test_nobody_changes_who_may_do_more_nor_their_password(fields: dict[str, Any]) -> None:
    more = member(*fields.get("groups", ()), is_superuser=fields.get("is_superuser", False))
    more.user_permissions.set(Permission.objects.filter(codename=fields.get("right", "")))
    client = signed_in(clerk())
    assert give(client, more) == 403
    password = {"password1": "a staple of mangas", "password2": "a staple of mangas"}
    assert client.post(reverse("admin:auth_user_password_change", args=[more.pk]), password).status_code == 403
    for action in ("deactivate_selected", "delete_selected"):
        client.post(USERS, {"action": action, "_selected_action": [more.pk], "post": "yes"})
    assert User.objects.get(pk=more.pk).is_active


@pytest.mark.parametrize("right", ["shop.change_offer", "partners.add_apikey"])
def test_a_group_gets_no_right_that_who_gives_it_has_not(right: str) -> None:
    app, _, codename = right.partition(".")
    wanted = Permission.objects.get(content_type__app_label=app, codename=codename)
    client = signed_in(clerk())
    own = Group.objects.create(name="clerks")
    address = reverse("admin:auth_group_change", args=[own.pk])
    assert "Not yours to give" in client.post(address, {"name": "clerks", "permissions": [wanted.pk]}).content.decode()
    address = reverse("admin:auth_group_add")
    assert "Not yours to give" in client.post(address, {"name": "new", "permissions": [wanted.pk]}).content.decode()
    assert not Group.objects.filter(permissions=wanted, name__in=("clerks", "new")).exists()
    # Who has it gives it, and the log says so.
    assert (
        signed_in(member("admin", name="root")).post(address, {"name": "new", "permissions": [wanted.pk]}).status_code
        == 302
    )


@pytest.mark.parametrize("name", ["agent lead", "admin"])
def test_a_group_is_not_named_into_another_ones_place(name: str) -> None:
    """The desk asks for a group's name alone."""
    Group.objects.filter(name=name).delete()
    own = Group.objects.create(name="clerks")
    client = signed_in(clerk())
    for address in (reverse("admin:auth_group_change", args=[own.pk]), reverse("admin:auth_group_add")):
        assert "Only a superuser" in client.post(address, {"name": name}).content.decode()
    assert not Group.objects.filter(name=name).exists()


def test_a_group_of_more_rights_is_not_deleted() -> None:
    group = Group.objects.get(name="operator")
    client = signed_in(clerk())
    assert client.post(reverse("admin:auth_group_delete", args=[group.pk]), {"post": "yes"}).status_code == 403
    assert Group.objects.filter(name="operator").exists()


def test_what_somebody_did_stays_in_the_log(admin_client: Client) -> None:
    ben, newcomer = member("admin"), member(name="newcomer")
    signed_in(ben).post(reverse("admin:auth_group_add"), {"name": "night shift"})
    address = reverse("admin:auth_user_delete", args=[ben.pk])
    assert admin_client.post(address, {"post": "yes"}).status_code == 403
    form = {"action": "delete_selected", "_selected_action": [ben.pk, newcomer.pk], "post": "yes"}
    admin_client.post(USERS, form)
    assert User.objects.filter(pk__in=[ben.pk, newcomer.pk]).count() == 2
    assert LogEntry.objects.filter(user=ben).exists()
    # One by mistake, who has done nothing.
    address = reverse("admin:auth_user_delete", args=[newcomer.pk])
    assert admin_client.post(address, {"post": "yes"}).status_code == 302


def test_who_is_deactivated_is_out_at_once(admin_client: Client) -> None:
    ben, aiko = member("admin"), member(name="aiko")
    there = signed_in(ben)
    there.get(reverse("admin:password_change"))
    me = User.objects.get(username="admin")
    form = {"action": "deactivate_selected", "_selected_action": [ben.pk, me.pk]}
    page = admin_client.post(USERS, form, follow=True).content.decode()
    assert "1 user deactivated" in page
    assert "Not yours to change: admin" in page
    assert not StaffSession.objects.filter(user=ben).exists()
    assert there.get(reverse("admin:password_change")).status_code == 302
    assert AuditEntry.objects.filter(kind="access", detail="changed: is_active: True → False").count() == 1
    # By the form as well.
    signed_in(aiko)
    form = {"username": "aiko", "is_staff": "on", "date_joined_0": "2026-01-01", "date_joined_1": "00:00"}
    assert admin_client.post(reverse("admin:auth_user_change", args=[aiko.pk]), form).status_code == 302
    assert not StaffSession.objects.filter(user=aiko).exists()


def test_groups_are_told_in_the_language_of_who_reads(admin_client: Client) -> None:
    make_groups()
    japanese = {"accept-language": "ja"}
    for address in ("/admin/auth/user/add/", "/admin/auth/group/", "/admin/auth/user/"):
        assert admin_client.get(address, headers=japanese).status_code == 200
    worker = User.objects.create(username="hanako", is_staff=True)
    worker.groups.add(Group.objects.get(name="agent lead"))
    for address in (f"/admin/auth/user/{worker.pk}/change/", "/admin/auth/group/", "/admin/auth/user/"):
        page = admin_client.get(address, headers=japanese).content.decode()
        assert "担当者のリーダー" in page
        assert ">agent lead<" not in page
