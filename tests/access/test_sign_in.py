"""Guessing a password: who is slowed down, and who is not."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from mangaassist.access import throttle
from mangaassist.access.models import AuditEntry, SignInFailure

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def colleagues(db: None, settings: Any) -> None:
    settings.SIGN_IN_FAILURES = 3
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    for name in ("aiko", "ben"):
        User.objects.create_user(name, password=PASSWORD, is_staff=True)


def sign_in(client: Client, name: str = "aiko", password: str = "wrong") -> Any:
    return client.post(reverse("admin:login"), {"username": name, "password": password})


def at(address: str) -> Client:
    return Client(REMOTE_ADDR=address)


def test_after_a_few_wrong_passwords_even_the_right_one_waits() -> None:
    stranger = at("198.51.100.1")
    assert [sign_in(stranger).status_code for _ in range(4)] == [200, 200, 200, 429]
    answer = sign_in(stranger, password=PASSWORD)
    assert answer.status_code == 429
    assert 0 < int(answer["Retry-After"]) <= 15 * 60
    assert "Too many attempts. Try again in 15 minutes." in answer.content.decode()


def test_a_stranger_locks_out_neither_the_owners_browser_nor_other_accounts() -> None:
    aiko = at("203.0.113.7")
    assert sign_in(aiko, password=PASSWORD).status_code == 302
    aiko.post(reverse("admin:logout"))
    for number in range(5):
        sign_in(at(f"198.51.100.{number}"))
    assert sign_in(at("198.51.100.99"), password=PASSWORD).status_code == 429  # From anywhere: the account's guesses.
    assert sign_in(aiko, password=PASSWORD).status_code == 302
    assert sign_in(at("198.51.100.1"), "ben", PASSWORD).status_code == 302


def test_the_owners_own_browser_is_slowed_down_by_its_own_failures_only() -> None:
    aiko = at("203.0.113.7")
    sign_in(aiko, password=PASSWORD)
    aiko.post(reverse("admin:logout"))
    assert [sign_in(aiko).status_code for _ in range(4)] == [200, 200, 200, 429]
    assert sign_in(at("203.0.113.8"), password=PASSWORD).status_code == 302


def test_one_address_tries_not_many_accounts() -> None:
    stranger = at("198.51.100.1")
    statuses = [sign_in(stranger, f"nobody-{number}").status_code for number in range(16)]
    assert statuses == [200] * 15 + [429]


def test_a_mark_of_another_account_or_a_forged_one_is_worth_nothing() -> None:
    ben = at("203.0.113.7")
    sign_in(ben, "ben", PASSWORD)
    ben.post(reverse("admin:logout"))
    assert [sign_in(ben, "aiko").status_code for _ in range(4)] == [200, 200, 200, 429]
    forger = at("203.0.113.9")
    forger.cookies[throttle.COOKIE] = "W10:forged:signature"
    assert sign_in(forger, "aiko", PASSWORD).status_code == 429


def test_the_wait_ends_and_refused_attempts_do_not_lengthen_it() -> None:
    stranger = at("198.51.100.1")
    for _ in range(10):
        sign_in(stranger)
    assert SignInFailure.objects.count() == 6  # Three of the account and three of the address.
    SignInFailure.objects.update(at=timezone.now() - timedelta(minutes=15, seconds=1))
    assert sign_in(stranger, password=PASSWORD).status_code == 302
    throttle.forget_old()
    assert SignInFailure.objects.count() == 0


def test_who_signs_in_begins_anew() -> None:
    aiko = at("203.0.113.7")
    for password in ("a", "b", PASSWORD):
        sign_in(aiko, password=password)
    aiko.post(reverse("admin:logout"))
    assert [sign_in(aiko).status_code for _ in range(3)] == [200, 200, 200]


def test_names_are_counted_however_they_are_written_and_stored_as_no_name() -> None:
    for name in ("aiko", "AIKO", " Aiko"):
        sign_in(at("198.51.100.1"), name)
    assert sign_in(at("198.51.100.2"), "aiko").status_code == 429
    assert not SignInFailure.objects.filter(bucket__icontains="aiko").exists()


def test_the_log_says_who_tried_and_does_not_grow_with_refusals() -> None:
    stranger = at("198.51.100.1")
    for _ in range(8):
        sign_in(stranger)
    sign_in(stranger, "my password by mistake")
    sign_in(at("203.0.113.7"), "ben", PASSWORD)
    told = AuditEntry.objects.order_by("pk").values_list("kind", "actor", "address")
    assert list(told) == [
        *[("failed", "aiko", "198.51.100.1")] * 3,
        ("throttled", "aiko", "198.51.100.1"),
        ("failed", "unknown name", "198.51.100.1"),
        ("signed_in", "ben", "203.0.113.7"),
    ]


def test_the_cookies_are_for_this_site_and_no_script() -> None:
    answer = sign_in(at("203.0.113.7"), "ben", PASSWORD)
    mark, session = answer.cookies[throttle.COOKIE], answer.cookies["sessionid"]
    assert (mark["path"], mark["httponly"], mark["samesite"]) == ("/admin/", True, "Strict")
    assert (session["httponly"], session["samesite"]) == (True, "Lax")


@pytest.mark.parametrize("form", [{}, {"username": "aiko"}, {"password": "x"}, {"username": "a" * 5000, "password": "x"},
                                  {"username": "a\x00b", "password": "x"}, {"username": "\ud83d\ude00", "password": "x"}])  # fmt: skip
def test_a_form_that_is_none_is_answered_with_the_form(form: dict[str, str]) -> None:
    form = {name: value.encode("utf-16", "surrogatepass").decode("utf-16") for name, value in form.items()}
    assert Client().post(reverse("admin:login"), form).status_code == 200


def test_a_session_gets_a_new_key_at_the_sign_in() -> None:
    client = at("203.0.113.7")
    client.get(reverse("admin:login"))
    session = client.session
    session["before"] = time.time()
    session.save()
    before = session.session_key
    sign_in(client, "ben", PASSWORD)
    assert client.session.session_key != before
