"""A brief as a turn would give it to a generator, without a database."""

from __future__ import annotations

from typing import Any

from chat.backends.base import Brief, Generator, Used, Words
from chat.memory_types import Memory, Remembered
from chat.plan import AnswerPlan, CardRef, Line
from chat.understanding.types import Language
from tests.chat.evidence import evidence, request

LINES = (
    Remembered(role="user", text="hello, I'm taro@example.com"),
    Remembered(role="assistant", text="Hello! {{title:BERSERK-1}} costs {{price:BERSERK-1}}."),
    Remembered(role="user", text="where is order MA-10001?"),
    Remembered(role="assistant", text="Your order {{order:MA-10001}} is {{order_status:MA-10001}}."),
)


def brief(text: str = "something dark?", language: Language = "en", **state: Any) -> Brief:
    asked = request(text, language, **state)
    plan = AnswerPlan(lines=(Line("recommend.popular"),), state=asked.state, cards=(CardRef("product", "BERSERK-1"),))
    return Brief(request=asked, plan=plan, evidence=evidence(), memory=Memory(lines=LINES))


async def written(generator: Generator, asked: Brief | None = None) -> tuple[str, list[Used]]:
    """(the text, what it took)"""
    text, used = "", []
    async for event in generator.stream(asked or brief()):
        if isinstance(event, Words):
            text += event.text
        else:
            used.append(event)
    return text, used
