"""Database work off the event loop: questions and long work have lanes of their own."""

from __future__ import annotations

import asyncio
import threading

import pytest

from mangaassist.dbthreads import in_bulk_lane, in_database, in_question_lane

# Each of the threads looks after its connection first.
pytestmark = pytest.mark.django_db(transaction=True)


async def test_however_much_long_work_waits_a_shopper_does_not() -> None:
    begun, enough = threading.Event(), threading.Event()
    order: list[int] = []

    def long_work(number: int) -> None:
        begun.set()
        enough.wait(60)
        order.append(number)

    waiting = [asyncio.create_task(in_bulk_lane(long_work, number)) for number in range(20)]
    assert await asyncio.to_thread(begun.wait, 60)
    assert await in_database(str.upper, "a question") == "A QUESTION"
    assert not order
    enough.set()
    await asyncio.gather(*waiting)
    assert order == list(range(20))


async def test_however_many_answers_are_worked_on_a_question_is_taken_in() -> None:
    enough = threading.Event()
    done: list[int] = []

    def step_of_an_answer(number: int) -> None:
        enough.wait(60)
        done.append(number)

    waiting = [asyncio.create_task(in_database(step_of_an_answer, number)) for number in range(20)]
    assert await in_question_lane(str.upper, "a question") == "A QUESTION"
    assert not done
    enough.set()
    await asyncio.gather(*waiting)
    assert sorted(done) == list(range(20))
