"""Requests for a person in the admin: read, closed, and deleted only when they are over."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone

from chat.models import Conversation
from escalation.forgetting import redact_rating_comment
from escalation.handoffs import close_handoff
from escalation.models import Handoff, HandoffLine
from mangaassist.access.models import AuditEntry
from mangaassist.privacy.erasing import finish_due
from mangaassist.privacy.models import Erasure
from mangaassist.privacy.words import REDACTED
from tests.escalation.people import conversation, lead, waiting

pytestmark = pytest.mark.django_db
LIST = "/admin/escalation/handoff/"


def operator(*may: str) -> Client:
    user = User.objects.create(username="operator", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=[f"{verb}_handoff" for verb in may]))
    client = Client()
    client.force_login(user)
    return client


def choose(client: Client, action: str, *ids: str) -> int:
    chosen = {"action": action, "_selected_action": ids, "post": "yes"}
    return client.post(LIST, chosen).status_code


def test_only_who_may_change_requests_closes_them() -> None:
    id = waiting()
    choose(operator("view"), "close_selected", id)
    assert Handoff.objects.get(pk=id).status == "queued"
    User.objects.all().delete()
    choose(operator("view", "change"), "close_selected", id)
    assert Handoff.objects.get(pk=id).status == "closed"


def test_an_open_request_is_not_deleted_neither_alone_nor_among_others(admin_client: Client) -> None:
    still_open, over = waiting(), waiting()
    close_handoff(over, by=lead())
    assert admin_client.post(f"{LIST}{still_open}/delete/", {"post": "yes"}).status_code == 403
    choose(admin_client, "delete_selected", still_open, over)
    assert Handoff.objects.count() == 2
    choose(admin_client, "delete_selected", over)
    assert str(Handoff.objects.get().pk) == still_open


def test_the_assistant_answers_again_when_an_open_request_is_gone() -> None:
    id = conversation()
    over = waiting(id)
    close_handoff(over, by=lead())
    still_open = waiting(id)
    Handoff.objects.get(pk=over).delete()
    assert Conversation.objects.get(pk=id).state == "queued"
    Handoff.objects.get(pk=still_open).delete()
    assert Conversation.objects.get(pk=id).state == "bot"


COMMENT = "my son Zzyzx was rude to the agent"


def rated(comment: str = COMMENT) -> Handoff:
    id = waiting(conversation())
    close_handoff(id, by=lead())
    Handoff.objects.filter(pk=id).update(csat=2, csat_comment=comment)
    return Handoff.objects.get(pk=id)


def redactor(*codenames: str) -> Client:
    user = User.objects.create(username=f"redactor-{User.objects.count()}", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client = Client()
    client.force_login(user)
    return client


def test_what_a_shopper_wrote_beside_their_stars_is_redacted_alone() -> None:
    handoff = rated()
    HandoffLine.objects.create(handoff=handoff, role="note", author="Aiko", text=f"They say: {COMMENT}!")
    HandoffLine.objects.create(handoff=handoff, role="shopper", text="where is my order?")
    client = redactor("view_handoff", "redact_conversation")
    address = f"{LIST}{handoff.pk}/change/"
    assert "Take the words out" in client.get(address).content.decode()
    page = client.post(f"{LIST}{handoff.pk}/redact/", follow=True).content.decode()
    assert "Zzyzx" not in page
    assert "Take the words out" not in page
    handoff.refresh_from_db()
    assert (handoff.csat, handoff.csat_comment) == (2, REDACTED)
    assert list(handoff.lines.order_by("pk").values_list("text", flat=True))[-2:] == [
        f"They say: {REDACTED}!",
        "where is my order?",
    ]
    assert AuditEntry.objects.filter(detail="comment redacted").count() == 1
    assert redact_rating_comment(handoff.pk, by="operator") is None
    # A shopper who rates once more meanwhile is not taken back by the second pass.
    Handoff.objects.filter(pk=handoff.pk).update(csat_comment="better now, thank you")
    finish_due(timezone.now() + timedelta(hours=1))
    handoff.refresh_from_db()
    assert handoff.csat_comment == "better now, thank you"


def test_a_comment_is_redacted_by_who_may_with_a_post_and_where_there_is_one() -> None:
    handoff, wordless = rated(), rated("")
    address = f"{LIST}{handoff.pk}/redact/"
    assert redactor("view_handoff", "change_handoff").post(address).status_code == 403
    assert redactor("redact_conversation").post(address).status_code == 403
    client = redactor("view_handoff", "redact_conversation")
    assert client.get(address).status_code == 405
    assert client.post(f"{LIST}{uuid.uuid4()}/redact/").status_code == 404
    assert client.post(f"{LIST}{wordless.pk}/redact/").status_code == 302
    assert not Erasure.objects.exists()
    handoff.refresh_from_db()
    assert handoff.csat_comment == COMMENT


def test_what_was_asked_of_the_assistant_is_read_and_not_decoded(admin_client: Client) -> None:
    tried = [
        {"text": "is <b>Berserk</b> in stock?", "intent": "availability", "outcome": "complete"},
        {"text": "a person, please", "intent": "", "outcome": "running"},
    ]
    handoff = rated()
    Handoff.objects.filter(pk=handoff.pk).update(package={"version": 1, "tried": tried})
    page = admin_client.get(f"{LIST}{handoff.pk}/change/").content.decode()
    assert "<li>is &lt;b&gt;Berserk&lt;/b&gt; in stock? <small>In stock? · answered</small></li>" in page
    assert "<li>a person, please <small>handed over</small></li>" in page
    assert "&quot;version&quot;" not in page
    Handoff.objects.filter(pk=handoff.pk).update(package={})
    assert admin_client.get(f"{LIST}{handoff.pk}/change/").status_code == 200
