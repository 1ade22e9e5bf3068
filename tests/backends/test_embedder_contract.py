"""What every model of vectors promises, checked over Titan and Cohere on Amazon Bedrock and an OpenAI-compatible server."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured

from knowledge.backends.base import Embedder, EmbedderUnavailable, TextRefused
from knowledge.backends.bedrock_embedder import BedrockEmbedder
from knowledge.backends.openai_embedder import OpenAIEmbedder
from tests.backends.embedding_fake import FakeModels, fake_models

TITAN = "amazon.titan-embed-text-v2:0"
COHERE = "cohere.embed-multilingual-v3"
KEY = "sk-loopback-0123456789"


@pytest.fixture
def models(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeModels]:
    with fake_models() as fake:
        monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", fake.url)
        yield fake
        assert fake.faults == []


@pytest.fixture(params=["titan", "cohere", "openai"])
def embedder(request: pytest.FixtureRequest, models: FakeModels) -> Embedder:
    patient: dict[str, Any] = {"answer_within_s": 5.0}
    if request.param == "openai":
        return OpenAIEmbedder(base_url=f"{models.url}/v1", model="bge-m3", floor=0.4, api_key=KEY, **patient)
    return BedrockEmbedder(model_id=TITAN if request.param == "titan" else COHERE, **patient)


async def test_what_means_the_same_is_alike_and_what_does_not_is_not(embedder: Embedder) -> None:
    passages = await asyncio.to_thread(embedder.embed_passages, ["You may return it.", "We deliver in 3 days.", "返金"])
    assert passages.shape[0] == 3
    assert passages.dtype == np.float32
    assert np.allclose(np.linalg.norm(passages, axis=1), 1, atol=1e-5)
    refund, moon = await embedder.embed_question("Can I get a refund?"), await embedder.embed_question("The moon?")
    assert list(passages @ refund > 0.9) == [True, False, True]
    assert (passages @ moon).max() < embedder.floor


async def test_more_passages_than_a_call_takes_come_in_their_order(embedder: Embedder, models: FakeModels) -> None:
    models.means = lambda text: [float(len(text)), 1.0]
    texts = ["x" * length for length in range(1, embedder.most_texts + 1)]
    vectors = await asyncio.to_thread(embedder.embed_passages, texts)
    assert [round(float(a / b)) for a, b in vectors] == list(range(1, embedder.most_texts + 1))


async def test_questions_at_the_same_time_do_not_mix(embedder: Embedder) -> None:
    texts = ["return", "ship", "gift"] * 4
    vectors = await asyncio.gather(*map(embedder.embed_question, texts))
    assert [int(np.argmax(vector)) for vector in vectors] == [0, 1, 2] * 4


async def test_a_failure_while_an_index_is_built_is_tried_again(embedder: Embedder, models: FakeModels) -> None:
    models.refusals = [(503, "ServiceUnavailableException")]
    assert (await asyncio.to_thread(embedder.embed_passages, ["return"])).shape[0] == 1
    models.refusals = [(503, "ServiceUnavailableException")] * 9
    with pytest.raises(EmbedderUnavailable):
        await asyncio.to_thread(embedder.embed_passages, ["return"])


async def test_a_question_is_asked_once_and_a_failure_is_told(embedder: Embedder, models: FakeModels) -> None:
    models.refusals = [(429, "ThrottlingException")]
    with pytest.raises(EmbedderUnavailable) as told:
        await embedder.embed_question("return")
    assert not isinstance(told.value, TextRefused)
    assert len(models.asked) == 1


async def test_a_text_that_the_model_refuses_is_told_apart_from_an_outage(
    embedder: Embedder, models: FakeModels
) -> None:
    models.refuses = lambda text: True
    with pytest.raises(TextRefused):
        await embedder.embed_question("return")
    with pytest.raises(TextRefused):
        await asyncio.to_thread(embedder.embed_passages, ["return"])


NONSENSE: list[Any] = [
    b"<html>",
    b"[]",
    {},
    {"embedding": None, "embeddings": None, "data": None},
    {"embedding": ["x"], "embeddings": {"float": [["x"]]}, "data": [{"index": 0, "embedding": ["x"]}]},
    {"embedding": [0, 0], "embeddings": {"float": [[0, 0]]}, "data": [{"index": 0, "embedding": [0, 0]}]},
    {"embedding": [1e39, 1], "embeddings": [[1e39, 1]], "data": [{"index": 0, "embedding": [1e39, 1]}]},
    {"embedding": [[1], [2]], "embeddings": [[1], [2]], "data": [{"index": 0, "embedding": [1]}] * 2},
    {"embedding": {}, "embeddings": 7, "data": [{"index": {}, "embedding": [1]}]},
]


@pytest.mark.parametrize("answer", NONSENSE, ids=str)
@pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")
async def test_nonsense_in_place_of_vectors_is_a_failure_and_nothing_else(
    embedder: Embedder, models: FakeModels, answer: Any
) -> None:
    models.answer = answer
    with pytest.raises(EmbedderUnavailable):
        await embedder.embed_question("return")


async def test_nobody_at_the_address_is_a_failure(embedder: Embedder, models: FakeModels) -> None:
    with fake_models() as gone:
        pass
    if isinstance(embedder, OpenAIEmbedder):
        embedder = OpenAIEmbedder(base_url=f"{gone.url}/v1", model="bge-m3", floor=0.4)
    else:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", gone.url)
            embedder = BedrockEmbedder(model_id=TITAN)
    with pytest.raises(EmbedderUnavailable):
        await embedder.embed_question("return")


async def test_a_key_is_sent_and_never_told(models: FakeModels) -> None:
    embedder = OpenAIEmbedder(base_url=f"{models.url}/v1/", model="bge-m3", floor=0.4, api_key=KEY)
    models.refusals = [(401, "x")]
    models.answer = None
    with pytest.raises(EmbedderUnavailable) as told:
        await embedder.embed_question("return")
    assert models.keys == [f"Bearer {KEY}"]
    assert KEY not in str(told.value)


def test_vectors_that_may_not_be_compared_have_models_of_different_names() -> None:
    def of(**options: Any) -> str:
        return OpenAIEmbedder(base_url="http://127.0.0.1:1/v1", floor=0.4, **options).model

    names = [
        of(model="e5"),
        of(model="bge"),
        of(model="e5", dimensions=256),
        of(model="e5", passage_prefix="passage: "),
        BedrockEmbedder(model_id=TITAN).model,
        BedrockEmbedder(model_id=TITAN, dimensions=256).model,
        BedrockEmbedder(model_id=COHERE).model,
    ]
    assert len(set(names)) == len(names)


def test_the_prefixes_that_a_model_wants_are_put_before_what_is_asked(models: FakeModels) -> None:
    embedder = OpenAIEmbedder(
        base_url=f"{models.url}/v1", model="e5", floor=0.8, question_prefix="query: ", passage_prefix="passage: "
    )
    embedder.embed_passages(["return"])
    asyncio.run(embedder.embed_question("ship"))
    assert models.texts() == ["passage: return", "query: ship"]


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({"model_id": ""}, "BEDROCK_EMBEDDING_MODEL_ID"),
        ({"model_id": "amazon.nova-lite-v1:0"}, "neither Amazon Titan"),
        ({"model_id": "arn:aws:bedrock:us-east-1:1:application-inference-profile/x"}, "family"),
        ({"model_id": TITAN, "dimensions": 300}, "1024, 512 or 256"),
    ],
)
def test_a_model_that_cannot_be_asked_is_said_at_the_start(options: dict[str, Any], fault: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=fault):
        BedrockEmbedder(**options)


def test_a_profile_whose_id_does_not_tell_is_asked_as_the_family_that_is_named() -> None:
    arn = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc"
    assert BedrockEmbedder(model_id=arn, family="cohere").most_texts == 96


@pytest.mark.parametrize(
    ("backend", "options", "fault"),
    [
        ("bedrock_embedder.BedrockEmbedder", {}, "BEDROCK_EMBEDDING_MODEL_ID must be set"),
        ("openai_embedder.OpenAIEmbedder", {"base_url": "http://x/v1", "model": "m"}, "the option 'floor' must be set"),
        ("openai_embedder.OpenAIEmbedder", {"model": "m", "floor": 0.4}, "EMBEDDINGS_BASE_URL must be set"),
        ("bedrock_embedder.BedrockEmbedder", {"model_id": TITAN, "flor": 1}, "has no option 'flor'"),
    ],
)
def test_what_is_missing_stops_the_start(settings: Any, backend: str, options: dict[str, Any], fault: str) -> None:
    settings.EMBEDDERS = {"default": {"BACKEND": f"knowledge.backends.{backend}", "OPTIONS": options}}
    assert [each.msg for each in run_checks() if fault in each.msg]
