"""Two who do something at once, in a PostgreSQL of the environment: ``python -m tests.escalation.races``.

The first has done it but not committed when the second begins; it commits when the second waits for it, or is through.
Prints what became of the second in each race, a line of JSON.
"""

from __future__ import annotations

import json
import os
import threading
import time
import uuid
from collections.abc import Callable

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mangaassist.settings")
django.setup()

from django.db import connection, transaction  # noqa: E402

from chat.models import Conversation, Turn  # noqa: E402
from chat.records import Accepted, Answer, TakenOver, accept_message, store_answer  # noqa: E402
from escalation.handoffs import HandoffConflict, close_handoff, take_handoff  # noqa: E402
from escalation.presence import set_presence  # noqa: E402
from tests.escalation.people import agent, conversation, waiting  # noqa: E402

_WAITS = "SELECT count(*) FROM pg_locks WHERE NOT granted"
PATIENCE_S = 30.0


def race(first: Callable[[], object], second: Callable[[], str]) -> str:
    outcome: list[str] = []

    def run() -> None:
        try:
            outcome.append(second())
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    with transaction.atomic():
        first()
        thread.start()
        until = time.monotonic() + PATIENCE_S
        while thread.is_alive() and not waits():
            assert time.monotonic() < until
            time.sleep(0.02)
    thread.join(PATIENCE_S)
    return outcome[0]


def waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(_WAITS)
        return bool(cursor.fetchone()[0])


def a_word_while_it_is_closed() -> str:
    about = conversation()
    id = waiting(about)
    take_handoff(id, by=agent())

    def speak() -> str:
        accepted = accept_message(about, str(uuid.uuid4()), "one more thing")
        return "the assistant answers" if accepted.turn_id else "nobody answers"

    return race(lambda: close_handoff(id, by=agent()), speak)


def an_answer_while_a_person_takes_over() -> str:
    about = conversation()
    turn = Turn.objects.create(conversation=Conversation.objects.get(pk=about))
    id = waiting(about)
    answer = Answer(
        message_id=str(uuid.uuid4()),
        content="Yes.",
        template="Yes.",
        cards=[],
        quick_replies=[],
        citations=[],
        status="complete",
        intent="other",
        confidence=None,
        language="en",
        generator="",
        engine="",
        trace={},
        dialogue={},
        latency_ms=1.0,
        first_delta_ms=None,
    )

    def store() -> str:
        try:
            store_answer(str(turn.pk), str(turn.conversation_id), "hello", answer)
        except TakenOver:
            return "the person answers"
        return "both answer"

    return race(lambda: take_handoff(id, by=agent("ben")), store)


def two_questions_of_one_conversation() -> str:
    about = conversation()
    first: list[Accepted] = []

    def ask() -> str:
        second = accept_message(about, str(uuid.uuid4()), "and volume 2?")
        assert second.turn_id
        return "it waits for the first" if second.waits_for == first[0].turn_id else "both are answered at once"

    return race(lambda: first.append(accept_message(about, str(uuid.uuid4()), "how much is volume 1?")), ask)


def one_question_that_is_sent_twice() -> str:
    about, sent = conversation(), str(uuid.uuid4())
    first: list[Accepted] = []

    def ask() -> str:
        again = accept_message(about, sent, "how much is volume 1?")
        same = again.duplicate and again.turn_id == first[0].turn_id
        return (
            "it is asked once"
            if same and Turn.objects.filter(conversation_id=about).count() == 1
            else "it is asked twice"
        )

    return race(lambda: first.append(accept_message(about, sent, "how much is volume 1?")), ask)


def two_takes_of_one_who_has_one_place() -> str:
    one = agent("chie")
    set_presence(one, status="available", capacity=1)
    first, second = waiting(), waiting()

    def take() -> str:
        try:
            take_handoff(second, by=one)
        except HandoffConflict as refusal:
            return refusal.code
        return "taken"

    return race(lambda: take_handoff(first, by=one), take)


if __name__ == "__main__":
    races = (
        a_word_while_it_is_closed,
        an_answer_while_a_person_takes_over,
        two_questions_of_one_conversation,
        one_question_that_is_sent_twice,
        two_takes_of_one_who_has_one_place,
    )
    print(json.dumps({each.__name__: each() for each in races}))
