"""The OpenAPI document is the product: tools that know nothing else of us must get along with it."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from partners.models import SCOPES, create_api_key
from partners.problems import KINDS
from partners.webhooks.events import body_of
from partners.webhooks.models import EVENTS, TEST_EVENT
from tests.partners.live import live_server
from tests.shop.catalogue import lay_small_catalogue

TOOLS = Path(sys.executable).parent
# They are in requirements-dev.txt only; CI has them.
needs_tools = pytest.mark.skipif(
    not all((TOOLS / tool).exists() for tool in ("schemathesis", "openapi-python-client")),
    reason="schemathesis and openapi-python-client are not installed",
)


@pytest.fixture
def document(client: Any) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/api/v1/openapi.json").json()
    return found


@pytest.fixture
def shop(transactional_db: None, settings: Any) -> Iterator[tuple[str, str]]:
    """(address, secret) of a running shop."""
    lay_small_catalogue()
    settings.FEED_JOBS_WAITING = 100_000
    _, secret = create_api_key("A shop", list(SCOPES), rate_per_minute=1_000_000)
    with live_server() as address:
        yield address, secret


def _operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def test_it_is_valid_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    pytest.importorskip("openapi_spec_validator").validate(document)


def test_every_operation_declares_what_may_come_of_it(document: dict[str, Any]) -> None:
    for path, method, operation in _operations(document):
        declared = set(operation["responses"])
        expected = {"401", "403", "422", "429", "500", "503"}
        expected |= {"404"} if "{" in path else set()
        expected |= {"400", "413", "415"} if "requestBody" in operation else set()
        assert expected <= declared, (path, method)
    told = {int(status) for _, _, operation in _operations(document) for status in operation["responses"]}
    # 405 is no answer of an operation.
    assert {status for kind in KINDS.values() for status in kind.statuses} - {405} <= told


def test_every_answer_and_every_body_is_typed_and_has_an_example(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    for path, _, operation in _operations(document):
        for status in set(operation["responses"]) & {"200", "201", "202"}:
            schema = operation["responses"][status]["content"]["application/json"]["schema"]
            assert schema["$ref"].split("/")[-1] in schemas, path
        if (body := operation.get("requestBody")) and path != "/api/v1/catalog/feed":
            assert "#/components/schemas/" in str(body["content"]["application/json"]["schema"]), path
    for name in (
        "ConversationIn",
        "MessageIn",
        "FeedbackIn",
        "HandoffIn",
        "EventIn",
        "AsinsIn",
        "CatalogEventIn",
        "CatalogEventsOut",
        "FeedJobOut",
        "WebhookIn",
        "RotationIn",
        "Product",
        "Problem",
    ):
        assert schemas[name]["examples"], name


def test_what_webhooks_carry_is_told_as_it_is_sent(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    assert set(document["webhooks"]) == {*EVENTS, TEST_EVENT}
    for name, told in document["webhooks"].items():
        body = told["post"]["requestBody"]["content"]["application/json"]["schema"]
        schema = schemas[body["$ref"].split("/")[-1]]
        (example,) = schema["examples"]
        assert example["type"] == schema["properties"]["type"]["const"] == name
        made = body_of(name, datetime.fromisoformat(example["timestamp"]), example["data"])
        assert orjson.loads(made) == example
        # Secrets have no place in them, nor have fields that the document does not tell.
        assert set(schema["required"]) == set(schema["properties"]) == {"type", "schema", "timestamp", "data"}
        parameters = {each["name"] for each in told["post"]["parameters"]}
        assert parameters == {"webhook-id", "webhook-timestamp", "webhook-signature"}


def test_every_post_with_an_effect_takes_an_idempotency_key(document: dict[str, Any]) -> None:
    for path, method, operation in _operations(document):
        names = {parameter["name"] for parameter in operation["parameters"]}
        has_effect = method == "post" and path != "/api/v1/products/batch"
        assert ("Idempotency-Key" in names, "409" in operation["responses"]) == (has_effect, has_effect), path


@needs_tools
@pytest.mark.process
@pytest.mark.parametrize(
    ("phases", "limit"), [("examples,coverage", "--max-time=20"), ("fuzzing,stateful", "--max-examples=3")]
)
def test_schemathesis_finds_nothing(shop: tuple[str, str], tmp_path: Path, phases: str, limit: str) -> None:
    """All its checks, for some twenty seconds each; docs/api.md has the command for a long search."""
    address, secret = shop
    run = subprocess.run(
        [
            TOOLS / "schemathesis", "run", f"{address}/api/v1/openapi.json", "--checks=all", f"--phases={phases}",
            limit, "--request-timeout=60", "--header", f"Authorization: Bearer {secret}",
        ],
        cwd=tmp_path, env=os.environ | {"NO_COLOR": "1"}, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout[-8000:]
    assert "passed" in run.stdout


@needs_tools
@pytest.mark.process
def test_a_generated_client_holds_a_conversation(
    shop: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address, secret = shop
    subprocess.run(
        [
            TOOLS / "openapi-python-client", "generate", "--url", f"{address}/api/v1/openapi.json",
            "--meta=none", "--output-path", tmp_path / "manga_client", "--fail-on-warning",
        ],
        cwd=tmp_path, env=os.environ | {"PATH": f"{TOOLS}{os.pathsep}{os.environ['PATH']}"}, timeout=300, check=True,
    )  # fmt: skip
    monkeypatch.syspath_prepend(tmp_path)

    def module(name: str) -> Any:
        return importlib.import_module(f"manga_client.{name}")

    models = module("models")
    client = module("client").AuthenticatedClient(base_url=address, token=secret)
    opened = module("api.conversations.create_conversation").sync(
        client=client, body=models.ConversationIn(customer_id="alice"), idempotency_key="open-1"
    )
    answer = module("api.conversations.send_message").sync(
        opened.conversation_id, client=client, body=models.MessageIn(text="Is Berserk 3 in stock?")
    )
    assert answer.cards[0].data.price.amount == "14.99"
    given = module("api.conversations.give_feedback").sync(
        opened.conversation_id,
        client=client,
        body=models.FeedbackIn(message_id=answer.message_id, rating=models.FeedbackInRatingType0("up")),
    )
    assert given.status == "received"
    missing = module("api.catalogue.get_product").sync("NOPE", client=client)
    assert (missing.status, missing.type_) == (404, "/api/v1/docs#problem-not-found")
