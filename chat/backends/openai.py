"""Any endpoint that speaks OpenAI's chat completions (vLLM, Ollama, llama.cpp's server, OpenAI): httpx and server-sent
events (WHATWG HTML, section 9.2.6), one client per event loop.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from typing import Any
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

import httpx
import orjson
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from chat.backends.base import GeneratorUnavailable, Used, Words, Written
from chat.backends.pricing import TokenPrices
from chat.backends.prompted import PromptedGenerator
from chat.backends.sse import EventTooLong, SseReader
from chat.backends.thinking import WithoutThinking
from chat.prompts import Prompt
from mangaassist.breaker import Breaker, BreakerOpen
from mangaassist.concealing import conceal, remember_also
from mangaassist.tracing import headers

CONNECT_S = 1.0
CONNECTIONS = 64
# Of a refusal's body, bytes that are read; of its message, characters that are told.
LONGEST_REFUSAL = 20_000
LONGEST_MESSAGE = 200


class OpenAIGenerator(PromptedGenerator):
    """``base_url``: up to and with ``/v1``. ``ask_usage``: off for servers that refuse ``stream_options``. Prices: US
    dollars per 1,000 tokens.
    """

    name = "openai"

    def __init__(
        self,
        *,
        base_url: str,
        model: str,
        api_key: str = "",
        max_tokens: int = 700,
        temperature: float | None = None,
        ask_usage: bool = True,
        input_price: float | None = None,
        output_price: float | None = None,
        cache_read_price: float | None = None,
    ) -> None:
        parts = urlsplit(base_url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ImproperlyConfigured("OPENAI_BASE_URL must look like http://host:port/v1.")
        if not model:
            raise ImproperlyConfigured("OPENAI_MODEL must name a model.")
        self._url = base_url.rstrip("/") + "/chat/completions"
        self._model = model
        self._headers = {"Accept": "text/event-stream"} | ({"Authorization": f"Bearer {api_key}"} if api_key else {})
        remember_also(api_key)
        self._body: dict[str, Any] = {"model": model, "stream": True, "max_tokens": max_tokens}
        if ask_usage:
            self._body["stream_options"] = {"include_usage": True}
        if temperature is not None:
            self._body["temperature"] = temperature
        self._prices = TokenPrices(read=input_price, written=output_price, cached=cache_read_price)
        self.tells_cost = self._prices.are_set
        self._breaker = Breaker("openai")
        self._clients: WeakKeyDictionary[asyncio.AbstractEventLoop, httpx.AsyncClient] = WeakKeyDictionary()

    def _client(self) -> httpx.AsyncClient:
        loop = asyncio.get_running_loop()
        if loop not in self._clients:
            limits = settings.TURN_LIMITS_S
            # Per read; the turn's own limits (chat.generation) cut what is slower.
            wait_s = max(limits["first_token"], limits["token_gap"])
            self._clients[loop] = httpx.AsyncClient(
                timeout=httpx.Timeout(wait_s, connect=CONNECT_S),
                limits=httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS),
                # The operator's address and no other: neither a redirect nor a proxy of the environment.
                follow_redirects=False,
                trust_env=False,
            )
        return self._clients[loop]

    async def leave_loop(self) -> None:
        client = self._clients.pop(asyncio.get_running_loop(), None)
        if client is not None:
            await client.aclose()

    async def write(self, prompt: Prompt) -> AsyncGenerator[Written]:
        try:
            self._breaker.check()
        except BreakerOpen as error:
            raise GeneratorUnavailable("BreakerOpen") from error
        began, has_begun = time.monotonic(), False
        try:
            content = orjson.dumps(self._body | _messages(prompt))
            async with self._client().stream(
                "POST", self._url, content=content, headers=self._headers | headers()
            ) as response:
                if response.status_code != httpx.codes.OK:
                    raise await _refusal(response)
                async for written in self._read(response.aiter_bytes(), prompt):
                    has_begun = True
                    yield written
        except httpx.HTTPError as error:
            self._breaker.failed()
            raise GeneratorUnavailable(_in_words(type(error).__name__, str(error))) from error
        except _OurFault:
            # The service has answered: this one request is wrong.
            self._breaker.succeeded()
            raise
        except GeneratorUnavailable:
            self._breaker.failed()
            raise
        except asyncio.CancelledError:
            # Cut by us, which says nothing of the service unless it has kept us waiting.
            if not has_begun and time.monotonic() - began >= settings.TURN_LIMITS_S["first_token"]:
                self._breaker.failed()
            raise
        self._breaker.succeeded()

    async def _read(self, body: AsyncIterator[bytes], prompt: Prompt) -> AsyncGenerator[Written]:
        """Words, and at the end what it took. Servers differ: usage may be missing, ``[DONE]`` too."""
        reader, thinking, usage, stopped, done = SseReader(), WithoutThinking(), dict[str, Any](), "", False
        async for piece in body:
            for data in _events(reader, piece):
                if data.strip() == "[DONE]":
                    done = True
                    break
                chunk = _chunk(data)
                usage = chunk.get("usage") or usage
                text, reason = _choice(chunk)
                stopped = reason or stopped
                if text := thinking.feed(text):
                    yield Words(text)
            if done:
                break
        if not done and not stopped:
            raise GeneratorUnavailable("the stream ended before the answer did")
        if text := thinking.rest():
            yield Words(text)
        yield self._used(usage, prompt, stopped)
        if stopped in {"content_filter", "tool_calls", "function_call"}:
            raise GeneratorUnavailable(stopped)

    def _used(self, usage: dict[str, Any], prompt: Prompt, stopped: str) -> Used:
        of_prompt = _count(usage, "prompt_tokens")
        details = usage.get("prompt_tokens_details")
        cached = min(_count(details, "cached_tokens"), of_prompt) if isinstance(details, dict) else 0
        tokens = {"read": of_prompt - cached, "written": _count(usage, "completion_tokens"), "cached": cached}
        cost = self._prices.cost(**tokens) if usage else None
        return Used(model=self._model, prompt=prompt.version, stopped=stopped, cost=cost, **tokens)


class _OurFault(GeneratorUnavailable):
    """The server answers, and refuses this request."""


def _events(reader: SseReader, piece: bytes) -> Iterator[str]:
    try:
        yield from reader.feed(piece)
    except EventTooLong as error:
        raise GeneratorUnavailable("an event without end") from error


def _messages(prompt: Prompt) -> dict[str, Any]:
    turns = [{"role": role, "content": text} for role, text in prompt.turns]
    return {"messages": [{"role": "system", "content": prompt.stable}, *turns]}


async def _refusal(response: httpx.Response) -> GeneratorUnavailable:
    body = b""
    async for piece in response.aiter_bytes():
        body += piece
        if len(body) > LONGEST_REFUSAL:
            break
    try:
        message = _error_message(orjson.loads(body))
    except orjson.JSONDecodeError:
        message = ""
    status = response.status_code
    kind = _OurFault if status in {400, 404, 413, 422} else GeneratorUnavailable
    return kind(_in_words(f"HTTP {status}", message))


def _chunk(data: str) -> dict[str, Any]:
    try:
        chunk = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise GeneratorUnavailable("an event that is no JSON") from error
    if not isinstance(chunk, dict):
        raise GeneratorUnavailable("an event that is no object")
    if chunk.get("error"):
        raise GeneratorUnavailable(_in_words("error in the stream", _error_message(chunk)))
    return chunk


def _choice(chunk: dict[str, Any]) -> tuple[str, str]:
    """(text, why it stopped) of the first choice; empty where a server leaves them out."""
    choices = chunk.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    if not isinstance(first, dict):
        return "", ""
    delta, reason = first.get("delta"), first.get("finish_reason")
    text = delta.get("content") if isinstance(delta, dict) else None
    return text if isinstance(text, str) else "", reason if isinstance(reason, str) else ""


def _count(usage: dict[str, Any], name: str) -> int:
    value = usage.get(name)
    return value if isinstance(value, int) and value > 0 else 0


def _error_message(body: Any) -> str:
    error = body.get("error") if isinstance(body, dict) else None
    return str(error.get("message", "")) if isinstance(error, dict) else str(error or "")


def _in_words(what: str, message: str) -> str:
    return conceal(f"{what}: {message}" if message else what)[:LONGEST_MESSAGE]
