"""Sessions of staff: idle ones, old ones, and all of somebody's at once."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from escalation.desk_actions import session_holds
from mangaassist.access.models import AuditEntry, StaffSession
from mangaassist.access.sessions import BEGAN, SEEN, forget_ended, sign_out_everywhere

pytestmark = pytest.mark.django_db
INDEX = "/admin/password_change/"


@pytest.fixture
def aiko(db: None) -> User:
    return User.objects.create_superuser("aiko", password="correct horse battery")


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def back_date(client: Client, **hours: float) -> None:
    session = client.session
    for name, value in hours.items():
        session[name] -= value * 3600
    session.save()


@pytest.mark.parametrize(("idle_h", "old_h", "stays"), [
    (0.9, 0.9, True), (1.1, 1.1, False), (0, 11.9, True), (0, 12.1, False),
])  # fmt: skip
def test_a_session_ends_when_it_lies_idle_or_is_old(aiko: User, idle_h: float, old_h: float, stays: bool) -> None:
    client = signed_in(aiko)
    back_date(client, **{SEEN: idle_h, BEGAN: old_h})
    answer = client.get(INDEX)
    assert answer.status_code == (200 if stays else 302)
    if not stays:
        assert answer["Location"] == f"/admin/login/?next={INDEX}"
        assert "You were signed out after a while" in client.get(answer["Location"]).content.decode()
        assert AuditEntry.objects.filter(kind="expired", actor="aiko").count() == 1
        assert not AuditEntry.objects.filter(kind="signed_out").exists()
        assert not StaffSession.objects.exists()


def test_at_the_desk_only_the_age_counts(aiko: User) -> None:
    client = signed_in(aiko)
    back_date(client, **{SEEN: 3, BEGAN: 3})
    assert client.get("/desk/").status_code == 200
    back_date(client, **{BEGAN: 10})
    assert client.get("/desk/").status_code == 302


def test_an_open_desk_ends_with_its_session(aiko: User) -> None:
    client = signed_in(aiko)
    key = client.session.session_key
    assert session_holds(key, aiko.pk)
    back_date(client, **{BEGAN: 13})
    assert not session_holds(key, aiko.pk)


def test_signed_out_everywhere_is_signed_out_in_every_browser(aiko: User) -> None:
    browsers = [signed_in(aiko) for _ in range(3)]
    ben = signed_in(User.objects.create_superuser("ben"))
    assert sign_out_everywhere(aiko.pk) == 3
    assert [client.get(INDEX).status_code for client in browsers] == [302, 302, 302]
    assert ben.get(INDEX).status_code == 200


def test_a_changed_password_ends_the_others_and_keeps_this_one_on_the_list(aiko: User) -> None:
    here, there = signed_in(aiko), signed_in(aiko)
    new = {"old_password": "correct horse battery", "new_password1": "a staple of mangas", "new_password2": "a staple of mangas"}  # fmt: skip
    assert here.post(INDEX, new).status_code == 302
    assert here.get(INDEX).status_code == 200
    assert there.get(INDEX).status_code == 302
    assert sign_out_everywhere(aiko.pk) >= 1
    assert here.get(INDEX).status_code == 302


@pytest.mark.parametrize("weak", ["short", "password1234"])
def test_a_weak_password_is_refused(aiko: User, weak: str) -> None:
    form = {"old_password": "correct horse battery", "new_password1": weak, "new_password2": weak}
    assert signed_in(aiko).post(INDEX, form).status_code == 200


def test_the_list_of_sessions_ends_those_that_are_chosen(aiko: User) -> None:
    there = signed_in(aiko)
    chosen = StaffSession.objects.get()
    admin = signed_in(User.objects.create_superuser("root"))
    page = admin.get(reverse("admin:access_staffsession_changelist")).content.decode()
    assert "aiko" in page
    assert chosen.session_key not in page
    form = {"action": "end_selected", "_selected_action": [chosen.pk]}
    admin.post(reverse("admin:access_staffsession_changelist"), form)
    assert there.get(INDEX).status_code == 302


def test_who_is_no_superuser_makes_none_and_touches_none(aiko: User) -> None:
    clerk = User.objects.create(username="clerk", is_staff=True)
    clerk.user_permissions.set(Permission.objects.filter(content_type__app_label__in=["auth", "access"]))
    client = signed_in(clerk)
    address = reverse("admin:auth_user_change", args=[clerk.pk])
    form = {"username": "clerk", "is_staff": "on", "is_active": "on", "is_superuser": "on", "date_joined_0": "2026-01-01",
            "date_joined_1": "00:00", "user_permissions": [Permission.objects.get(codename="delete_session").pk]}  # fmt: skip
    assert client.post(address, form).status_code == 302
    clerk.refresh_from_db()
    assert not clerk.is_superuser
    assert not clerk.user_permissions.filter(codename="delete_session").exists()
    theirs = signed_in(aiko)
    assert client.post(reverse("admin:auth_user_change", args=[aiko.pk]), form).status_code == 403
    client.post(reverse("admin:auth_user_changelist"), {"action": "sign_out_selected", "_selected_action": [aiko.pk]})
    assert theirs.get(INDEX).status_code == 200
    password = reverse("admin:auth_user_password_change", args=[aiko.pk])
    assert (
        client.post(password, {"password1": "a staple of mangas", "password2": "a staple of mangas"}).status_code == 403
    )


def test_shoppers_pages_do_not_note_sessions(aiko: User) -> None:
    client = signed_in(aiko)
    back_date(client, **{SEEN: 3, BEGAN: 30})
    assert client.get("/").status_code == 200
    assert StaffSession.objects.count() == 1
    StaffSession.objects.update(seen_at="2020-01-01T00:00Z")
    assert forget_ended() == 1
