"""Amazon Bedrock through real boto3: what is sent, what comes back, and everything that can go wrong on the way."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from chat.backends.base import GeneratorUnavailable, Words
from chat.backends.bedrock import BedrockGenerator
from mangaassist import breaker
from tests.backends.bedrock_fake import FakeBedrock, answer, delta, fake_bedrock, message
from tests.backends.briefs import brief, written

MODEL = "anthropic.claude-3-5-haiku-20241022-v1:0"


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeBedrock]:
    with fake_bedrock() as fake:
        monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", fake.url)
        yield fake
    assert fake.faults == []


def bedrock(**options: Any) -> BedrockGenerator:
    return BedrockGenerator(**{"model_id": MODEL, **options})


async def test_the_text_comes_piece_by_piece_with_its_tokens_and_its_cost(fake: FakeBedrock) -> None:
    usage = {
        "inputTokens": 200,
        "outputTokens": 50,
        "totalTokens": 1250,
        "cacheReadInputTokens": 1000,
        "cacheWriteInputTokens": 0,
    }
    fake.events = answer("{{series:ber", "serk}} is dark. ", "暗い。", usage=usage)
    text, (used,) = await written(bedrock(input_price=0.001, output_price=0.005, cache_read_price=0.0001))
    assert text == "{{series:berserk}} is dark. 暗い。"
    assert (used.model, used.read, used.written, used.cached, used.stopped) == (MODEL, 200, 50, 1000, "end_turn")
    assert used.cost == pytest.approx(0.2 * 0.001 + 0.05 * 0.005 + 1.0 * 0.0001)
    assert used.prompt.startswith("en-")


async def test_without_prices_no_cost_is_made_up(fake: FakeBedrock) -> None:
    fake.events = answer("Hello.")
    _, (used,) = await written(bedrock())
    assert used.cost is None


async def test_what_is_sent(fake: FakeBedrock) -> None:
    fake.events = answer("Hello.")
    await written(bedrock(guardrail_id="gr123", guardrail_version="2", temperature=0.2, max_tokens=300))
    (sent,) = fake.asked
    assert sent["modelId"] == MODEL
    # The same for everybody, up to the cache point.
    assert sent["system"][0]["text"].startswith("You are MangaAssist")
    assert sent["system"][1] == {"cachePoint": {"type": "default"}}
    assert sent["inferenceConfig"] == {"maxTokens": 300, "temperature": 0.2}
    assert sent["guardrailConfig"] == {
        "guardrailIdentifier": "gr123",
        "guardrailVersion": "2",
        "streamProcessingMode": "sync",
    }
    assert [each["role"] for each in sent["messages"]] == ["user", "assistant", "user", "assistant", "user"]


async def test_a_model_without_a_cache_is_sent_no_cache_point(fake: FakeBedrock) -> None:
    fake.events = answer("Hello.")
    await written(bedrock(cache_prompt=False))
    assert len(fake.asked[0]["system"]) == 1


EXCEPTIONS = [
    "internalServerException",
    "modelStreamErrorException",
    "throttlingException",
    "serviceUnavailableException",
    "validationException",
]


@pytest.mark.parametrize("name", EXCEPTIONS)
async def test_an_error_in_the_stream_comes_after_what_was_written(fake: FakeBedrock, name: str) -> None:
    fake.events = [*answer("One moment.")[:2], (name, {"message": "as told"})]
    words: list[str] = []
    with pytest.raises(GeneratorUnavailable, match=name):
        async for event in bedrock().stream(brief()):
            assert isinstance(event, Words)
            words.append(event.text)
    assert words == ["One moment."]


@pytest.mark.parametrize(
    ("status", "code"),
    [(429, "ThrottlingException"), (500, "InternalServerException"), (503, "ServiceUnavailableException"), (403, "AccessDeniedException"),
     (400, "ValidationException"), (404, "ResourceNotFoundException"), (424, "ModelErrorException"), (408, "ModelTimeoutException")],
)  # fmt: skip
async def test_a_refusal_is_told_by_its_code(fake: FakeBedrock, status: int, code: str) -> None:
    fake.error = (status, code)
    with pytest.raises(GeneratorUnavailable, match=code):
        await written(bedrock())


@pytest.mark.parametrize("reason", ["guardrail_intervened", "content_filtered", "malformed_model_output"])
async def test_what_a_guardrail_put_in_its_place_is_no_answer(fake: FakeBedrock, reason: str) -> None:
    fake.events = answer("Sorry, the model cannot answer this question.", reason=reason)
    with pytest.raises(GeneratorUnavailable, match=reason):
        await written(bedrock())


async def test_an_answer_that_was_cut_off_says_so(fake: FakeBedrock) -> None:
    fake.events = answer("Half of a", reason="max_tokens")
    _, (used,) = await written(bedrock())
    assert used.stopped == "max_tokens"


BROKEN = [
    [],
    answer("Hello.")[:3],
]


@pytest.mark.parametrize("events", BROKEN)
async def test_a_stream_that_ends_too_early_is_a_failure(fake: FakeBedrock, events: list[Any]) -> None:
    fake.events = events
    with pytest.raises(GeneratorUnavailable, match="ended before"):
        await written(bedrock())


async def test_a_damaged_message_is_a_failure(fake: FakeBedrock) -> None:
    fake.events = answer("Hello.")[:2]
    damaged = bytearray(message(*delta("It is free.")))
    damaged[-6] ^= 1
    fake.bytes_after = bytes(damaged)
    with pytest.raises(GeneratorUnavailable, match="Checksum"):
        await written(bedrock())


async def test_what_is_unknown_in_the_stream_is_passed_over(fake: FakeBedrock) -> None:
    reasoning = ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"reasoningContent": {"text": "hm"}}})
    fake.events = [
        ("messageStart", {"role": "assistant"}),
        reasoning,
        ("someNewEvent", {"x": 1}),
        *answer("Hello.")[1:],
    ]
    assert (await written(bedrock()))[0] == "Hello."


async def test_closing_ends_the_request_and_frees_the_thread(fake: FakeBedrock) -> None:
    """In the middle of a pause, as `stop` does: the service sees the line cut, and the thread takes the next."""
    fake.events, fake.pauses = answer("First. ", "Second."), {2: 30}
    generator = bedrock()
    stream = generator.stream(brief())
    assert await anext(stream) == Words("First. ")
    await stream.aclose()
    assert await asyncio.to_thread(fake.gone.wait, 10)
    for _ in range(200):
        if generator._executor._places._value == generator._executor._places._initial_value:  # type: ignore[attr-defined]
            break
        await asyncio.sleep(0.05)
    else:
        raise AssertionError("the thread is still taken")
    # What was cut by us says nothing against the service.
    assert breaker.registry["bedrock"].state == "closed"


async def test_a_service_that_fails_is_left_alone_for_a_while(fake: FakeBedrock) -> None:
    fake.error = (500, "InternalServerException")
    generator = bedrock()
    for _ in range(5):
        with pytest.raises(GeneratorUnavailable):
            await written(generator)
    with pytest.raises(GeneratorUnavailable, match="BreakerOpen"):
        await written(generator)
    assert len(fake.asked) == 5


async def test_a_request_of_ours_that_is_wrong_does_not_open_the_breaker(fake: FakeBedrock) -> None:
    fake.events = [("messageStart", {"role": "assistant"}), ("validationException", {"message": "too long"})]
    generator = bedrock()
    for _ in range(6):
        with pytest.raises(GeneratorUnavailable, match="validationException"):
            await written(generator)
    assert len(fake.asked) == 6


async def test_a_service_that_hangs_ends_within_its_limit(fake: FakeBedrock, settings: Any) -> None:
    settings.TURN_LIMITS_S = settings.TURN_LIMITS_S | {"first_token": 0.3, "token_gap": 0.3}
    fake.events, fake.hold_s = answer("Late."), 3
    began = time.monotonic()
    with pytest.raises(GeneratorUnavailable, match="ReadTimeout"):
        await written(bedrock())
    assert time.monotonic() - began < 2.5


async def test_nobody_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", "http://127.0.0.1:9")
    with pytest.raises(GeneratorUnavailable, match="EndpointConnectionError"):
        await written(bedrock())


@pytest.mark.parametrize("options", [{"model_id": ""}, {"guardrail_id": "gr123"}, {"guardrail_version": "1"}])
def test_options_that_contradict_each_other(options: dict[str, Any]) -> None:
    with pytest.raises(ImproperlyConfigured):
        bedrock(**options)


async def test_many_answers_at_once(fake: FakeBedrock) -> None:
    fake.events = answer("Hello.", " Again.")
    generator = bedrock()
    texts = await asyncio.gather(*(written(generator) for _ in range(30)))
    assert {text for text, _ in texts} == {"Hello. Again."}
