"""Two who do something at once in PostgreSQL: one after the other is what becomes of it."""

from __future__ import annotations

import json

import pytest

from tests.mangaassist.postgres import postgres, run

pytestmark = pytest.mark.process


def test_what_happens_at_once_happens_one_after_the_other() -> None:
    with postgres() as url:
        outcome = json.loads(run(url, "-m", "tests.escalation.races").splitlines()[-1])
    assert outcome == {
        "a_word_while_it_is_closed": "the assistant answers",
        "an_answer_while_a_person_takes_over": "the person answers",
        "two_questions_of_one_conversation": "it waits for the first",
        "one_question_that_is_sent_twice": "it is asked once",
        "two_takes_of_one_who_has_one_place": "full",
    }
