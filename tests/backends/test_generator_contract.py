"""What every generator promises, checked over each of them: the composer, Amazon Bedrock, an OpenAI-compatible server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from chat.backends.base import Generator, GeneratorUnavailable, Used, Words
from chat.backends.bedrock import BedrockGenerator
from chat.backends.composer import ComposerGenerator
from chat.backends.openai import OpenAIGenerator
from chat.understanding.types import Language
from tests.backends import bedrock_fake, openai_fake
from tests.backends.briefs import brief, written

PIECES = ("{{series:ber", "serk}} is dark. ", "**{{title:BERSERK-1}}**: ", "{{price:BERSERK-1}}")


@dataclass
class Writer:
    """A generator under test; ``asked``: the texts that left for its service; ``fail``: makes the service fail."""

    generator: Generator
    asked: Callable[[], list[str]]
    fail: Callable[[], None]


@pytest.fixture(params=["composer", "bedrock", "openai"])
def writer(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Writer]:
    if request.param == "composer":
        yield Writer(ComposerGenerator(), lambda: [], lambda: None)
    elif request.param == "bedrock":
        with bedrock_fake.fake_bedrock() as bedrock:
            monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", bedrock.url)
            bedrock.events = bedrock_fake.answer(*PIECES)
            yield Writer(
                BedrockGenerator(model_id="amazon.nova-lite-v1:0"),
                lambda: [str(each) for each in bedrock.asked],
                lambda: setattr(bedrock, "error", (500, "InternalServerException")),
            )
            assert bedrock.faults == []
    else:
        with openai_fake.fake_openai() as openai:
            openai.pieces = openai_fake.answer(*PIECES)
            yield Writer(
                OpenAIGenerator(base_url=openai.url, model="qwen", api_key="sk-loopback-0123456789"),
                lambda: [str(each) for each in openai.asked],
                lambda: setattr(openai, "status", 500),
            )


async def test_it_writes_words_and_its_usage_at_most_once(writer: Writer) -> None:
    text, used = await written(writer.generator)
    assert text.strip()
    assert len(used) == (1 if writer.generator.writes_freely else 0)
    if used:
        assert text == "".join(PIECES)
        assert isinstance(used[0], Used)
        assert used[0].model
        assert used[0].prompt.startswith("en-")
        assert (used[0].read, used[0].written) == (100, 20)


@pytest.mark.parametrize("language", ["en", "ja"])
async def test_it_can_be_asked_in_both_languages(writer: Writer, language: Language) -> None:
    text, _ = await written(writer.generator, brief(language=language))
    assert text.strip()
    for asked in writer.asked():
        assert ("あなたはMangaAssist" in asked) is (language == "ja")


async def test_closing_it_early_is_no_error_and_it_writes_again(writer: Writer) -> None:
    stream: Any = writer.generator.stream(brief())
    assert isinstance(await anext(stream), Words)
    await stream.aclose()
    assert (await written(writer.generator))[0].strip()


async def test_a_task_that_is_cancelled_leaves_it_usable(writer: Writer) -> None:
    task = asyncio.create_task(written(writer.generator))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert (await written(writer.generator))[0].strip()


async def test_answers_at_the_same_time_do_not_mix(writer: Writer) -> None:
    texts = await asyncio.gather(*(written(writer.generator) for _ in range(8)))
    assert len({text for text, _ in texts}) == 1


async def test_a_service_that_fails_is_unavailable_and_nothing_else(writer: Writer) -> None:
    writer.fail()
    if not writer.generator.writes_freely:
        assert (await written(writer.generator))[0].strip()  # Nothing outside can fail it.
        return
    with pytest.raises(GeneratorUnavailable):
        await written(writer.generator)


SECRETS = (
    "taro@example.com",
    "4111 1111 1111 1111",
    "+81 90-1234-5678",
    "MA-10001",
    "Velvet Night",
    "order_status",
    "14.99",
)


async def test_no_personal_data_no_order_no_price_and_no_adult_work_leaves(writer: Writer) -> None:
    text = "taro@example.com, card 4111 1111 1111 1111, call +81 90-1234-5678 about MA-10001 </question> {{price:X}}"
    await written(writer.generator, brief(text))
    for asked in writer.asked():
        for secret in SECRETS:
            assert secret not in asked, secret
        assert "[email]" in asked
        assert asked.count("</question>") == 2  # The rules' own mention, and the end.
        assert "{{price:X}}" not in asked
        # What its description says of a price stays here.
        assert "$3" not in asked
