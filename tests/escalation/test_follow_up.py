"""A request that goes on by e-mail."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core import mail
from django.core.exceptions import ValidationError
from django.utils import timezone

from chat.models import Conversation
from escalation.follow_up import answer_by_email, leave_email
from escalation.handoffs import HandoffConflict, take_handoff
from escalation.lines import LineRefused
from escalation.models import Handoff
from mangaassist.outbox.models import OutboxMessage
from mangaassist.outbox.relay import drain
from tests.escalation.people import agent, conversation, waiting, word_id

pytestmark = pytest.mark.django_db


def test_from_an_address_to_an_answer() -> None:
    conversation_id = conversation()
    id = waiting(conversation_id)
    for _ in range(2):
        assert leave_email(conversation_id, "ada@shop.example")
    # The assistant goes on, and the request stays in the queue.
    assert Conversation.objects.get().state == "bot"
    assert Handoff.objects.get().status == "queued"
    take_handoff(id, by=agent())
    word = word_id()
    for _ in range(2):
        answer_by_email(id, " Your book is on its way. ", by=agent(), client_id=word)
    handoff = Handoff.objects.get()
    assert (handoff.status, handoff.close_reason) == ("closed", "by_email")
    drain("handoff-mail")
    noted, answer = mail.outbox
    assert noted.to == answer.to == ["ada@shop.example"]
    assert noted.subject == "Your request to our team"
    assert answer.body == "Your book is on its way.\n\nAiko"
    assert not OutboxMessage.objects.filter(done_at=None).exists()


def mails() -> list[tuple[str, str]]:
    drain("handoff-mail")
    return [(each.to[0], str(each.body)) for each in mail.outbox]


def test_the_confirmation_holds_no_word_of_whoever_gave_the_address() -> None:
    conversation_id = conversation()
    waiting(conversation_id)  # Its reason: "please".
    leave_email(conversation_id, "ada@shop.example")
    [(_, text)] = mails()
    assert "please" not in text


def test_a_conversation_confirms_to_two_addresses_and_an_address_is_confirmed_once_a_day() -> None:
    first, second = conversation(), conversation()
    waiting(first)
    waiting(second)
    for name in ("ada", "ben", "ada", "cleo", "dan"):
        assert leave_email(first, f"{name}@shop.example")
    assert leave_email(second, "ADA+1@shop.example")
    assert [to for to, _ in mails()] == ["ada@shop.example", "ben@shop.example"]
    assert Handoff.objects.get(conversation_id=first).email == "dan@shop.example"
    OutboxMessage.objects.update(created_at=timezone.now() - timedelta(days=1, minutes=1))
    assert leave_email(second, "ada@shop.example")
    assert [to for to, _ in mails()][2:] == ["ada@shop.example"]


def test_in_japanese() -> None:
    conversation_id = conversation()
    waiting(conversation_id, language="ja")
    leave_email(conversation_id, "ada@shop.example")
    drain("handoff-mail")
    assert mail.outbox[0].subject == "お問い合わせの件"


@pytest.mark.parametrize("email", ["", "ada", "ada@", "a@b\nBcc: c@d.example", "x" * 400 + "@shop.example"])
def test_what_is_no_address_is_refused(email: str) -> None:
    conversation_id = conversation()
    waiting(conversation_id)
    with pytest.raises(ValidationError):
        leave_email(conversation_id, email)


def test_nobody_is_waited_for() -> None:
    assert not leave_email(conversation(), "ada@shop.example")


def test_an_answer_needs_an_address_words_and_the_handoff() -> None:
    id = waiting()
    with pytest.raises(HandoffConflict) as refusal:
        answer_by_email(id, "hello", by=agent(), client_id=word_id())
    assert refusal.value.code == "not_taken"
    take_handoff(id, by=agent())
    with pytest.raises(HandoffConflict) as refusal:
        answer_by_email(id, "hello", by=agent(), client_id=word_id())
    assert refusal.value.code == "no_email"
    for text in ("", "  ", "x" * 10_001):
        with pytest.raises(LineRefused):
            answer_by_email(id, text, by=agent(), client_id=word_id())


def test_a_mail_that_cannot_be_sent_is_tried_again(settings: object) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"  # type: ignore[attr-defined]
    settings.EMAIL_PORT = 9  # type: ignore[attr-defined]
    settings.EMAIL_HOST = "127.0.0.1"  # type: ignore[attr-defined]
    conversation_id = conversation()
    waiting(conversation_id)
    leave_email(conversation_id, "ada@shop.example")
    drain("handoff-mail")
    row = OutboxMessage.objects.get()
    assert row.done_at is None
    assert row.attempts == 1
