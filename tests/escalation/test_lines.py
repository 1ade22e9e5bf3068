"""What is said in a handoff: once each, by those who may, and heard by chat."""

from __future__ import annotations

import pytest

from chat.models import Message
from escalation.handoffs import HandoffConflict, close_handoff, take_handoff
from escalation.lines import LONGEST_LINE, LineRefused, note, say, shopper_spoke
from escalation.models import Handoff, HandoffLine
from tests.escalation.people import agent, conversation, lead, waiting, word_id

pytestmark = pytest.mark.django_db


def test_an_agents_word_becomes_a_message_of_the_conversation_once() -> None:
    conversation_id, word = conversation(), word_id()
    id = waiting(conversation_id)
    take_handoff(id, by=agent())
    card = {"card_id": "product-BERSERK-EN-1", "kind": "product", "id": "BERSERK-EN-1", "reason": ""}
    first = say(id, " Hello! ", by=agent(), client_id=word, cards=[card])
    assert say(id, "Hello!", by=agent(), client_id=word) == first
    message = Message.objects.get(conversation_id=conversation_id)
    assert (message.role, message.author, message.content, message.cards) == ("agent", "Aiko", "Hello!", [card])


def test_only_who_has_the_handoff_speaks_in_it() -> None:
    id = waiting()
    for by, code in ((agent(), "not_taken"), (lead(), "not_taken")):
        with pytest.raises(HandoffConflict) as refusal:
            say(id, "hi", by=by, client_id=word_id())
        assert refusal.value.code == code
    take_handoff(id, by=agent())
    for by in (agent("ben"), lead()):
        with pytest.raises(HandoffConflict) as refusal:
            say(id, "hi", by=by, client_id=word_id())
        assert refusal.value.code == "not_yours"
    close_handoff(id, by=agent())
    with pytest.raises(HandoffConflict) as refusal:
        say(id, "hi", by=agent(), client_id=word_id())
    assert refusal.value.code == "over"
    assert not Message.objects.filter(role="agent").exists()


def test_a_word_that_was_said_is_found_again_even_after_the_end() -> None:
    """The agent's page retries after a timeout: the shopper reads it once, and the page learns that it was said."""
    id, word = waiting(), word_id()
    take_handoff(id, by=agent())
    line = say(id, "Bye!", by=agent(), client_id=word)
    close_handoff(id, by=agent())
    assert say(id, "Bye!", by=agent(), client_id=word) == line
    assert Message.objects.filter(role="agent").count() == 1


@pytest.mark.parametrize("text", ["", "  ", "x" * (LONGEST_LINE + 1)])
def test_an_empty_or_endless_word_is_refused(text: str) -> None:
    id = waiting()
    take_handoff(id, by=agent())
    with pytest.raises(LineRefused):
        say(id, text, by=agent(), client_id=word_id())
    with pytest.raises(LineRefused):
        note(id, text, by=agent(), client_id=word_id())


def test_a_word_is_kept_without_what_no_database_keeps() -> None:
    id = waiting()
    take_handoff(id, by=agent())
    assert say(id, "\0Hel\0lo", by=agent(), client_id=word_id()).text == "Hello"


def test_cards_need_no_words() -> None:
    id = waiting()
    take_handoff(id, by=agent())
    card = {"card_id": "product-X", "kind": "product", "id": "X", "reason": ""}
    assert say(id, "", by=agent(), client_id=word_id(), cards=[card]).cards == [card]


def test_notes_are_for_agents_alone() -> None:
    id, word = waiting(), word_id()
    for _ in range(2):
        note(id, "seems to be a reseller", by=agent(), client_id=word)
    assert Handoff.objects.get(pk=id).lines.filter(role="note").count() == 1
    assert not Message.objects.exists()


def test_a_shoppers_word_is_kept_once_and_goes_nowhere_when_nobody_is_asked() -> None:
    conversation_id, word = conversation(), word_id()
    assert shopper_spoke(conversation_id, "hello?", client_id=word) is None
    id = waiting(conversation_id)
    first = shopper_spoke(conversation_id, "hello?", client_id=word)
    assert first is not None
    assert first.first_while_waiting
    again = shopper_spoke(conversation_id, "hello?", client_id=word)
    assert again is not None
    assert not again.first_while_waiting
    assert HandoffLine.objects.filter(handoff_id=id, role="shopper", client_id=word).count() == 1
