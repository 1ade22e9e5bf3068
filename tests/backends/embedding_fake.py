"""Models of vectors on a loopback port: Amazon Bedrock's InvokeModel (Titan V2, Cohere v3) and OpenAI's embeddings, as strict
as their documentation. What a text means is told by a test.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any
from urllib.parse import unquote

import botocore.session

from tests.backends.loopback import LoopbackHandler, faults_of, serving

INVOKE = botocore.session.get_session().get_service_model("bedrock-runtime").operation_model("InvokeModel").input_shape

# Words that mean the same, in two languages: an axis each. Every text has a direction of its own beside them.
SAME = (
    ("return", "refund", "send back", "money back", "返品", "返金"),
    ("ship", "deliver", "parcel", "配送", "届"),
    ("gift", "wrap", "birthday", "ギフト", "贈り物"),
)


def meaning(text: str) -> list[float]:
    folded = text.casefold()
    vector = [float(sum(word in folded for word in words)) for words in SAME]
    share = 0.1 if any(vector) else 1.0
    return [*vector, *(share * each for each in _own(text))]


def _own(text: str) -> list[float]:
    """Far from that of any other text: in so many dimensions nearly all directions are."""
    random = Random(text)
    return [random.gauss(0, 1) / 8 for _ in range(64)]


@dataclass
class FakeModels:
    """``asked``: (path, body); ``refusals``: (status, code) of the next calls; ``go``: it answers once this is set;
    ``answer``: what it answers instead of vectors."""

    means: Callable[[str], list[float]] = meaning
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    refusals: list[tuple[int, str]] = field(default_factory=list)
    refuses: Callable[[str], bool] = lambda text: False
    faults: list[str] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    go: threading.Event = field(default_factory=threading.Event)
    answer: Any = None
    url: str = ""

    def texts(self) -> list[str]:
        """All that was asked for, in order."""
        return [text for _, body in self.asked for text in _texts_of(body)]


def _texts_of(body: dict[str, Any]) -> list[str]:
    texts = body.get("texts") or body.get("input") or [body["inputText"]]
    assert isinstance(texts, list)
    return texts


class _Handler(LoopbackHandler):
    def do_POST(self) -> None:
        fake = self.server.fake
        body = self.read_json()
        fake.asked.append((self.path, body))
        fake.keys.append(self.headers.get("Authorization"))
        fake.go.wait(60)
        if fake.refusals:
            self._refuse(*fake.refusals.pop(0))
        elif any(fake.refuses(text) for text in _texts_of(body)):
            self._refuse(400, "ValidationException")
        elif fake.answer is not None:
            self.send_json(200, fake.answer)
        elif self.path == "/v1/embeddings":
            self.send_json(200, self._of_openai(body))
        else:
            self.send_json(200, self._of_bedrock(body))

    def _of_openai(self, body: dict[str, Any]) -> dict[str, Any]:
        rows = [
            {"object": "embedding", "index": place, "embedding": self.server.fake.means(text)}
            for place, text in enumerate(body["input"])
        ]
        # Nothing says that they come in order.
        return {"object": "list", "data": rows[::-1], "model": body["model"], "usage": {"prompt_tokens": 1}}

    def _of_bedrock(self, body: dict[str, Any]) -> dict[str, Any]:
        fake = self.server.fake
        _, model, model_id, operation = self.path.split("/")
        if (model, operation) != ("model", "invoke"):
            fake.faults.append(f"no such operation: {self.path}")
        request = {
            "modelId": unquote(model_id),
            "contentType": self.headers["Content-Type"],
            "accept": self.headers["Accept"],
            "body": json.dumps(body),
        }
        fake.faults += faults_of(request, INVOKE)
        if "titan-embed-text-v2" in request["modelId"]:
            fake.faults += [] if set(body) <= {"inputText", "dimensions", "normalize", "embeddingTypes"} else ["field"]
            fake.faults += [] if 0 < len(body["inputText"]) <= 50_000 else ["length"]
            vector = fake.means(body["inputText"])
            return {"embedding": vector, "inputTextTokenCount": 3, "embeddingsByType": {"float": vector}}
        fake.faults += [] if set(body) <= {"texts", "input_type", "embedding_types", "truncate"} else ["field"]
        fake.faults += [] if len(body["texts"]) <= 96 and all(len(text) <= 2048 for text in body["texts"]) else ["size"]
        fake.faults += [] if body["input_type"] in {"search_document", "search_query"} else ["input_type"]
        rows = [fake.means(text) for text in body["texts"]]
        return {"embeddings": {"float": rows}, "id": "1", "response_type": "embeddings_by_type", "texts": body["texts"]}

    def _refuse(self, status: int, code: str) -> None:
        self.send_json(status, {"message": "as told", "error": {"message": "as told", "code": code}}, code=code)


@contextmanager
def fake_models() -> Iterator[FakeModels]:
    fake = FakeModels()
    fake.go.set()
    with serving(fake, _Handler) as fake.url:
        try:
            yield fake
        finally:
            fake.go.set()
