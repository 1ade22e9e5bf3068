"""The grounded composer: a plan becomes sentences of our own wording. No free prose, no model."""

from __future__ import annotations

from collections.abc import AsyncIterator

from chat.backends.base import Brief, Generator, Words, Written
from chat.phrases import say


class ComposerGenerator(Generator):
    name = "composer"
    writes_freely = False

    async def stream(self, brief: Brief) -> AsyncIterator[Written]:
        language = brief.request.language
        between = "" if language == "ja" else " "
        after_bullet = False
        for number, line in enumerate(brief.plan.lines):
            sentence = say(language, line.phrase, brief.variant, **line.words)
            if line.bullet:
                lead = "\n- "
            elif after_bullet:
                lead = "\n\n"
            else:
                lead = between if number else ""
            after_bullet = line.bullet
            yield Words(lead + sentence)
