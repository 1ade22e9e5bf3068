"""Vectors from Amazon Bedrock: InvokeModel (bedrock-runtime 2023-09-30) with the bodies of Amazon Titan Text Embeddings
V2 and Cohere Embed v3 (Amazon Bedrock User Guide, "Inference request parameters").
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Literal

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
from mangaassist import aws
from mangaassist.breaker import BoundedExecutor, ExecutorFull

Family = Literal["titan", "cohere"]
Purpose = Literal["search_document", "search_query"]

# Titan takes one text a call: so many calls at a time while an index is built. All tries of a batch together are
# shorter than a build's lease (knowledge.index).
AT_A_TIME = 8
TITAN_DIMENSIONS = (1024, 512, 256)
# Characters that a model takes of one text.
LONGEST = {"titan": 50_000, "cohere": 2_048}
MOST_TEXTS = {"titan": AT_A_TIME, "cohere": 96}
FLOORS = {"titan": 0.35, "cohere": 0.5}
# Of the hot path.
THREADS = 8
QUEUE = 16


class BedrockEmbedder(Embedder):
    """``model_id``: a model's or an inference profile's id or ARN; ``family`` where that does not tell it: ``titan`` or
    ``cohere``. ``dimensions``: of Titan, 1024, 512 or 256. ``floor`` and ``answer_within_s``: see :class:`Embedder`.
    """

    def __init__(
        self,
        *,
        model_id: str,
        family: str = "",
        dimensions: int = 1024,
        floor: float | None = None,
        answer_within_s: float = 0.3,
        region: str = "",
    ) -> None:
        self._family = _family(model_id, family)
        if self._family == "titan" and dimensions not in TITAN_DIMENSIONS:
            raise ImproperlyConfigured(f"Amazon Titan has vectors of 1024, 512 or 256 dimensions, not {dimensions!r}.")
        self._model_id = model_id
        self._dimensions = dimensions
        self.model = (f"{model_id}/{dimensions}" if self._family == "titan" else model_id)[-LONGEST_MODEL_NAME:]
        self.floor = FLOORS[self._family] if floor is None else floor
        self.answer_within_s = answer_within_s
        self.most_texts = MOST_TEXTS[self._family]
        self._hot = aws.client("bedrock-runtime", "hot", region=region)
        self._patient = aws.client("bedrock-runtime", "worker", region=region)
        self._executor = BoundedExecutor("embedder", threads=THREADS, queue=QUEUE)

    def embed_passages(self, texts: Sequence[str]) -> Floats:
        if self._family == "cohere":
            rows = self._cohere(self._patient, texts, "search_document")
        else:
            with ThreadPoolExecutor(AT_A_TIME, thread_name_prefix="embed") as pool:
                rows = list(pool.map(partial(self._titan, self._patient), texts))
        return unit_vectors(rows, len(texts))

    async def embed_question(self, text: str) -> Floats:
        ask: Callable[[], list[Any]]
        if self._family == "cohere":
            ask = partial(self._cohere, self._hot, [text], "search_query")
        else:
            ask = partial(self._titan_rows, self._hot, text)
        try:
            rows = await self._executor.run(ask)
        except ExecutorFull as error:
            raise EmbedderUnavailable("ExecutorFull") from error
        vector: Floats = unit_vectors(rows, 1)[0]
        return vector

    def _titan_rows(self, client: Any, text: str) -> list[Any]:
        return [self._titan(client, text)]

    def _titan(self, client: Any, text: str) -> Any:
        body = {
            "inputText": text[: LONGEST["titan"]],
            "dimensions": self._dimensions,
            "normalize": True,
            "embeddingTypes": ["float"],
        }
        return self._invoke(client, body).get("embedding")

    def _cohere(self, client: Any, texts: Sequence[str], purpose: Purpose) -> list[Any]:
        body = {
            "texts": [text[: LONGEST["cohere"]] for text in texts],
            "input_type": purpose,
            "embedding_types": ["float"],
            # Of 512 tokens: a passage in Japanese may have more within the characters.
            "truncate": "END",
        }
        found = self._invoke(client, body).get("embeddings")
        rows = found.get("float") if isinstance(found, dict) else found
        return rows if isinstance(rows, list) else []

    def _invoke(self, client: Any, body: dict[str, Any]) -> dict[str, Any]:
        """Raises :class:`EmbedderUnavailable` or :class:`TextRefused`."""
        try:
            answer = client.invoke_model(
                modelId=self._model_id,
                body=orjson.dumps(body),
                contentType="application/json",
                accept="application/json",
            )
            found = orjson.loads(answer["body"].read())
        except aws.FAILURES as error:
            kind = EmbedderUnavailable if aws.is_unwell(error) else TextRefused
            raise kind(aws.in_words(error)) from error
        except orjson.JSONDecodeError as error:
            raise EmbedderUnavailable("it answers with what is no JSON") from error
        if not isinstance(found, dict):
            raise EmbedderUnavailable("it answers with what is no object")
        return found


def _family(model_id: str, family: str) -> Family:
    if not model_id:
        raise ImproperlyConfigured("EMBEDDER=bedrock needs BEDROCK_EMBEDDING_MODEL_ID.")
    families: tuple[Family, ...] = ("titan", "cohere")
    for known in families:
        if family == known or (not family and f"{known}.embed" in model_id.replace("-", ".")):
            return known
    raise ImproperlyConfigured(
        f"{model_id!r} is neither Amazon Titan Text Embeddings V2 nor Cohere Embed v3: "
        "name the option family (titan or cohere) where the id does not tell."
    )
