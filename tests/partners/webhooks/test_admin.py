"""Operators make webhooks, watch what was sent, send it again, and are told when one was switched off."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from partners.models import ApiKey
from partners.webhooks import delivering
from partners.webhooks.models import EVENTS, Webhook, WebhookMessage
from tests.partners.webhooks.conftest import Hooked, send_all
from tests.partners.webhooks.receiver import Receiver, answer
from tests.partners.webhooks.test_delivering import start, statuses, verifies

LIST = reverse("admin:partners_webhook_changelist")
OFF = "switched off after failures"


@pytest.fixture
def operator(transactional_db: None) -> Client:
    return signed_in(User.objects.create_superuser("operator"))


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def clerk(*codes: str) -> Client:
    user = User.objects.create_user(f"clerk-{'-'.join(codes)}"[:150], is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codes))
    return signed_in(user)


def change(hook: Webhook) -> str:
    return reverse("admin:partners_webhook_change", args=[hook.pk])


def form_of(hook: Webhook, **changed: Any) -> dict[str, Any]:
    management = {"secrets-TOTAL_FORMS": 0, "secrets-INITIAL_FORMS": 0}
    return {"url": hook.url, "events": hook.events, "is_active": "on", **management, **changed}


def shown_secret(page: Any) -> str:
    text = page.content.decode()
    return str(text.split('id="secret">')[1].split("<")[0])


def test_a_webhook_is_made_and_its_secret_shown_once(
    operator: Client, api_key: ApiKey, receivers: Callable[[], Receiver]
) -> None:
    shop = receivers()
    body = {"key": api_key.pk, "url": shop.url, "events": list(EVENTS), "is_active": "on"}
    page = operator.post(reverse("admin:partners_webhook_add"), body)
    assert "no-store" in page.headers["Cache-Control"]
    secret = shown_secret(page)
    start(api_key)
    send_all()
    assert verifies(secret, shop.received[0])
    hook = Webhook.objects.get()
    for address in (LIST, change(hook), reverse("admin:partners_webhook_rotate", args=[hook.pk])):
        assert secret not in operator.get(address).content.decode()


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("url", "https://127.0.0.1/", "must be https"),
        ("url", "http://hooks.shop.example/", "must be https"),
        ("url", "https://localhost.localdomain.internal/", "must be a public name"),
        ("url", "", "This field is required"),
        ("events", [], "This field is required"),
        ("events", ["handoff.lost"], "not one of the available choices"),
        ("key", 0, "not one of the available choices"),
    ],
)
def test_bad_webhooks(operator: Client, api_key: ApiKey, field: str, value: Any, words: str) -> None:
    body = {"key": api_key.pk, "url": "https://hooks.shop.example/", "events": list(EVENTS), field: value}
    page = operator.post(reverse("admin:partners_webhook_add"), body)
    assert words in page.content.decode()
    assert not Webhook.objects.exists()


def test_an_address_that_leads_inwards_is_refused(operator: Client, hooked: Hooked) -> None:
    """Where loopback is open, a name of any form passes; what it leads to is still looked at."""
    page = operator.post(change(hooked.hook), form_of(hooked.hook, url="http://10.1.2.3/"))
    assert "leads to an address that is not public" in page.content.decode()


def test_a_rotation_overlaps_and_is_audited(operator: Client, hooked: Hooked, api_key: ApiKey) -> None:
    address = reverse("admin:partners_webhook_rotate", args=[hooked.hook.pk])
    assert operator.get(address).status_code == 200
    tomorrow = timezone.now() + timedelta(days=1)
    page = operator.post(address, {"old_until_0": f"{tomorrow:%Y-%m-%d}", "old_until_1": "12:00:00"})
    secret = shown_secret(page)
    start(api_key)
    send_all()
    assert verifies(secret, hooked.receiver.received[0])
    assert verifies(hooked.secret, hooked.receiver.received[0])
    assert LogEntry.objects.get().get_change_message() == "Its secret was rotated."
    assert "old_until" in str(operator.post(address, {"old_until_0": "never"}).context["form"].errors)


def test_a_test_event_from_the_page_and_from_the_list(operator: Client, hooked: Hooked) -> None:
    page = operator.post(change(hooked.hook), form_of(hooked.hook, _test="1"), follow=True)
    assert "A test event is on its way." in page.content.decode()
    operator.post(LIST, {"action": "test_selected", "_selected_action": [str(hooked.hook.pk)]})
    send_all()
    assert hooked.receiver.events == ["webhook.test"] * 2
    sent = [entry for entry in LogEntry.objects.all() if entry.get_change_message() == "A test event was sent."]
    assert len(sent) == 2


def test_the_log_shows_every_attempt_and_sends_again(operator: Client, hooked: Hooked, api_key: ApiKey) -> None:
    hooked.receiver.behaviours = [answer(500)]
    conversation_id = start(api_key)
    send_all()
    message = WebhookMessage.objects.get()
    listed = operator.get(reverse("admin:partners_webhookmessage_changelist"), {"q": conversation_id})
    assert "conversation.started" in listed.content.decode()
    page = reverse("admin:partners_webhookmessage_change", args=[message.pk])
    shown = operator.get(page).content.decode()
    assert "The receiver answered 500." in shown
    assert conversation_id in shown
    again = operator.post(reverse("admin:partners_webhookmessage_again", args=[message.pk]), follow=True)
    assert "1 message is sent again." in again.content.decode()
    assert statuses() == ["waiting"]
    send_all()
    body = {"action": "send_selected_again", "_selected_action": [str(message.pk)]}
    operator.post(reverse("admin:partners_webhookmessage_changelist"), body)
    send_all()
    assert [each.id for each in hooked.receiver.received] == [str(message.pk)] * 4
    assert LogEntry.objects.filter(object_id=str(message.pk)).count() == 2
    assert operator.get(reverse("admin:partners_webhookmessage_again", args=[message.pk])).status_code == 405


def test_what_we_switched_off_is_said_on_the_first_page(operator: Client, hooked: Hooked, api_key: ApiKey) -> None:
    index = reverse("admin:index")
    assert OFF not in operator.get(index, follow=True).content.decode()
    hooked.receiver.behaviour = answer(410)
    start(api_key)
    send_all()
    assert f"1 partner&#x27;s webhook was {OFF}." in operator.get(index, follow=True).content.decode()
    assert "410 Gone" in operator.get(LIST).content.decode()
    assert "410 Gone" in operator.get(change(hooked.hook)).content.decode()
    assert OFF not in clerk("view_apikey").get(index).content.decode()
    # Switched on again it begins anew.
    Webhook.objects.update(failures=delivering.SWITCHED_OFF_FAILURES, failing_since=timezone.now())
    operator.post(change(hooked.hook), form_of(hooked.hook))
    hook = hooked.now()
    assert (hook.is_active, hook.failures, hook.failing_since, hook.switched_off_because) == (True, 0, None, "")
    assert OFF not in operator.get(index, follow=True).content.decode()


def test_who_may_only_look_sends_nothing(hooked: Hooked, api_key: ApiKey) -> None:
    start(api_key)
    send_all()
    message = WebhookMessage.objects.get()
    looker = clerk("view_webhook", "view_webhookmessage")
    assert looker.get(change(hooked.hook)).status_code == 200
    page = looker.get(reverse("admin:partners_webhookmessage_change", args=[message.pk])).content.decode()
    assert "Send again" not in page
    assert looker.post(reverse("admin:partners_webhookmessage_again", args=[message.pk])).status_code == 403
    assert looker.post(reverse("admin:partners_webhook_rotate", args=[hooked.hook.pk])).status_code == 403
    assert looker.post(change(hooked.hook), form_of(hooked.hook, _test="1")).status_code == 403
    looker.post(LIST, {"action": "test_selected", "_selected_action": [str(hooked.hook.pk)]})
    body = {"action": "send_selected_again", "_selected_action": [str(message.pk)]}
    looker.post(reverse("admin:partners_webhookmessage_changelist"), body)
    assert statuses() == ["taken"]
    stranger = clerk("view_apikey")
    assert stranger.get(LIST).status_code == 403
    assert stranger.get(reverse("admin:partners_webhookmessage_changelist")).status_code == 403


def test_it_speaks_japanese(operator: Client, hooked: Hooked) -> None:
    page = operator.get(change(hooked.hook), headers={"accept-language": "ja"}).content.decode()
    for words in ("アドレス", "保存してテストイベントを送る", "新しいシークレット"):
        assert words in page
