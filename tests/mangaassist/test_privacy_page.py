"""The page Privacy: who may open it, look up, export and erase; and what is refused."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import orjson
import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from chat.models import Conversation, Message
from mangaassist.access.models import AuditEntry
from mangaassist.groups import make_groups
from mangaassist.privacy.models import Erasure, RetentionRun
from recommendations.models import Interaction
from tests.access.colleagues import member
from tests.mangaassist.downloads import downloaded

pytestmark = pytest.mark.django_db(transaction=True)
CUSTOMER = "zz-customer"
SHOPPER = {"kind": "customer_id", "name": CUSTOMER}


@pytest.fixture(autouse=True)
def interaction(transactional_db: None) -> None:
    make_groups()
    Interaction.objects.create(customer_id=CUSTOMER, asin="A", series_id="a", type="view", at=timezone.now())


@pytest.mark.parametrize(("group", "may"), [("admin", True), ("operator", True), ("analyst", False), ("agent", False)])
@pytest.mark.parametrize("page", ["privacy", "privacy_export", "privacy_erase"])
def test_who_may(group: str, may: bool, page: str) -> None:
    answer = member(group).post(reverse(f"admin:{page}"), SHOPPER)
    assert answer.status_code == (200 if may else 403)
    assert Interaction.objects.exists()


@pytest.mark.parametrize("page", ["privacy", "privacy_export", "privacy_erase"])
def test_nobody_is_led_to_the_sign_in(page: str) -> None:
    assert Client().post(reverse(f"admin:{page}"), SHOPPER)["Location"].startswith(reverse("admin:login"))


def test_who_only_looks_is_told_how_long_and_finds_nobody() -> None:
    user = User.objects.create(username="auditor", is_staff=True)
    from django.contrib.auth.models import Permission

    user.user_permissions.add(Permission.objects.get(codename="view_privacy"))
    client = Client()
    client.force_login(user)
    page = client.get(reverse("admin:privacy"))
    assert "CONVERSATIONS_KEPT_DAYS" in page.content.decode()
    assert client.post(reverse("admin:privacy"), SHOPPER).status_code == 403


def test_a_shopper_is_looked_up_and_exported() -> None:
    client = member("operator")
    page = client.post(reverse("admin:privacy"), SHOPPER)
    assert ("Interactions", "1") in page.context["held"]
    answer: Any = client.post(reverse("admin:privacy_export"), SHOPPER)
    assert answer["Content-Disposition"].startswith("attachment")
    assert orjson.loads(downloaded(answer))["interactions"][0]["asin"] == "A"
    entry = AuditEntry.objects.get(kind="export")
    assert (entry.actor, CUSTOMER in entry.what) == ("a-operator", False)


def test_the_page_counts_no_further_than_it_tells_and_reads_no_row() -> None:
    conversation = Conversation.objects.create(customer_id=CUSTOMER, session_id="s1")
    Message.objects.bulk_create(
        Message(conversation=conversation, role="user", content="long " * 100) for _ in range(50)
    )
    now = timezone.now()
    Interaction.objects.bulk_create(
        Interaction(
            customer_id=CUSTOMER, asin="A", series_id="a", type="view", content_key=f"key-{number}",
            at=now - timedelta(minutes=number + 1),
        )
        for number in range(1_500)
    )  # fmt: skip
    client = member("operator")
    client.get(reverse("admin:privacy"))
    with CaptureQueriesContext(connection) as asked:
        page = client.post(reverse("admin:privacy"), SHOPPER)
    assert {("Interactions", "1,000+"), ("Conversations", "1")} <= set(page.context["held"])
    reads = [query["sql"] for query in asked.captured_queries]
    assert len(reads) < 50
    assert not any('"content"' in sql or '"payload"' in sql or '"trace"' in sql for sql in reads)


def test_it_tells_what_has_failed_and_what_was_given_up() -> None:
    now = timezone.now()
    RetentionRun.objects.create(kind="carts", ran_at=now, error="OperationalError")
    Erasure.objects.create(reference="abc", asked_by="aya", error="caching: ConnectionError", again_at=now)
    Erasure.objects.create(reference="def", asked_by="aya", error="It cannot be read.", kind="words")
    page = member("operator").get(reverse("admin:privacy")).content.decode()
    assert "failed (OperationalError); the next run tries again" in page
    assert page.count("tried again every minute") == 1
    assert "It cannot be read." in page


def test_a_click_alone_erases_nobody() -> None:
    client = member("operator")
    page = client.post(reverse("admin:privacy_erase"), SHOPPER)
    assert "Erase this shopper everywhere?" in page.content.decode()
    wrong = client.post(reverse("admin:privacy_erase"), SHOPPER | {"again": "zz-custome"})
    assert "This is not the id above." in wrong.content.decode()
    assert Interaction.objects.exists()
    done = client.post(reverse("admin:privacy_erase"), SHOPPER | {"again": CUSTOMER})
    assert done["Location"] == reverse("admin:privacy")
    assert not Interaction.objects.exists()
    assert Erasure.objects.get().asked_by == "a-operator"


@pytest.mark.parametrize("bad", [
    {}, {"kind": "customer_id", "name": ""}, {"kind": "nothing", "name": "a"}, {"kind": "customer_id", "name": "x" * 129},
    {"kind": "customer_id", "name": "a\x00b"}, {"kind": "conversation_id", "name": " "},
])  # fmt: skip
@pytest.mark.parametrize("page", ["privacy", "privacy_export", "privacy_erase"])
def test_bad_input_is_told(page: str, bad: dict[str, str]) -> None:
    answer = member("operator").post(reverse(f"admin:{page}"), bad, follow=True)
    assert answer.status_code == 200
    assert not Erasure.objects.exists()


def test_it_speaks_japanese() -> None:
    page = member("operator").get(reverse("admin:privacy"), headers={"accept-language": "ja"})
    assert "保存期間" in page.content.decode()
