"""A model is told which trace it answers in, so that its own spans stand in it; without traces it is told nothing."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from chat.backends.bedrock import BedrockGenerator
from chat.backends.openai import OpenAIGenerator
from mangaassist import tracing
from tests.backends import bedrock_fake, openai_fake
from tests.backends.briefs import written

Asked = tuple[OpenAIGenerator | BedrockGenerator, list[str | None]]


@pytest.fixture(params=["openai", "bedrock"])
def asked(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Asked]:
    """(a generator, the places that its server has been told)."""
    if request.param == "openai":
        with openai_fake.fake_openai() as fake:
            fake.pieces = openai_fake.answer("Hello.")
            fake.go.set()
            yield OpenAIGenerator(base_url=fake.url, model="qwen"), fake.places
        return
    with bedrock_fake.fake_bedrock() as other:
        other.events = bedrock_fake.answer("Hello.")
        monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", other.url)
        yield BedrockGenerator(model_id="model"), other.places


@pytest.fixture
def traces() -> Iterator[None]:
    tracing.begin_with(SimpleSpanProcessor(InMemorySpanExporter()), "test")
    yield
    tracing.end()


@pytest.mark.usefixtures("traces")
async def test_a_model_is_told_the_turns_trace(asked: Asked) -> None:
    generator, places = asked
    turn = uuid.uuid4()
    with tracing.turn_traced(str(turn), "conversation", 1):
        text, _ = await written(generator)
    assert text == "Hello."
    (place,) = places
    assert place is not None
    assert place.split("-")[1] == turn.hex


async def test_without_traces_it_is_told_nothing(asked: Asked) -> None:
    generator, places = asked
    await written(generator)
    assert places == [None]
