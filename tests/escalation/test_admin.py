"""Requests for a person in the admin: read, closed, and deleted only when they are over."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from chat.models import Conversation
from escalation.handoffs import close_handoff
from escalation.models import Handoff
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
