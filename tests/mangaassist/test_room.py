"""The operator's room: every page of the admin, opened as every group and as nobody, in both languages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import Group, Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, reverse

from mangaassist.admin_site import OneRowAdmin
from mangaassist.groups import GROUPS, make_groups
from mangaassist.navigation import SECTIONS
from tests.access.colleagues import member
from tests.mangaassist.rows import fill

pytestmark = pytest.mark.django_db
MODELS = sorted(admin.site._registry, key=lambda model: model._meta.label)
NAMES = [model._meta.label_lower for model in MODELS]
# Of which there are few, whatever number of rows.
SAME: dict[str, dict[str, Any]] = {"outbox.outboxmessage": {"topic": "feedback"}}
# Whatever a page shows: more is asked row by row.
MOST_QUERIES = 30
# What the policy forbids: scripts and styles in the page, and handlers in attributes.
FORBIDDEN = re.compile(
    rb"""<style\b|<[a-z][^<>]*\sstyle\s*=|<[a-z][^<>]*\son[a-z]+\s*=|javascript:"""
    rb"""|<script(?![^<>]*\b(?:src=|type="(?:application/json|importmap|application/ld\+json)"))""",
    re.IGNORECASE,
)


@pytest.fixture(autouse=True)
def groups(db: None) -> None:
    """Tests that empty the database take those of the migration with them."""
    make_groups()


def pages(model: Any, pk: Any) -> Iterator[tuple[str, str]]:
    """(what one does there, address) of a model's pages."""
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
    yield "view", reverse(f"{name}_changelist")
    yield "add", reverse(f"{name}_add")
    yield "view", reverse(f"{name}_change", args=[pk])
    yield "view", reverse(f"{name}_history", args=[pk])
    yield "delete", reverse(f"{name}_delete", args=[pk])


def own_pages() -> list[tuple[Any, URLPattern]]:
    """The pages that our admins add to Django's."""
    usual = {
        f"{model._meta.app_label}_{model._meta.model_name}_{kind}"
        for model in MODELS
        for kind in ("changelist", "add", "history", "delete", "change")
    }
    return [
        (model, pattern)
        for model in MODELS
        for pattern in admin.site._registry[model].get_urls()
        if pattern.name and pattern.name not in usual and model._meta.app_label != "auth"
    ]


OWN = own_pages()


@pytest.mark.parametrize(("model", "pattern"), OWN, ids=[pattern.name for _, pattern in OWN])
def test_an_own_page_asks_who_comes(model: Any, pattern: URLPattern) -> None:
    """A GET is answered to who may (or told that it takes a POST), and to nobody else."""
    row = fill(model, 1)[0]
    named = pattern.pattern.converters
    address = reverse(f"admin:{pattern.name}", kwargs=dict.fromkeys(named, row.pk))
    assert Client().get(address)["Location"].startswith(reverse("admin:login"))
    assert member("").get(address).status_code in (403, 405)
    # Where a GET is refused the deed is asked for itself.
    assert member("agent").post(address).status_code in (403, 404)
    answer = member("admin").get(address)
    assert answer.status_code in (200, 302, 405)
    # A file that is taken away is no page.
    assert answer.streaming or not FORBIDDEN.search(answer.content)


COLLEAGUES = ["admin", "operator", "analyst", "agent lead", "agent", ""]
VERBS = ("view", "add", "change", "delete")


@pytest.mark.parametrize("model", MODELS, ids=NAMES)
def test_a_page_opens_for_those_whose_group_may_and_for_nobody_else(model: Any) -> None:
    """Who may do the same with a model sees the same there but for the navigation (whose every entry is opened in
    Japanese below): in both languages it is looked at once for each of these rights."""
    row = fill(model, 1)[0]
    addresses = list(pages(model, row.pk))
    seen: set[frozenset[str]] = set()
    for group in COLLEAGUES:
        client = member(group)
        user = User.objects.get(username=f"a-{group or 'newcomer'}")
        may = frozenset(verb for verb in VERBS if user.has_perm(_permission(model, verb)))
        for language in ("en",) if may in seen else ("en", "ja"):
            for deed, address in addresses:
                about = (address, group, language)
                # Settings of one row lead from their list to their form.
                request = client.get(address, headers={"accept-language": language}, follow=True)
                verb = deed if deed != "view" or "view" in may else "change"
                # A record may be closed to everybody for a deed; never is it open to who has no permission.
                if verb not in may:
                    assert request.status_code == 403, about
                elif deed == "view":
                    assert request.status_code == 200, about
                else:
                    assert request.status_code in (200, 403), about
                if request.status_code == 200:
                    assert_sound(request, language)
        seen.add(may)


def assert_sound(page: Any, language: str) -> None:
    found = FORBIDDEN.search(page.content)
    assert not found, (page.request["PATH_INFO"], found)
    assert f'lang="{language}"'.encode() in page.content, page.request["PATH_INFO"]


def _permission(model: Any, verb: str) -> str:
    return f"{model._meta.app_label}.{verb}_{model._meta.model_name}"


@pytest.mark.parametrize("model", MODELS, ids=NAMES)
def test_nobody_is_led_to_the_sign_in(model: Any) -> None:
    row = fill(model, 1)[0]
    for _, address in pages(model, row.pk):
        answer = Client().get(address)
        assert (answer.status_code, answer["Location"].partition("?")[0]) == (302, reverse("admin:login"))


@pytest.mark.parametrize("model", MODELS, ids=NAMES)
def test_more_rows_are_no_more_questions_to_the_database(model: Any) -> None:
    client = member("admin")
    same = SAME.get(model._meta.label_lower, {})
    one = fill(model, 1 if is_one_row(model) else 2, **same)[0]
    addresses = [address for deed, address in pages(model, one.pk) if deed == "view"]
    for address in addresses:
        client.get(address, follow=True)  # Django's own notes of permissions and content types are read once.
    before = [counted(client, address) for address in addresses]
    if not is_one_row(model):
        fill(model, 25, **same)
    after = [counted(client, address) for address in addresses]
    assert [queries for queries, _ in after] == [queries for queries, _ in before], addresses
    assert max(queries for queries, _ in after) <= MOST_QUERIES
    # Nor does a form carry all rows of another table along.
    assert after[1][1] < before[1][1] + 20_000


def is_one_row(model: Any) -> bool:
    return isinstance(admin.site._registry[model], OneRowAdmin)


def counted(client: Client, address: str) -> tuple[int, int]:
    with CaptureQueriesContext(connection) as asked:
        answer = client.get(address, follow=True)
    assert answer.status_code == 200, address
    return len(asked), len(answer.content)


@pytest.mark.parametrize("group", COLLEAGUES)
def test_every_entry_of_the_navigation_opens_for_who_is_shown_it(group: str) -> None:
    client = member(group)
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = "ja"
    page = client.get(reverse("admin:index"), follow=True)
    sections = page.context.get("available_apps") if page.context else None
    for entry in (entry for section in sections or () for entry in section["models"]):
        for address in filter(None, (entry["admin_url"], entry["add_url"])):
            opened = client.get(address, follow=True)
            assert opened.status_code == 200, address
            assert_sound(opened, "ja")


def test_an_agent_begins_at_the_desk_and_a_newcomer_reads_that_nothing_is_theirs_yet() -> None:
    answer = member("agent").get(reverse("admin:index"))
    assert (answer.status_code, answer["Location"]) == (302, "/desk/")
    assert "You don’t have permission" in member("").get(reverse("admin:index")).content.decode()


def test_every_registered_model_stands_in_the_navigation() -> None:
    sections = {section["app_label"] for section in _sections_of_an_admin()}
    shown = {
        f"{each['model']._meta.label_lower}"
        for section in _sections_of_an_admin()
        for each in section["models"]
        if "model" in each
    }
    assert shown == set(NAMES)
    assert sections <= {section.key for section in SECTIONS}


def _sections_of_an_admin() -> list[dict[str, Any]]:
    user = User.objects.filter(username="root").first() or User.objects.create_superuser("root")
    client = Client()
    client.force_login(user)
    context: Any = client.get(reverse("admin:auth_user_changelist")).context
    return list(context["available_apps"])


def test_every_pattern_of_the_groups_stands_for_a_permission() -> None:
    from fnmatch import fnmatchcase

    existing = [
        f"{each.content_type.app_label}.{each.codename}" for each in Permission.objects.select_related("content_type")
    ]
    idle = [
        (group, pattern)
        for group, patterns in GROUPS.items()
        for pattern in patterns
        if not any(fnmatchcase(each, pattern) for each in existing)
    ]
    assert idle == []


@pytest.mark.parametrize(("group", "may", "may_not"), [
    ("operator", "shop.change_offer", "partners.change_apikey"),
    ("operator", "caching.change_cachepolicy", "auth.view_user"),
    ("analyst", "chat.view_conversation", "shop.change_offer"),
    ("analyst", "recommendations.change_experiment", "partners.view_apikey"),
    ("agent lead", "escalation.change_cannedreply", "caching.view_cachepolicy"),
    ("agent lead", "chat.view_conversation", "shop.change_series"),
    ("admin", "partners.add_apikey", "admin.delete_logentry"),
    ("admin", "auth.change_user", "sessions.view_session"),
])  # fmt: skip
def test_what_a_group_may(group: str, may: str, may_not: str) -> None:
    user = User.objects.create(username="somebody", is_staff=True)
    user.groups.add(Group.objects.get(name=group))
    assert user.has_perm(may)
    assert not user.has_perm(may_not)


def test_the_language_is_switched_on_every_page() -> None:
    client = member("admin")
    address = reverse("admin:index")
    assert "日本語" in client.get(address, follow=True).content.decode()
    answer = client.post(reverse("set_language"), {"language": "ja", "next": address})
    assert (answer.status_code, answer["Location"]) == (302, address)
    page = client.get(address, follow=True).content.decode()
    assert 'lang="ja"' in page
    assert "English" in page
    assert "お店の内容" in page
