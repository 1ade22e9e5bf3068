"""Deeds of our own in the admin (actions and pages) are in the audit log as Django's changes are: one line for each row."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from escalation.models import EscalationRule, Handoff, OfficeHours
from knowledge.models import Document
from mangaassist.access.models import AuditEntry
from mangaassist.analytics.models import UnansweredQuestion
from mangaassist.outbox.models import OutboxMessage, QueuedMessage
from partners.webhooks.models import Webhook, WebhookMessage
from tests.escalation.people import waiting
from tests.mangaassist.rows import fill
from tests.shop.catalogue import lay_small_catalogue

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_worker(settings: Any) -> None:
    settings.OUTBOX_WAKE = False


def lines() -> list[tuple[str, str, str]]:
    """(who, what, detail), the oldest first."""
    rows = AuditEntry.objects.order_by("pk").exclude(kind="signed_in")
    return list(rows.values_list("actor", "what", "detail"))


def choose(client: Client, action: str, *rows: Any) -> None:
    model = rows[0]._meta
    address = reverse(f"admin:{model.app_label}_{model.model_name}_changelist")
    form = {"action": action, "_selected_action": [row.pk for row in rows]}
    assert client.post(address, form).status_code == 302


ACTIONS = [
    ("retry_selected", OutboxMessage, {"status": "parked", "topic": "feedback"}, "Tried again."),
    ("discard_selected", OutboxMessage, {"status": "parked", "topic": "feedback"}, "Discarded."),
    ("receive_selected_again", QueuedMessage, {"dead": True}, "Received again."),
    ("close_selected", Handoff, None, "Closed."),
    ("read_again", Document, {}, "Read again."),
    ("mark_handled", UnansweredQuestion, {}, "Handled."),
    ("test_selected", Webhook, {}, "A test event was sent."),
    ("send_selected_again", WebhookMessage, {"body": '{"type": "feedback.received"}'}, "Sent again."),
]


@pytest.mark.parametrize(("action", "model", "same", "detail"), ACTIONS, ids=[action for action, *_ in ACTIONS])
def test_an_action_is_in_it_row_by_row(
    admin_client: Client, action: str, model: Any, same: dict[str, Any] | None, detail: str
) -> None:
    rows = [_handoff(), _handoff()] if same is None else fill(model, 2, **same)
    choose(admin_client, action, *rows)
    name = model._meta.verbose_name
    told = lines()
    assert [(who, detail) for who, _, detail in told] == [("admin", detail)] * 2
    assert all(what.startswith(str(name)) for _, what, _ in told)
    assert sorted(what.rpartition("(")[2] for _, what, _ in told) == sorted(f"{row.pk})" for row in rows)


def _handoff() -> Handoff:
    return Handoff.objects.get(pk=waiting())


@pytest.mark.parametrize(("action", "model", "same"), [
    ("retry_selected", OutboxMessage, {"status": "done", "topic": "feedback"}),
    ("discard_selected", OutboxMessage, {"status": "done", "topic": "feedback"}),
    ("receive_selected_again", QueuedMessage, {"dead": False}),
    ("close_selected", Handoff, {"status": "closed"}),
])  # fmt: skip
def test_what_an_action_leaves_as_it_is_is_not(admin_client: Client, action: str, model: Any, same: Any) -> None:
    choose(admin_client, action, *fill(model, 2, **same))
    assert lines() == []


def test_many_rows_are_few_questions(admin_client: Client) -> None:
    """An outage may have parked thousands."""
    asked = []
    for number in (2, 60):
        rows = fill(OutboxMessage, number, status="parked", topic="feedback")
        with CaptureQueriesContext(connection) as queries:
            choose(admin_client, "retry_selected", *rows)
        asked.append(len(queries))
    assert asked[1] <= asked[0]


def test_a_new_name_of_a_series_is_in_it_and_the_shoppers_words_are_not(admin_client: Client) -> None:
    lay_small_catalogue()
    row = fill(UnansweredQuestion, 1, question="where is my dear aunt's berserk", kind="title")[0]
    page = reverse("admin:analytics_unansweredquestion_alias", args=[row.pk])
    assert admin_client.post(page, {"alias": "Beru", "series": "berserk"}).status_code == 302
    (_, series, named), (_, question, handled) = lines()
    assert (series, named) == ("series Berserk (berserk)", "alias added: Beru")
    assert (question, handled) == (f"unanswered question  ({row.pk})", "Handled: a name of berserk.")
    # The series has the name: it is not said to be new once more.
    admin_client.post(page, {"alias": "Beru", "series": "berserk"})
    assert [detail for _, _, detail in lines()[2:]] == ["Handled: a name of berserk."]


def test_a_line_names_the_network_address(admin_client: Client) -> None:
    choose(admin_client, "mark_handled", *fill(UnansweredQuestion, 1))
    assert AuditEntry.objects.get(detail="Handled.").address == "127.0.0.1"


def test_the_log_is_in_english_for_whoever_acts(admin_client: Client) -> None:
    hook = fill(Webhook, 1)[0]
    form = {"old_until_0": "2030-01-01", "old_until_1": "00:00"}
    address = reverse("admin:partners_webhook_rotate", args=[hook.pk])
    assert admin_client.post(address, form, headers={"accept-language": "ja"}).status_code == 200
    assert [detail for _, _, detail in lines()] == ["Its secret was rotated."]


def test_rules_and_hours_say_from_what_to_what(admin_client: Client) -> None:
    rule = EscalationRule.objects.create(name="refunds", kind="keywords", keywords="refund", priority=0)
    address = reverse("admin:escalation_escalationrule_change", args=[rule.pk])
    form = _filled(admin_client, address) | {"priority": "1"}
    assert admin_client.post(address, form).status_code == 302
    hours = OfficeHours.objects.create(weekday=0, opens="09:00", closes="17:00", zone="Asia/Tokyo")
    address = reverse("admin:escalation_officehours_change", args=[hours.pk])
    assert admin_client.post(address, _filled(admin_client, address) | {"closes": "18:00"}).status_code == 302
    assert [detail for _, _, detail in lines()] == [
        "changed: Changed priority: 0 → 1.",
        "changed: Changed closes: 17:00:00 → 18:00:00.",
    ]


def _filled(client: Client, address: str) -> dict[str, Any]:
    """What the form holds as it is opened."""
    form: Any = client.get(address).context["adminform"].form
    values = {name: form[name].value() for name in form.fields}
    return {name: value for name, value in values.items() if value is not False and value not in (None, "")}
