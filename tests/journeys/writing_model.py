"""A language model that writes the assistant's answers, over real HTTP on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.backends.openai_fake import FakeOpenAI, answer, fake_openai


@contextmanager
def writing_model(settings: Any, *pieces: str) -> Iterator[FakeOpenAI]:
    """It answers with these pieces. The machine of a test may be slow; tests of limits set their own."""
    with fake_openai() as fake:
        options = {"base_url": fake.url, "model": "qwen", "input_price": 0.001, "output_price": 0.002}
        settings.GENERATORS = {"default": {"BACKEND": "chat.backends.openai.OpenAIGenerator", "OPTIONS": options}}
        settings.TURN_LIMITS_S = settings.TURN_LIMITS_S | {"first_token": 20, "token_gap": 20}
        fake.pieces = answer(*pieces)
        yield fake
