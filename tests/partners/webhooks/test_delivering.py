"""Messages on their way: signed, in order, tried again, given up, sent again, and nobody held up by somebody else."""

from __future__ import annotations

import base64
import hashlib
import hmac
import threading
import time
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from mangaassist.outbox import relay
from mangaassist.outbox.models import OutboxMessage
from partners import tasks
from partners.models import SCOPES, ApiKey, create_api_key
from partners.webhooks import delivering
from partners.webhooks.messages import TOPIC, publish, redeliver, send_test
from partners.webhooks.models import Webhook, WebhookAttempt, WebhookMessage
from partners.webhooks.signing import secret_of
from tests.partners.webhooks.conftest import PATIENCE_S, Hooked, hook_of, make_due, send_all
from tests.partners.webhooks.receiver import Receiver, answer


def start(key: ApiKey, conversation_id: str = "", **data: Any) -> str:
    id = conversation_id or str(uuid.uuid4())
    about = {"conversation_id": id, "customer_id": "alice", "locale": "en", "channel": "partner"}
    publish("conversation.started", key.tenant, id, timezone.now(), about | data)
    return id


def statuses() -> list[str]:
    return list(WebhookMessage.objects.order_by("created_at").values_list("status", flat=True))


def verifies(secret: str, received: Any) -> bool:
    """As a partner does it."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    content = f"{received.id}.{received.headers['webhook-timestamp']}.".encode() + received.body
    expected = "v1," + base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    return expected in received.headers["webhook-signature"].split(" ")


def test_a_message_arrives_signed_and_is_logged(hooked: Hooked, api_key: ApiKey) -> None:
    conversation_id = start(api_key)
    send_all()
    (got,) = hooked.receiver.received
    message = WebhookMessage.objects.get()
    assert got.id == str(message.pk) == str(OutboxMessage.objects.get(topic=TOPIC).pk)
    assert abs(time.time() - int(got.headers["webhook-timestamp"])) < 60
    assert verifies(hooked.secret, got)
    assert not verifies(secret_of("another"), got)
    assert got.event["type"] == "conversation.started"
    assert got.event["schema"] == 1
    assert got.event["data"]["conversation_id"] == conversation_id
    assert got.body.decode() == message.body
    attempt = WebhookAttempt.objects.get()
    assert (attempt.status, attempt.error, message.status) == (204, "", "taken")
    assert hooked.now().last_taken_at is not None


def test_what_is_rolled_back_is_not_told(hooked: Hooked, api_key: ApiKey) -> None:
    with transaction.atomic():
        start(api_key)
        transaction.set_rollback(True)
    send_all()
    assert hooked.receiver.received == []
    assert not WebhookMessage.objects.exists()


def test_the_order_of_a_conversation_is_kept_over_retries_and_others_go_ahead(hooked: Hooked, api_key: ApiKey) -> None:
    hooked.receiver.behaviours = [answer(500), answer(503)]
    first = start(api_key, locale="en")
    start(api_key, first, locale="ja")
    send_all()
    other = start(api_key)
    send_all()
    told = [(each.event["data"]["conversation_id"], each.event["data"]["locale"]) for each in hooked.receiver.received]
    assert told == [(first, "en"), (first, "en"), (first, "en"), (first, "ja"), (other, "en")]
    # A retry is the same message, with a signature of its own time.
    assert len({each.id for each in hooked.receiver.received[:3]}) == 1
    assert all(verifies(hooked.secret, each) for each in hooked.receiver.received)
    assert hooked.now().failures == 0


def test_a_receiver_that_hangs_holds_up_no_other(
    hooked: Hooked, api_key: ApiKey, receivers: Callable[[], Receiver]
) -> None:
    well = hook_of(api_key, receivers())
    hooked.receiver.behaviour = hooked.receiver.hang
    for _ in range(10):
        start(api_key)
    relay.drain(TOPIC)
    deadline = time.monotonic() + PATIENCE_S
    while len(well.receiver.received) < 10:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    start(api_key)
    # The relay is back at once: nobody waits in it.
    relay.drain(TOPIC)
    while len(well.receiver.received) < 11:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    # All the while it has had no more than its two threads.
    assert len(hooked.receiver.received) <= 2
    hooked.receiver.free.set()
    send_all()
    assert len({each.id for each in hooked.receiver.received}) == 11


def test_a_lane_is_as_long_as_it_is_and_the_rest_waits_untried(
    hooked: Hooked, api_key: ApiKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    hooked.receiver.behaviour = hooked.receiver.hang
    for _ in range(60):
        start(api_key)
    relay.drain(TOPIC)
    untried = OutboxMessage.objects.filter(topic=TOPIC, status="waiting")
    assert 7 <= untried.count() <= 9
    assert set(untried.values_list("attempts", flat=True)) == {0}
    hooked.receiver.free.set()
    assert delivering.lanes.wait_until_idle(PATIENCE_S)
    make_due()
    send_all()
    assert statuses() == ["taken"] * 60


def test_a_dead_receiver_is_left_in_peace_and_its_messages_count_no_attempt(hooked: Hooked, api_key: ApiKey) -> None:
    hooked.receiver.behaviour = answer(500)
    start(api_key)
    send_all()
    assert len(hooked.receiver.received) == delivering.BORNE_FAILURES
    hook = hooked.now()
    assert hook.paused_until is not None
    assert hook.paused_until > timezone.now()
    assert hook.last_error == "The receiver answered 500."
    later = start(api_key)
    send_all()
    assert len(hooked.receiver.received) == delivering.BORNE_FAILURES
    assert OutboxMessage.objects.get(key__endswith=later).attempts == 0
    hooked.receiver.behaviour = answer(204)
    make_due()
    send_all()
    assert statuses() == ["taken", "taken"]
    assert (hooked.now().paused_until, hooked.now().failing_since, hooked.now().last_error) == (None, None, "")


def test_a_receiver_that_asks_for_time_gets_it(hooked: Hooked, api_key: ApiKey) -> None:
    hooked.receiver.behaviours = [answer(429, Retry_After="300")]
    start(api_key)
    send_all()
    hook = hooked.now()
    assert hook.paused_until is not None
    assert timedelta(seconds=240) < hook.paused_until - timezone.now() <= timedelta(seconds=300)
    assert len(hooked.receiver.received) == 1


def test_after_a_day_it_is_parked_and_a_person_sends_it_again(hooked: Hooked, api_key: ApiKey) -> None:
    hooked.receiver.behaviour = answer(500)
    start(api_key)
    send_all()
    WebhookMessage.objects.update(tried_until=timezone.now())
    make_due()
    send_all()
    message = WebhookMessage.objects.get()
    assert (message.status, OutboxMessage.objects.get(topic=TOPIC).status) == ("failed", "parked")
    hooked.receiver.behaviour = answer(200)
    redeliver(message)
    send_all()
    assert statuses() == ["taken"]
    assert {each.id for each in hooked.receiver.received} == {str(message.pk)}
    # And once more, although it was taken; also when the outbox has forgotten it.
    OutboxMessage.objects.all().delete()
    redeliver(message)
    send_all()
    assert len(hooked.receiver.received) == delivering.BORNE_FAILURES + 3


def test_while_it_is_left_in_peace_too_time_runs_out(hooked: Hooked, api_key: ApiKey) -> None:
    hooked.receiver.behaviour = answer(500)
    start(api_key)
    send_all()
    WebhookMessage.objects.update(tried_until=timezone.now())
    OutboxMessage.objects.update(due_at=timezone.now())
    send_all()
    assert len(hooked.receiver.received) == delivering.BORNE_FAILURES
    assert (statuses(), OutboxMessage.objects.get(topic=TOPIC).status) == (["failed"], "parked")


def test_who_fails_for_days_is_switched_off_and_heard_of(hooked: Hooked, api_key: ApiKey) -> None:
    hooked.receiver.behaviour = answer(500)
    long_ago = timezone.now() - delivering.SWITCHED_OFF_AFTER
    Webhook.objects.update(failures=delivering.SWITCHED_OFF_FAILURES, failing_since=long_ago)
    start(api_key)
    send_all()
    hook = hooked.now()
    assert not hook.is_active
    assert "500" in hook.switched_off_because
    assert list(Webhook.objects.switched_off_by_us()) == [hook]
    # What is left is parked unasked, and what happens now is not written down.
    make_due()
    send_all()
    start(api_key)
    assert statuses() == ["failed"]
    # A test goes through: one tries it before switching it on.
    hooked.receiver.behaviour = answer(204)
    send_test(hook)
    send_all()
    assert hooked.receiver.events[-1] == "webhook.test"
    hook = hooked.now()
    hook.switch_on()
    hook.save()
    start(api_key)
    send_all()
    assert statuses()[-1] == "taken"


def test_a_test_is_tried_for_as_long_as_a_person_waits_for_it(hooked: Hooked) -> None:
    """It goes past the pauses of a receiver that is down, which must not be knocked at for a day."""
    hooked.receiver.behaviour = answer(500)
    message = send_test(hooked.hook)
    assert message.tried_until - message.created_at == timedelta(minutes=10)
    WebhookMessage.objects.update(tried_until=timezone.now())
    send_all()
    assert (statuses(), len(hooked.receiver.received)) == (["failed"], 1)
    before = timezone.now()
    redeliver(message)
    assert timedelta(0) < WebhookMessage.objects.get().tried_until - before < timedelta(minutes=11)


def test_a_receiver_that_is_gone_for_good_says_so(hooked: Hooked, api_key: ApiKey) -> None:
    hooked.receiver.behaviour = answer(410)
    start(api_key)
    send_all()
    assert len(hooked.receiver.received) == 1
    assert (hooked.now().is_active, hooked.now().switched_off_because) == (False, "Its receiver has answered 410 Gone.")
    assert statuses() == ["failed"]


def test_both_secrets_sign_while_they_overlap(hooked: Hooked, api_key: ApiKey) -> None:
    new = secret_of(hooked.hook.rotate(old_until=timezone.now() + timedelta(hours=1)))
    start(api_key)
    send_all()
    assert verifies(new, hooked.receiver.received[0])
    assert verifies(hooked.secret, hooked.receiver.received[0])
    newest = secret_of(hooked.hook.rotate(old_until=timezone.now()))
    start(api_key)
    send_all()
    assert verifies(newest, hooked.receiver.received[1])
    assert not verifies(new, hooked.receiver.received[1])
    assert not verifies(hooked.secret, hooked.receiver.received[1])


def test_another_secret_key_is_noticed_and_no_wrong_signature_leaves(
    hooked: Hooked, api_key: ApiKey, settings: Any
) -> None:
    settings.SECRET_KEY = "another-key-than-the-one-it-was-made-with"
    start(api_key)
    send_all()
    assert hooked.receiver.received == []
    assert "needs a new secret" in OutboxMessage.objects.get(topic=TOPIC).error


@pytest.mark.parametrize("change", ["revoked", "expired", "scope", "off", "event", "tenant", "deleted"])
def test_who_hears_nothing(hooked: Hooked, api_key: ApiKey, receivers: Callable[[], Receiver], change: str) -> None:
    """Neither of what happens after the change, nor of what waited when it came."""
    start(api_key)
    if change == "revoked":
        ApiKey.objects.revoke()
    elif change == "expired":
        ApiKey.objects.update(expires_at=timezone.now())
    elif change == "scope":
        ApiKey.objects.update(scopes=["conversations"])
    elif change == "off":
        Webhook.objects.update(is_active=False)
    elif change == "deleted":
        hooked.hook.delete()
    else:
        # These were never to hear it.
        WebhookMessage.objects.all().delete()
        Webhook.objects.update(events=["feedback.received"] if change == "event" else hooked.hook.events)
        if change == "tenant":
            api_key = create_api_key("Another shop", list(SCOPES))[0]
    start(api_key)
    send_all()
    assert hooked.receiver.received == []
    assert set(statuses()) <= {"failed"}
    assert not OutboxMessage.objects.filter(status__in=("waiting", "claimed")).exists()


def test_a_dead_process_leaves_its_message_to_another(hooked: Hooked, api_key: ApiKey) -> None:
    """A thread that was stopped after the request and before its report: told twice, under one id."""
    start(api_key)
    relay.drain(TOPIC)
    assert delivering.lanes.wait_until_idle(PATIENCE_S)
    past = timezone.now() - timedelta(seconds=1)
    OutboxMessage.objects.update(status="claimed", leased_until=past)
    WebhookMessage.objects.update(status="waiting")
    send_all()
    first, second = hooked.receiver.received
    assert first.id == second.id
    assert statuses() == ["taken"]


def test_the_log_is_kept_for_its_days(hooked: Hooked, api_key: ApiKey, settings: Any) -> None:
    start(api_key)
    start(api_key)
    send_all()
    old = WebhookMessage.objects.order_by("created_at")[0]
    WebhookMessage.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(days=15))
    start(api_key)
    waiting = WebhookMessage.objects.filter(status="waiting")
    waiting.update(created_at=timezone.now() - timedelta(days=15))
    tasks.purge_webhook_log()
    assert sorted(statuses()) == ["taken", "waiting"]
    assert WebhookAttempt.objects.count() == 1
    waiting.update(tried_until=timezone.now() - timedelta(days=2))
    tasks.purge_webhook_log()
    assert statuses() == ["taken"]


def test_a_deleted_webhook_leaves_nothing_for_a_person_to_settle(hooked: Hooked, api_key: ApiKey) -> None:
    hooked.receiver.behaviour = answer(500)
    start(api_key)
    send_all()
    start(api_key)
    WebhookMessage.objects.update(tried_until=timezone.now())
    OutboxMessage.objects.update(due_at=timezone.now())
    relay.drain(TOPIC)
    start(api_key)
    assert sorted(OutboxMessage.objects.values_list("status", flat=True)) == ["parked", "parked", "waiting"]
    hooked.hook.delete()
    assert set(OutboxMessage.objects.values_list("status", flat=True)) == {"discarded"}
    assert not WebhookMessage.objects.exists()


def test_what_was_given_up_is_forgotten_with_the_log(hooked: Hooked, api_key: ApiKey) -> None:
    hooked.receiver.behaviour = answer(410)
    start(api_key)
    send_all()
    tasks.purge_webhook_log()
    assert OutboxMessage.objects.get().status == "parked"
    long_ago = timezone.now() - timedelta(days=15)
    OutboxMessage.objects.update(created_at=long_ago)
    WebhookMessage.objects.update(created_at=long_ago)
    tasks.purge_webhook_log()
    assert OutboxMessage.objects.get().status == "discarded"
    assert not WebhookMessage.objects.exists()


def test_lanes_run_side_by_side_and_end_when_they_are_empty() -> None:
    from partners.webhooks.lanes import ReceiverLanes

    lanes, free, done = ReceiverLanes(each=1, queue=2, most=2), threading.Event(), list[str]()
    first, second, third = uuid.uuid4(), uuid.uuid4(), uuid.uuid4()

    def hang() -> None:
        assert free.wait(PATIENCE_S)
        done.append("hung")

    assert lanes.submit(first, hang)
    assert lanes.submit(second, lambda: done.append("second"))
    deadline = time.monotonic() + PATIENCE_S
    while done != ["second"]:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    # What raises ends neither its thread nor its lane.
    assert lanes.submit(second, lambda: done.remove("nobody"))
    while not lanes.submit(third, lambda: done.append("third")):
        assert time.monotonic() < deadline
    free.set()
    assert lanes.wait_until_idle(PATIENCE_S)
    assert sorted(done) == ["hung", "second", "third"]
