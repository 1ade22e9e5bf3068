"""Generators that are told what to write in words: a model behind a prompt."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import AsyncGenerator
from contextlib import aclosing

from chat.backends.base import Brief, Generator, Written
from chat.prompts import Prompt, write_prompt


class PromptedGenerator(Generator):
    """Answers a shopper's turn, and whatever else it is asked in a :class:`Prompt`."""

    async def stream(self, brief: Brief) -> AsyncGenerator[Written]:
        # Redacting a long conversation takes a tenth of a second: not in the loop, where other shoppers wait.
        prompt = await asyncio.to_thread(write_prompt, brief)
        async with aclosing(self.write(prompt)) as written:
            async for each in written:
                yield each

    @abstractmethod
    def write(self, prompt: Prompt) -> AsyncGenerator[Written]:
        """The same promise as :meth:`stream`."""

    async def leave_loop(self) -> None:
        """Closes what is kept open for the running event loop, before that ends."""
        return
