"""The audit log: what is written into it, and that nothing but age takes a line away."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from chat.audit import hide_name
from chat.models import Conversation
from mangaassist.access.audit import forget_old, record
from mangaassist.access.models import AuditEntry
from shop.models import Promotion
from tests.mangaassist.rows import fill

pytestmark = pytest.mark.django_db
LOG = "/admin/access/auditentry/"


def lines() -> list[tuple[str, str, str, str]]:
    rows = AuditEntry.objects.order_by("pk").exclude(kind="signed_in")
    return list(rows.values_list("kind", "actor", "what", "detail"))


def test_changes_in_the_admin_are_in_it(admin_client: Client) -> None:
    admin_client.post("/admin/auth/group/add/", {"name": "night shift"})
    kind, actor, what, detail = lines()[0]
    assert (kind, actor) == ("access", "admin")
    assert "night shift" in what
    assert detail.startswith("added")


def test_many_deleted_at_once_are_in_it_one_by_one(admin_client: Client) -> None:
    rows = fill(Promotion, 3)
    form = {"action": "delete_selected", "_selected_action": [row.pk for row in rows], "post": "yes"}
    assert admin_client.post("/admin/shop/promotion/", form).status_code == 302
    assert [kind for kind, _, _, _ in lines()] == ["deleted"] * 3
    assert not Promotion.objects.exists()


def test_what_is_taken_away_as_a_file_is_in_it(admin_client: Client) -> None:
    from chat.models import Feedback

    row = fill(Feedback, 1)[0]
    answer = admin_client.post("/admin/chat/feedback/", {"action": "export_csv", "_selected_action": [row.pk]})
    assert answer.headers["Content-Disposition"].startswith("attachment")
    ((kind, actor, what, detail),) = lines()
    assert (kind, actor, what) == ("export", "admin", "/admin/chat/feedback/")
    assert "feedback-" in detail


def test_a_key_that_is_made_and_revoked_is_in_it_without_its_secret(admin_client: Client) -> None:
    form = {"name": "acme", "scopes": ["orders:read"], "rate_per_minute": 60, "secrets-TOTAL_FORMS": 0,
            "secrets-INITIAL_FORMS": 0, "secrets-MIN_NUM_FORMS": 0, "secrets-MAX_NUM_FORMS": 0}  # fmt: skip
    page = admin_client.post("/admin/partners/apikey/add/", form).content.decode()
    secret = page.partition('<code id="secret">')[2].partition("<")[0]
    from partners.models import ApiKey

    admin_client.post("/admin/partners/apikey/", {"action": "revoke", "_selected_action": [ApiKey.objects.get().pk]})
    told = lines()
    assert [kind for kind, _, _, _ in told] == ["key", "key"]
    assert "revoked" in told[1][3].lower()
    assert secret
    assert not any(secret in word for line in told for word in line)


@pytest.mark.parametrize("verb", ["add/", "{pk}/change/", "{pk}/delete/"])
def test_nobody_writes_changes_or_deletes_a_line_in_the_admin(admin_client: Client, verb: str) -> None:
    record("export", actor="aiko", what="feedback")
    line = AuditEntry.objects.get(kind="export")
    address = LOG + verb.format(pk=line.pk)
    assert admin_client.post(address, {"post": "yes", "kind": "export", "actor": "nobody"}).status_code == 403
    admin_client.post(LOG, {"action": "delete_selected", "_selected_action": [line.pk], "post": "yes"})
    assert AuditEntry.objects.get(pk=line.pk).actor == "aiko"


def test_it_is_searched_by_name_address_object_and_words(admin_client: Client) -> None:
    record("export", actor="aiko", what="feedback of May", detail="attachment")
    for word in ("aiko", "May", "attachment"):
        assert "feedback of May" in admin_client.get(LOG, {"q": word}).content.decode()
    assert "feedback of May" not in admin_client.get(LOG, {"q": "ben"}).content.decode()


def test_a_line_goes_when_it_is_old_enough() -> None:
    for days in (729, 731):
        record("export", actor="aiko")
        AuditEntry.objects.filter(at__gt=timezone.now() - timedelta(hours=1)).update(
            at=timezone.now() - timedelta(days=days)
        )
    assert forget_old() == 1


def test_a_colleagues_line_stays_when_the_colleague_is_deleted(admin_client: Client) -> None:
    aiko = User.objects.create_superuser("aiko")
    client = Client()
    client.force_login(aiko)
    admin_client.post(reverse("admin:auth_user_delete", args=[aiko.pk]), {"post": "yes"})
    assert AuditEntry.objects.filter(actor="aiko", kind="signed_in").exists()


def test_the_admins_own_log_is_kept_no_longer(admin_client: Client, settings: Any) -> None:
    admin_client.post("/admin/auth/group/add/", {"name": "night shift"})
    LogEntry.objects.update(action_time=timezone.now() - timedelta(days=settings.AUDIT_KEPT_DAYS + 1))
    forget_old()
    assert not LogEntry.objects.exists()


def test_an_erased_conversation_is_named_by_its_id_alone() -> None:
    conversation = Conversation.objects.create(customer_id="sora-1988")
    record("changed", actor="kim", what=f"conversation {conversation} ({conversation.pk})", detail="shared")
    record("changed", actor="kim", what="conversation somebody else (4711)", detail="shared")
    hide_name(Conversation, conversation.pk)
    assert [what for _, _, what, _ in lines()] == [
        f"conversation ({conversation.pk})",
        "conversation somebody else (4711)",
    ]
