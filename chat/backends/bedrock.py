"""Amazon Bedrock: ConverseStream (bedrock-runtime 2023-09-30), read in a thread of its own.

Errors come before the stream (HTTP status) or in it, after a 200: five exception types. The stable part of the prompt
is followed by a cache point; what a guardrail of the account intervened in is never shown.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
import time
from collections.abc import AsyncGenerator
from contextlib import suppress
from functools import partial
from typing import Any

from botocore.exceptions import EventStreamError
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from chat.backends.base import GeneratorUnavailable, Used, Words, Written
from chat.backends.pricing import TokenPrices
from chat.backends.prompted import PromptedGenerator
from chat.prompts import Prompt
from mangaassist import aws
from mangaassist.breaker import BoundedExecutor, Breaker, BreakerOpen, ExecutorFull
from mangaassist.tracing import headers

# One thread per answer that is being written.
THREADS = 32
QUEUE = 32
CONNECT_S = 1.0
# Errors in the stream that are about this request and not about the service.
_OUR_FAULT = {"validationException"}
# Reasons to stop after which the text is not the model's, or none to show.
_NO_ANSWER = {"guardrail_intervened", "content_filtered", "malformed_model_output", "malformed_tool_use", "tool_use"}


def _tell_place(params: dict[str, Any], **kwargs: Any) -> None:
    """botocore's event before a request is signed; ``params`` becomes the request."""
    params["headers"].update(headers())


class BedrockGenerator(PromptedGenerator):
    """``model_id``: a model's or an inference profile's id or ARN. ``temperature``: some models take none, so None
    sends none. ``cache_prompt``: off for models that refuse cache points. Prices: US dollars per 1,000 tokens.
    """

    name = "bedrock"

    def __init__(
        self,
        *,
        model_id: str,
        guardrail_id: str = "",
        guardrail_version: str = "",
        region: str = "",
        max_tokens: int = 700,
        temperature: float | None = None,
        cache_prompt: bool = True,
        input_price: float | None = None,
        output_price: float | None = None,
        cache_read_price: float | None = None,
        cache_write_price: float | None = None,
    ) -> None:
        if not model_id:
            raise ImproperlyConfigured("Amazon Bedrock needs a model id.")
        if bool(guardrail_id) != bool(guardrail_version):
            raise ImproperlyConfigured("BEDROCK_GUARDRAIL_ID and BEDROCK_GUARDRAIL_VERSION go together.")
        self._model = model_id
        self._guardrail = (guardrail_id, guardrail_version)
        self._max_tokens = max_tokens
        self._temperature = temperature
        self._cache_prompt = cache_prompt
        self._prices = TokenPrices(
            read=input_price, written=output_price, cached=cache_read_price, stored=cache_write_price
        )
        self.tells_cost = self._prices.are_set
        # Per read; the turn's own limits (chat.generation) cut what is slower.
        limits = settings.TURN_LIMITS_S
        self._client = aws.client(
            "bedrock-runtime",
            "hot",
            region=region,
            connect_timeout=CONNECT_S,
            read_timeout=max(limits["first_token"], limits["token_gap"]),
        )
        self._client.meta.events.register("before-call.bedrock-runtime", _tell_place)
        self._executor = BoundedExecutor("bedrock", threads=THREADS, queue=QUEUE)
        self._breaker = Breaker("bedrock")

    async def write(self, prompt: Prompt) -> AsyncGenerator[Written]:
        answer = _Answer(asyncio.get_running_loop())
        try:
            self._breaker.check()
            # In this context, which knows the turn's trace.
            run = contextvars.copy_context().run
            self._executor.submit(partial(run, self._read, self._arguments(prompt), answer))
        except (BreakerOpen, ExecutorFull) as error:
            raise GeneratorUnavailable(type(error).__name__) from error
        stopped, usage = "", dict[str, Any]()
        try:
            async for event in answer.events():
                if text := event.get("contentBlockDelta", {}).get("delta", {}).get("text"):
                    yield Words(text)
                stopped = event.get("messageStop", {}).get("stopReason", stopped)
                usage = event.get("metadata", {}).get("usage", usage)
            yield self._used(usage, prompt, stopped)
        finally:
            answer.close()
        if stopped in _NO_ANSWER:
            raise GeneratorUnavailable(stopped)

    def _arguments(self, prompt: Prompt) -> dict[str, Any]:
        system: list[dict[str, Any]] = [{"text": prompt.stable}]
        if self._cache_prompt:
            system.append({"cachePoint": {"type": "default"}})
        inference: dict[str, Any] = {"maxTokens": self._max_tokens}
        if self._temperature is not None:
            inference["temperature"] = self._temperature
        arguments: dict[str, Any] = {
            "modelId": self._model,
            "system": system,
            "messages": [{"role": role, "content": [{"text": text}]} for role, text in prompt.turns],
            "inferenceConfig": inference,
        }
        if self._guardrail[0]:
            arguments["guardrailConfig"] = {
                "guardrailIdentifier": self._guardrail[0],
                "guardrailVersion": self._guardrail[1],
                # Nothing is sent that the guardrail has not seen.
                "streamProcessingMode": "sync",
            }
        return arguments

    def _used(self, usage: dict[str, Any], prompt: Prompt, stopped: str) -> Used:
        tokens = {
            "read": int(usage.get("inputTokens", 0)),
            "written": int(usage.get("outputTokens", 0)),
            "cached": int(usage.get("cacheReadInputTokens", 0)),
            "stored": int(usage.get("cacheWriteInputTokens", 0)),
        }
        return Used(
            model=self._model, prompt=prompt.version, stopped=stopped, cost=self._prices.cost(**tokens), **tokens
        )

    # --- In the executor's thread

    def _read(self, arguments: dict[str, Any], answer: _Answer) -> None:
        """Reads the whole stream, event by event, until it ends, fails or is closed."""
        if answer.is_closed():
            return
        began, stream = time.monotonic(), None
        try:
            stream = self._client.converse_stream(**arguments)["stream"]
            if not answer.hold(stream):
                return
            stopped = False
            for event in stream:
                stopped = stopped or "messageStop" in event
                answer.tell(event)
            if not stopped:
                raise ConnectionError("The stream ended before the answer did.")
        except Exception as error:  # Also a broken frame (botocore.eventstream): no thread ends in silence.
            was_cut = stream is not None and answer.is_closed()
            if not was_cut:
                self._failed(error, answer)
            elif not answer.has_begun and time.monotonic() - began >= settings.TURN_LIMITS_S["first_token"]:
                self._breaker.failed()
        else:
            self._breaker.succeeded()
            answer.end()
        finally:
            if stream is not None:
                stream.close()

    def _failed(self, error: Exception, answer: _Answer) -> None:
        if is_unwell(error):
            self._breaker.failed()
        else:
            self._breaker.succeeded()
        answer.fail(GeneratorUnavailable(aws.in_words(error)))


def is_unwell(error: Exception) -> bool:
    """Whether the service fails, and not this one request."""
    if isinstance(error, EventStreamError):
        return error.response.get("Error", {}).get("Code") not in _OUR_FAULT
    return aws.is_unwell(error)


class _Answer:
    """Carries one stream's events from its thread to the event loop; closing it wakes and frees the thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._events: asyncio.Queue[dict[str, Any] | Exception | None] = asyncio.Queue()
        self._lock = threading.Lock()
        self._stream: Any = None
        self._closed = False
        self.has_begun = False

    def is_closed(self) -> bool:
        return self._closed

    # --- The thread's side

    def hold(self, stream: Any) -> bool:
        """False when it was closed before the stream began."""
        with self._lock:
            if not self._closed:
                self._stream = stream
            return not self._closed

    def tell(self, event: dict[str, Any]) -> None:
        self.has_begun = True
        self._put(event)

    def fail(self, error: Exception) -> None:
        self._put(error)

    def end(self) -> None:
        self._put(None)

    def _put(self, item: dict[str, Any] | Exception | None) -> None:
        if not self._closed:
            try:
                self._loop.call_soon_threadsafe(self._events.put_nowait, item)
            except RuntimeError:  # The loop is gone, and with it whoever waited.
                self._closed = True

    # --- The loop's side

    async def events(self) -> AsyncGenerator[dict[str, Any]]:
        while True:
            item = await self._events.get()
            if item is None:
                return
            if isinstance(item, Exception):
                raise item
            yield item

    def close(self) -> None:
        with self._lock:
            self._closed = True
            stream, self._stream = self._stream, None
        if stream is not None:
            _wake(stream)


def _wake(stream: Any) -> None:
    """Ends a read that another thread waits in; that thread then closes the stream. Closing it from here would wait for
    the read (urllib3.response.HTTPResponse.shutdown says so)."""
    # It may just have ended by itself.
    with suppress(RuntimeError, ValueError, OSError):
        stream._raw_stream.shutdown()
