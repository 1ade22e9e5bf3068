"""OpenAI-compatible servers, as different as they are: what is sent, what is read, what goes wrong."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from hypothesis import given
from hypothesis import strategies as st

from chat.backends.base import GeneratorUnavailable, Words
from chat.backends.openai import OpenAIGenerator
from chat.backends.sse import LONGEST_EVENT, EventTooLong, SseReader
from chat.backends.thinking import WithoutThinking
from mangaassist import breaker
from mangaassist.concealing import conceal
from tests.backends.briefs import brief, written
from tests.backends.openai_fake import FakeOpenAI, answer, chunk, event, fake_openai

KEY = "sk-loopback-0123456789abcdef"


@pytest.fixture
def fake() -> Iterator[FakeOpenAI]:
    with fake_openai() as fake:
        yield fake


def openai(fake: FakeOpenAI, **options: Any) -> OpenAIGenerator:
    return OpenAIGenerator(**{"base_url": fake.url, "model": "qwen", "api_key": KEY, **options})


async def test_the_text_with_its_tokens_and_its_cost(fake: FakeOpenAI) -> None:
    usage = {"prompt_tokens": 1200, "completion_tokens": 50, "prompt_tokens_details": {"cached_tokens": 1000}}
    fake.pieces = answer("{{series:ber", "serk}} は暗い。", usage=usage)
    text, (used,) = await written(openai(fake, input_price=0.001, output_price=0.005, cache_read_price=0.0001))
    assert text == "{{series:berserk}} は暗い。"
    assert (used.model, used.read, used.cached, used.written, used.stopped) == ("qwen", 200, 1000, 50, "stop")
    assert used.cost == pytest.approx(0.2 * 0.001 + 1.0 * 0.0001 + 0.05 * 0.005)


async def test_what_is_sent(fake: FakeOpenAI) -> None:
    fake.pieces = answer("Hello.")
    await written(openai(fake, temperature=0.1))
    (sent,) = fake.asked
    assert (sent["model"], sent["stream"], sent["stream_options"]) == ("qwen", True, {"include_usage": True})
    assert [each["role"] for each in sent["messages"]] == ["system", "user", "assistant", "user", "assistant", "user"]
    assert fake.keys == [f"Bearer {KEY}"]


async def test_servers_without_a_key_and_without_usage(fake: FakeOpenAI) -> None:
    fake.pieces = [event(chunk("Hello.")), event(chunk(reason="stop"))]
    text, (used,) = await written(openai(fake, api_key="", ask_usage=False, input_price=1, output_price=1))
    assert (text, used.read, used.cost) == ("Hello.", 0, None)
    assert fake.keys == [None]
    assert "stream_options" not in fake.asked[0]


ODD_BUT_GOOD = [
    [event(chunk("Hello."), end="\r\n"), event(chunk(reason="stop"), end="\r\n"), event("[DONE]", end="\r\n")],
    [event(chunk("Hello."), end="\r"), event("[DONE]", end="\r"), b"\n"],
    [b": keep-alive\n\n", b"event: message\nid: 1\nretry: 10\n" + event(chunk("Hello.")), event("[DONE]")],
    [b'data: {"choices": [{"delta":\ndata: {"content": "Hello."}}]}\n\n', event("[DONE]")],
    [event(chunk("Hello.")), event({"choices": []}), event({"choices": None}), event("[DONE]"), event("not for us")],
    [b"\xef\xbb\xbf" + event(chunk("Hello.")), event({"choices": [{"delta": None}]}), event("[DONE]")],
    [event({"choices": [{"delta": {"role": "assistant", "content": None}}]}), event(chunk("Hello.")), event("[DONE]")],
]


@pytest.mark.parametrize("pieces", ODD_BUT_GOOD)
async def test_servers_differ(fake: FakeOpenAI, pieces: list[bytes]) -> None:
    fake.pieces = pieces
    assert (await written(openai(fake)))[0] == "Hello."


STREAMS_THAT_FAIL = [
    ([event(chunk("One. ")), event({"error": {"message": "overloaded", "code": 503}})], "overloaded"),
    ([event({"error": "out of memory"})], "out of memory"),
    ([event(chunk("One. "))], "ended before"),
    ([event("{")], "no JSON"),
    ([event("[]")], "no object"),
    ([], "ended before"),
    (answer("Filtered.", reason="content_filter"), "content_filter"),
    ([b"<html>busy</html>"], "ended before"),
]


@pytest.mark.parametrize(("pieces", "why"), STREAMS_THAT_FAIL)
async def test_a_stream_that_fails_says_why(fake: FakeOpenAI, pieces: list[bytes], why: str) -> None:
    fake.pieces = pieces
    with pytest.raises(GeneratorUnavailable, match=why):
        await written(openai(fake))


@pytest.mark.parametrize("status", [302, 400, 401, 404, 429, 500, 503])
async def test_a_refusal_is_told_by_its_status(fake: FakeOpenAI, status: int) -> None:
    fake.status, fake.pieces = status, [b'{"error": {"message": "as told"}}']
    fake.headers = {"Location": "http://127.0.0.1:9/"} if status == 302 else {}
    with pytest.raises(GeneratorUnavailable, match=f"HTTP {status}: as told"):
        await written(openai(fake))


async def test_a_cut_connection(fake: FakeOpenAI) -> None:
    fake.pieces, fake.cut = [event(chunk("One. "))], True
    with pytest.raises(GeneratorUnavailable, match="RemoteProtocolError"):
        await written(openai(fake))


async def test_nobody_there() -> None:
    with pytest.raises(GeneratorUnavailable, match="ConnectError"):
        await written(OpenAIGenerator(base_url="http://127.0.0.1:9/v1", model="qwen"))


async def test_a_server_that_hangs(fake: FakeOpenAI, settings: Any) -> None:
    settings.TURN_LIMITS_S = settings.TURN_LIMITS_S | {"first_token": 0.3, "token_gap": 0.3}
    fake.hold_s = 3
    began = time.monotonic()
    with pytest.raises(GeneratorUnavailable, match="ReadTimeout"):
        await written(openai(fake))
    assert time.monotonic() - began < 2.5


async def test_closing_ends_the_request(fake: FakeOpenAI) -> None:
    fake.pieces, fake.pauses = answer("First. ", "Second."), {2: 30}
    generator = openai(fake)
    stream = generator.stream(brief())
    assert await anext(stream) == Words("First. ")
    await stream.aclose()
    assert await asyncio.to_thread(fake.gone.wait, 10)
    assert breaker.registry["openai"].state == "closed"


async def test_a_server_that_fails_is_left_alone_and_one_that_refuses_is_not(fake: FakeOpenAI) -> None:
    fake.status, fake.pieces = 400, [b"{}"]
    generator = openai(fake)
    for _ in range(6):
        with pytest.raises(GeneratorUnavailable, match="HTTP 400"):
            await written(generator)
    fake.status = 500
    for _ in range(5):
        with pytest.raises(GeneratorUnavailable, match="HTTP 500"):
            await written(generator)
    with pytest.raises(GeneratorUnavailable, match="BreakerOpen"):
        await written(generator)
    assert len(fake.asked) == 11


async def test_the_key_is_in_no_message_and_no_log(fake: FakeOpenAI) -> None:
    fake.status, fake.pieces = 401, [b'{"error": {"message": "wrong key ' + KEY.encode() + b'"}}']
    with pytest.raises(GeneratorUnavailable) as refused:
        await written(openai(fake))
    assert KEY not in str(refused.value)
    assert KEY not in conceal(f"somebody logs {KEY}")


@pytest.mark.parametrize(
    "options", [{"base_url": ""}, {"base_url": "localhost:8000/v1"}, {"base_url": "file:///etc/passwd"}, {"model": ""}]
)
def test_options_that_do_not_fit(options: dict[str, Any]) -> None:
    with pytest.raises(ImproperlyConfigured):
        OpenAIGenerator(**{"base_url": "http://127.0.0.1:8000/v1", "model": "qwen", **options})


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<think>It costs little, I think.</think>\n\nHello.", "Hello."),
        ("\n<think>\nhm\n</think>Hello. <think>", "Hello. <think>"),
        ("<think>for ever", ""),
        ("<thin", "<thin"),
        ("< think>", "< think>"),
        ("Hello.", "Hello."),
        ("", ""),
    ],
)
@given(sizes=st.lists(st.integers(1, 5), max_size=30))
def test_thinking_aloud_is_not_for_the_shopper(text: str, shown: str, sizes: list[int]) -> None:
    thinking, told, at = WithoutThinking(), "", 0
    for size in [*sizes, len(text)]:
        told += thinking.feed(text[at : at + size])
        at += size
    assert told + thinking.rest() == shown


async def test_a_model_that_thinks_aloud(fake: FakeOpenAI) -> None:
    fake.pieces = answer("<thi", "nk>hm", "</think>", "Hello.")
    assert (await written(openai(fake)))[0] == "Hello."


STREAM = ": hi\r\ndata: 一つ\r\rdata: a\ndata: b\n\nevent: x\r\n\r\ndata:\n\ndata: end\r\n\r\n".encode()


@given(st.lists(st.integers(1, 5), max_size=60))
def test_events_are_the_same_however_the_bytes_come(sizes: list[int]) -> None:
    reader, found, at = SseReader(), [], 0
    for size in [*sizes, len(STREAM)]:
        found += list(reader.feed(STREAM[at : at + size]))
        at += size
    assert found == ["一つ", "a\nb", "", "end"]


def test_an_event_that_does_not_end_is_refused() -> None:
    for line in (b"data: " + b"x" * 9_000, b"data: " + b"x" * 9_000 + b"\n"):
        reader = SseReader()
        with pytest.raises(EventTooLong):
            for _ in range(LONGEST_EVENT // 9_000 + 1):
                list(reader.feed(line))
