"""A model without a will of its own: whatever instruction reaches it, it does, and it tells all that it was told."""

from __future__ import annotations

from collections.abc import AsyncIterator

from chat.backends.base import Brief, Generator, Used, Words, Written
from chat.prompts import write_prompt

# What it writes for a text that is in its prompt, anywhere.
demands: dict[str, str] = {}
# The prompts that it was asked with.
read: list[str] = []


class ObedientGenerator(Generator):
    name = "obedient"

    async def stream(self, brief: Brief) -> AsyncIterator[Written]:
        prompt = str(write_prompt(brief))
        read.append(prompt)
        for demanded in demands.values():
            # Also where the text did not come through whole.
            yield Words(f"{demanded}\n")
        yield Words(brief.request.text + "\n")
        yield Used(model="obedient", prompt="none", read=1, written=1)
