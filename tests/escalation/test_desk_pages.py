"""Who may open the desk's pages, and what they say."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.utils import translation

from escalation.desk_words import desk_words
from tests.escalation.people import conversation, waiting

pytestmark = pytest.mark.django_db
FOLDER = Path(__file__).parents[2]


def signed_in(*, group: str = "", **fields: bool) -> Client:
    user = User.objects.create(username="u", first_name="Uma", **fields)
    if group:
        # Tests that empty the database take the groups of the migration with them.
        user.groups.add(Group.objects.get_or_create(name=group)[0])
    client = Client()
    client.force_login(user)
    return client


WHO = [
    ({}, 403, 403),
    ({"is_staff": True}, 403, 403),
    ({"group": "agent"}, 403, 403),  # In the group, but no staff.
    ({"is_staff": True, "group": "agent"}, 200, 403),
    ({"is_staff": True, "group": "agent lead"}, 200, 200),
    ({"is_staff": True, "is_superuser": True}, 200, 200),
]


@pytest.mark.parametrize(("who", "desk", "metrics"), WHO)
def test_the_desk_is_for_agents_and_its_figures_for_leads(who: dict[str, bool], desk: int, metrics: int) -> None:
    client = signed_in(**who)  # type: ignore[arg-type]
    assert client.get("/desk/").status_code == desk
    assert client.get("/desk/metrics/").status_code == metrics
    assert ("/desk/metrics/" in client.get("/desk/").content.decode()) is (metrics == 200)


@pytest.mark.parametrize("path", ["/desk/", "/desk/metrics/"])
def test_who_is_not_signed_in_signs_in_first(client: Client, path: str) -> None:
    response = client.get(path)
    assert (response.status_code, response["Location"]) == (302, f"/admin/login/?next={path}")
    assert client.post(path).status_code == 405


def test_a_shop_customer_is_no_agent(client: Client) -> None:
    session = client.session
    session["customer_id"] = "demo-ben"
    session.save()
    assert client.get("/desk/").status_code == 302


def test_the_page_is_never_stored_and_makes_no_markup_from_text() -> None:
    response = signed_in(is_staff=True, group="agent").get("/desk/")
    assert "no-store" in response["Cache-Control"]
    policy = response["Content-Security-Policy"]
    assert "require-trusted-types-for 'script'" in policy
    assert "unsafe" not in policy
    page = response.content.decode()
    assert "style=" not in page
    assert " onclick=" not in page


def test_what_the_module_asks_for_is_on_the_page_and_in_the_words() -> None:
    """Ids and words are the contract between the template, escalation.desk_words and the modules in static/desk."""
    page = signed_in(is_staff=True, group="agent lead").get("/desk/").content.decode()
    module = "".join(each.read_text("utf-8") for each in (FOLDER / "static/desk").glob("*.js"))
    ids = set(re.findall(r'\$\("([\w-]+)"\)', module))
    assert {id for id in ids if f'id="{id}"' not in page} == set()
    words = set(re.findall(r"\bW\.(\w+)", module))
    assert len(words) > 60
    assert words - desk_words().keys() == set()


def test_every_word_is_translated() -> None:
    def leaves(words: object) -> list[str]:
        if isinstance(words, dict):
            return [leaf for value in words.values() for leaf in leaves(value)]
        return [words] if isinstance(words, str) else []

    english = leaves(desk_words())
    with translation.override("ja"):
        japanese = leaves(desk_words())
    assert [word for word, meant in zip(english, japanese, strict=True) if word == meant and "{load}" not in word] == []


@pytest.mark.parametrize(("language", "said"), [("en", "Keys and settings"), ("ja", "キーと設定")])
def test_the_page_speaks_the_readers_language(language: str, said: str) -> None:
    client = signed_in(is_staff=True, group="agent")
    response = client.get("/desk/", headers={"accept-language": language})
    page = response.content.decode()
    assert f'<html lang="{language}">' in page
    assert said in page
    (words,) = re.findall(r'<script id="desk-words" type="application/json">(.*?)</script>', page)
    assert json.loads(words)["send"] == {"en": "Send", "ja": "送信"}[language]


@pytest.mark.parametrize("days", ["1", "7", "30"])
def test_the_figures_of_a_period(days: str) -> None:
    waiting(conversation())
    page = signed_in(is_staff=True, group="agent lead").get(f"/desk/metrics/?days={days}").content.decode()
    assert "1 still open" in page
    assert f'href="?days={days}" aria-current="page"' in page


@pytest.mark.parametrize("days", ["0", "-1", "365", "x", "", "7; drop"])
def test_no_other_period(days: str) -> None:
    assert signed_in(is_staff=True, group="agent lead").get("/desk/metrics/", {"days": days}).status_code == 400
