"""What is asked of re-indexing, and how it travels (contract: messages that leave for AWS). Pure.

A request names what changed, not what it became: whoever applies it reads the present state. So late, repeated and
reordered requests do no harm.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import unquote_plus

import orjson

from knowledge.documents import category_of

Kind = Literal["article", "document", "product"]
LONGEST_KEY = 1024
# Of a request's body. Later versions may add fields; what they name by these is what we know.
SCHEMA = 1


class RequestRefused(Exception):
    """This is no request that we know; the text says why."""


@dataclass(frozen=True, slots=True, order=True)
class ReindexRequest:
    """``ref``: slug/locale of an article, key of a document, ASIN of a product. ``removed`` is what the sender saw.

    ``version``: what its source calls the content that the sender saw (S3's ETag); empty: unknown.
    """

    kind: Kind
    ref: str
    removed: bool = False
    version: str = ""

    def as_body(self) -> dict[str, Any]:
        if self.kind == "product":
            return {"asin": self.ref, "action": "reindex", "schema": SCHEMA}
        action = "delete" if self.removed else "upsert"
        if self.kind == "document":
            seen = {"version": self.version} if self.version else {}
            return {"s3_key": self.ref, "action": action, "category": category_of(self.ref), "schema": SCHEMA} | seen
        return {"article": self.ref, "action": action, "schema": SCHEMA}


def read_request(body: dict[str, Any]) -> ReindexRequest | None:
    """One record of the re-index stream: ours, or a change of the catalogue as DynamoDB Streams tells of it.

    None: it asks for nothing. Raises :class:`RequestRefused`.
    """
    if isinstance(body.get("dynamodb"), dict):
        return _of_dynamodb(body)
    if "asin" in body:
        return ReindexRequest("product", _text(body, "asin", 32))
    removed = body.get("action") == "delete"
    if "s3_key" in body:
        return ReindexRequest("document", _text(body, "s3_key", LONGEST_KEY), removed, _version(body.get("version")))
    if "article" in body:
        ref = _text(body, "article", 80)
        if ref.count("/") != 1:
            raise RequestRefused(f"article must be slug/locale, not {ref!r}")
        return ReindexRequest("article", ref, removed)
    raise RequestRefused("it names neither asin, s3_key nor article")


def _of_dynamodb(record: dict[str, Any]) -> ReindexRequest | None:
    """``{"eventName": "MODIFY", "dynamodb": {"Keys", "NewImage", "OldImage"}}`` (DynamoDB Streams' StreamRecord)."""
    change = record["dynamodb"]
    asin = _attribute(change.get("Keys"), "asin") or _attribute(change.get("NewImage"), "asin")
    if not asin:
        raise RequestRefused("a DynamoDB record without a string attribute asin among its keys")
    if record.get("eventName") == "MODIFY" and "OldImage" in change and "NewImage" in change:
        told = ("title", "description", "age_rating", "language")
        if all(_attribute(change["OldImage"], name) == _attribute(change["NewImage"], name) for name in told):
            return None
    return ReindexRequest("product", _text({"asin": asin}, "asin", 32), record.get("eventName") == "REMOVE")


def _attribute(image: Any, name: str) -> str:
    value = image.get(name) if isinstance(image, dict) else None
    text = value.get("S") if isinstance(value, dict) else None
    return text if isinstance(text, str) else ""


def _version(value: Any) -> str:
    """A hint that spares work: one that is none is no reason to refuse."""
    return value.strip('"')[:200] if isinstance(value, str) else ""


def _text(body: dict[str, Any], name: str, longest: int) -> str:
    value = body[name]
    if not isinstance(value, str) or not value or "\0" in value:
        raise RequestRefused(f"{name} must be a text")
    if len(value) > longest:
        raise RequestRefused(f"{name} is longer than {longest} characters")
    return value


# --- What a bucket tells ------------------------------------------------------------------------------------------


def read_bucket_event(body: dict[str, Any]) -> list[ReindexRequest]:
    """An S3 event notification, straight, by SNS or by EventBridge. Raises :class:`RequestRefused`.

    The first message of a queue is ``s3:TestEvent``: it asks for nothing. Keys are URL-encoded in S3's own messages
    and plain in EventBridge's (Amazon S3 User Guide, "Event message structure" and "EventBridge event message").
    """
    if body.get("Event") == "s3:TestEvent":
        return []
    if body.get("Type") == "Notification" and isinstance(body.get("Message"), str):
        return read_bucket_event(_unwrapped(body["Message"]))
    if body.get("source") == "aws.s3":
        requests = [_of_eventbridge(body)] if body.get("detail-type") in {"Object Created", "Object Deleted"} else []
        return [request for request in requests if not request.ref.endswith("/")]
    if not isinstance(body.get("Records"), list):
        raise RequestRefused("it is no event of S3")
    requests = [_of_record(record) for record in body["Records"]]
    # What consoles make for an empty folder is no document.
    return [request for request in requests if not request.ref.endswith("/")]


def _unwrapped(text: str) -> dict[str, Any]:
    try:
        inner = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise RequestRefused("an SNS notification whose message is not JSON") from error
    if not isinstance(inner, dict) or inner.get("Type") == "Notification":
        raise RequestRefused("an SNS notification that holds no event of S3")
    return inner


def _of_eventbridge(body: dict[str, Any]) -> ReindexRequest:
    try:
        found = body["detail"]["object"]
        key, version = found["key"], _version(found.get("etag"))
    except (KeyError, TypeError, AttributeError) as error:
        raise RequestRefused("an event of EventBridge without detail.object.key") from error
    removed = body["detail-type"] == "Object Deleted"
    return ReindexRequest("document", _text({"key": key}, "key", LONGEST_KEY), removed, version)


def _of_record(record: Any) -> ReindexRequest:
    try:
        found, name = record["s3"]["object"], str(record["eventName"])
        key, version = found["key"], _version(found.get("eTag"))
    except (KeyError, TypeError, AttributeError) as error:
        raise RequestRefused("a record without s3.object.key and eventName") from error
    if not isinstance(key, str):
        raise RequestRefused("s3.object.key must be a text")
    removed = name.removeprefix("s3:").startswith("ObjectRemoved")
    return ReindexRequest("document", _text({"key": unquote_plus(key)}, "key", LONGEST_KEY), removed, version)
