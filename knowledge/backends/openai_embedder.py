"""Vectors from any endpoint that speaks OpenAI's embeddings (vLLM, Ollama, text-embeddings-inference, OpenAI): httpx,
one client per event loop for questions, one for the building of an index.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

import httpx
import orjson
from django.core.exceptions import ImproperlyConfigured

from knowledge.backends.base import (
    LONGEST_MODEL_NAME,
    Embedder,
    EmbedderUnavailable,
    Floats,
    TextRefused,
    unit_vectors,
)
from mangaassist.concealing import conceal, remember_also

CONNECT_S = 1.0
# Of a call with passages. All tries together are shorter than a build's lease (knowledge.index).
PATIENCE_S = 10.0
TRIES = 3
# The pause before each further try; a server's own wish is followed up to the longest one.
PAUSES_S = (0.5, 2.0)
LONGEST_PAUSE_S = 5.0
CONNECTIONS = 32
LONGEST_MESSAGE = 200
_OUR_FAULT = {400, 404, 413, 422}


class OpenAIEmbedder(Embedder):
    """``base_url``: up to and with ``/v1``. ``floor``, ``answer_within_s``, ``most_texts``: see :class:`Embedder`; what
    likeness means depends on the model, so ``floor`` has no default. ``dimensions``: None leaves them to the model.
    ``question_prefix``, ``passage_prefix``: of models that want to be told (E5: "query: ", "passage: ").
    """

    def __init__(
        self,
        *,
        base_url: str,
        model: str,
        floor: float,
        api_key: str = "",
        dimensions: int | None = None,
        question_prefix: str = "",
        passage_prefix: str = "",
        answer_within_s: float = 0.3,
        most_texts: int = 64,
    ) -> None:
        parts = urlsplit(base_url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ImproperlyConfigured("EMBEDDINGS_BASE_URL must look like http://host:port/v1.")
        if not model:
            raise ImproperlyConfigured("EMBEDDINGS_MODEL must name a model.")
        self._url = base_url.rstrip("/") + "/embeddings"
        self._headers = {"Content-Type": "application/json"}
        if api_key:
            self._headers["Authorization"] = f"Bearer {api_key}"
        remember_also(api_key)
        self._body: dict[str, Any] = {"model": model, "encoding_format": "float"}
        if dimensions is not None:
            self._body["dimensions"] = dimensions
        self._prefixes = (question_prefix, passage_prefix)
        told = (model, str(dimensions or ""), question_prefix, passage_prefix)
        self.model = "/".join(part for part in told if part)[:LONGEST_MODEL_NAME]
        self.floor = floor
        self.answer_within_s = answer_within_s
        self.most_texts = most_texts
        # Made once: it takes as long as a question may wait.
        self._narrow = _narrow(httpx.create_ssl_context(trust_env=False))
        self._patient = httpx.Client(timeout=httpx.Timeout(PATIENCE_S, connect=CONNECT_S), **self._narrow)
        self._clients: WeakKeyDictionary[asyncio.AbstractEventLoop, httpx.AsyncClient] = WeakKeyDictionary()

    def embed_passages(self, texts: Sequence[str]) -> Floats:
        content = self._content([self._prefixes[1] + text for text in texts])
        for pause_s in (*PAUSES_S[: TRIES - 1], None):
            try:
                response = self._patient.post(self._url, content=content, headers=self._headers)
                return _read(response, len(texts))
            except TextRefused:
                raise
            except (httpx.HTTPError, EmbedderUnavailable) as error:
                if pause_s is None:
                    raise _unavailable(error) from error
                time.sleep(_pause(error, pause_s))
        raise AssertionError

    async def embed_question(self, text: str) -> Floats:
        content = self._content([self._prefixes[0] + text])
        try:
            response = await self._client().post(self._url, content=content, headers=self._headers)
        except httpx.HTTPError as error:
            raise _unavailable(error) from error
        vector: Floats = _read(response, 1)[0]
        return vector

    def _content(self, texts: Sequence[str]) -> bytes:
        return orjson.dumps(self._body | {"input": texts})

    def _client(self) -> httpx.AsyncClient:
        loop = asyncio.get_running_loop()
        if loop not in self._clients:
            timeout = httpx.Timeout(self.answer_within_s, connect=min(CONNECT_S, self.answer_within_s))
            limits = httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS)
            self._clients[loop] = httpx.AsyncClient(timeout=timeout, limits=limits, **self._narrow)
        return self._clients[loop]


class _Refused(EmbedderUnavailable):
    """``after_s``: when the server wants to be asked again."""

    def __init__(self, message: str, after_s: float) -> None:
        super().__init__(message)
        self.after_s = after_s


def _narrow(certificates: ssl.SSLContext) -> dict[str, Any]:
    """The operator's address and no other: neither a redirect nor a proxy of the environment."""
    return {"follow_redirects": False, "trust_env": False, "verify": certificates}


def _pause(error: Exception, pause_s: float) -> float:
    wished = error.after_s if isinstance(error, _Refused) else 0.0
    return min(max(pause_s, wished), LONGEST_PAUSE_S)


def _unavailable(error: Exception) -> EmbedderUnavailable:
    if isinstance(error, EmbedderUnavailable):
        return error
    return EmbedderUnavailable(_in_words(type(error).__name__, str(error)))


def _read(response: httpx.Response, count: int) -> Floats:
    """The rows in the order of the texts: servers say which is which. Raises what :class:`Embedder` raises."""
    try:
        body = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        body = None
    if response.status_code != httpx.codes.OK:
        message = _in_words(f"HTTP {response.status_code}", _error_message(body))
        if response.status_code in _OUR_FAULT:
            raise TextRefused(message)
        after = response.headers.get("Retry-After", "")
        raise _Refused(message, float(after) if after.isdecimal() else 0.0)
    data = body.get("data") if isinstance(body, dict) else None
    if not isinstance(data, list) or not all(isinstance(each, dict) for each in data):
        raise EmbedderUnavailable("it answers with what is no list of embeddings")
    places = [each.get("index", place) for place, each in enumerate(data)]
    if not all(isinstance(place, int) for place in places) or sorted(places) != list(range(len(data))):
        raise EmbedderUnavailable("it does not say which vector is which text's")
    rows = {place: each.get("embedding") for place, each in zip(places, data, strict=True)}
    return unit_vectors([rows[place] for place in range(len(rows))], count)


def _error_message(body: Any) -> str:
    error = body.get("error") if isinstance(body, dict) else None
    return str(error.get("message", "")) if isinstance(error, dict) else str(error or "")


def _in_words(what: str, message: str) -> str:
    return conceal(f"{what}: {message}" if message else what)[:LONGEST_MESSAGE]
