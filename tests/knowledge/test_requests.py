"""What asks for re-indexing, by table: our own records, DynamoDB's, and what buckets tell."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from knowledge.requests import ReindexRequest, RequestRefused, read_bucket_event, read_request


def changed(name: str, old: dict[str, Any], new: dict[str, Any], **keys: Any) -> dict[str, Any]:
    images = {"OldImage": old, "NewImage": new} if name == "MODIFY" else {}
    return {"eventName": name, "eventSource": "aws:dynamodb", "dynamodb": {"Keys": keys, **images}}


ASIN = {"S": "MD0000001"}
REQUESTS: list[tuple[str, dict[str, Any], ReindexRequest | None]] = [
    ("a product", {"asin": "MD0000001", "action": "reindex"}, ReindexRequest("product", "MD0000001")),
    ("an object", {"s3_key": "returns/a.md", "action": "upsert", "category": "returns"}, ReindexRequest("document", "returns/a.md")),
    ("an object that is gone", {"s3_key": "a.md", "action": "delete"}, ReindexRequest("document", "a.md", True)),
    ("an article", {"article": "returns/en", "action": "upsert"}, ReindexRequest("article", "returns/en")),
    ("a later schema", {"asin": "MD1", "action": "reindex", "schema": 9, "why": ["x"]}, ReindexRequest("product", "MD1")),
    ("a new row in DynamoDB", changed("INSERT", {}, {}, asin=ASIN), ReindexRequest("product", "MD0000001")),
    ("a row that went", changed("REMOVE", {}, {}, asin=ASIN), ReindexRequest("product", "MD0000001", True)),
    (
        "another description",
        changed("MODIFY", {"description": {"S": "a"}}, {"description": {"S": "b"}}, asin=ASIN),
        ReindexRequest("product", "MD0000001"),
    ),
    ("another price", changed("MODIFY", {"price": {"N": "1"}}, {"price": {"N": "2"}}, asin=ASIN), None),
]  # fmt: skip


@pytest.mark.parametrize(("body", "request_"), [each[1:] for each in REQUESTS], ids=[each[0] for each in REQUESTS])
def test_a_record_is_understood(body: dict[str, Any], request_: ReindexRequest | None) -> None:
    assert read_request(body) == request_


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({}, "names neither"),
        ({"action": "reindex"}, "names neither"),
        ({"asin": 5}, "asin must be a text"),
        ({"asin": ""}, "asin must be a text"),
        ({"asin": "x" * 33}, "longer than 32"),
        ({"asin": "a\0b"}, "asin must be a text"),
        ({"s3_key": None, "action": "upsert"}, "s3_key must be a text"),
        ({"s3_key": "x" * 1025}, "longer than 1024"),
        ({"article": "returns"}, "slug/locale"),
        ({"dynamodb": {"Keys": {"asin": {"N": "5"}}}}, "without a string attribute asin"),
        ({"dynamodb": {"Keys": []}}, "without a string attribute asin"),
    ],
)
def test_nonsense_is_refused_with_its_reason(body: dict[str, Any], reason: str) -> None:
    with pytest.raises(RequestRefused, match=reason):
        read_request(body)


@pytest.mark.parametrize("request_", [each[2] for each in REQUESTS if each[2]])
def test_a_request_survives_its_travel(request_: ReindexRequest) -> None:
    travelled = read_request(orjson.loads(orjson.dumps(request_.as_body())))
    assert travelled is not None
    assert (travelled.kind, travelled.ref) == (request_.kind, request_.ref)


def test_the_bodies_are_those_of_the_contract() -> None:
    assert ReindexRequest("product", "MD1").as_body() == {"asin": "MD1", "action": "reindex", "schema": 1}
    assert ReindexRequest("document", "faq/ja/返品.md").as_body() == {
        "s3_key": "faq/ja/返品.md", "action": "upsert", "category": "faq", "schema": 1,
    }  # fmt: skip
    assert ReindexRequest("document", "loose.md", removed=True).as_body()["action"] == "delete"


# --- Buckets --------------------------------------------------------------------------------------------------------


def told(name: str, key: str) -> dict[str, Any]:
    """As Amazon S3 writes it (event structure 2.1), without what we do not read."""
    return {
        "Records": [
            {
                "eventVersion": "2.1", "eventSource": "aws:s3", "eventName": name,
                "s3": {"bucket": {"name": "shop-knowledge"}, "object": {"key": key, "sequencer": "0055AED6DCD90281E5"}},
            }
        ]
    }  # fmt: skip


def by_eventbridge(kind: str, key: str) -> dict[str, Any]:
    return {
        "version": "0", "source": "aws.s3", "detail-type": kind,
        "detail": {"bucket": {"name": "shop-knowledge"}, "object": {"key": key}},
    }  # fmt: skip


JAPANESE = "faq/%E8%BF%94%E5%93%81%E3%81%AE+%E4%BB%95%E6%96%B9.md"


@pytest.mark.parametrize(
    ("event", "request_"),
    [
        (told("ObjectCreated:Put", "returns/how.md"), ReindexRequest("document", "returns/how.md")),
        (told("s3:ObjectCreated:CompleteMultipartUpload", "a.pdf"), ReindexRequest("document", "a.pdf")),
        (told("ObjectRemoved:DeleteMarkerCreated", "a.md"), ReindexRequest("document", "a.md", True)),
        (told("ObjectCreated:Put", JAPANESE), ReindexRequest("document", "faq/返品の 仕方.md")),
        (by_eventbridge("Object Created", "faq/返品の+仕方.md"), ReindexRequest("document", "faq/返品の+仕方.md")),
        (by_eventbridge("Object Deleted", "a.md"), ReindexRequest("document", "a.md", True)),
        (
            {"Type": "Notification", "Message": orjson.dumps(told("ObjectCreated:Put", "a.md")).decode()},
            ReindexRequest("document", "a.md"),
        ),
    ],
)
def test_a_bucket_tells_of_one_object(event: dict[str, Any], request_: ReindexRequest) -> None:
    assert read_bucket_event(event) == [request_]


@pytest.mark.parametrize(
    "event",
    [
        {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "shop-knowledge"},
        {"Records": []},
        by_eventbridge("Object Tags Added", "a.md"),
    ],
)
def test_what_asks_for_nothing(event: dict[str, Any]) -> None:
    assert read_bucket_event(event) == []


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"Records": "all"},
        {"Records": [{}]},
        {"Records": ["x"]},
        {"Records": [{"eventName": "ObjectCreated:Put", "s3": {"object": {"key": 3}}}]},
        {"Records": [{"eventName": "ObjectCreated:Put", "s3": {"object": {"key": ""}}}]},
        told("ObjectCreated:Put", "a%00b.md"),
        {"source": "aws.s3", "detail-type": "Object Created"},
        {"Type": "Notification", "Message": "not JSON"},
        {"Type": "Notification", "Message": '{"Type": "Notification", "Message": "{}"}'},
    ],
)
def test_what_is_no_event_of_s3(event: dict[str, Any]) -> None:
    with pytest.raises(RequestRefused):
        read_bucket_event(event)
