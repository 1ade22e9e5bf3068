"""What no well-meaning client sends: told apart from faults of ours, and where it is wrong."""

from __future__ import annotations

import http.client
import re
import socket
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest
from django.test import Client
from django.utils import timezone

from chat.models import Conversation
from mangaassist.addresses import read_networks
from mangaassist.dbthreads import in_database
from partners.models import SCOPES, ApiKey, create_api_key
from partners.problems import KINDS
from tests.partners.conftest import Partner
from tests.partners.live import live_server


@dataclass(frozen=True, slots=True)
class Operation:
    """One of the document's, sent with its examples but for what a test changes."""

    method: str
    path: str
    about: dict[str, Any] = field(repr=False)
    schemas: dict[str, Any] = field(repr=False)

    @property
    def takes_json(self) -> bool:
        return "application/json" in self.about.get("requestBody", {}).get("content", {})

    def example(self) -> bytes:
        content = self.about.get("requestBody", {}).get("content", {})
        if not self.takes_json:
            return b"{}" if content else b""
        schema = content["application/json"]["schema"]
        many = schema.get("type") == "array"
        named = schema["items"] if many else next((each for each in schema.get("anyOf", []) if "$ref" in each), schema)
        example = self.schemas[named["$ref"].split("/")[-1]]["examples"][0]
        return orjson.dumps([example] if many else example)

    async def send(
        self, partner: Partner, *, place: str = "0f0e0d0c-1111-4222-8333-444455556666", query: str = "",
        body: bytes | None = None, **headers: str,
    ) -> Any:  # fmt: skip
        required = [each["name"] for each in self.about["parameters"] if each["in"] == "query" and each.get("required")]
        address = re.sub(r"\{\w+\}", place, self.path) + "?" + (query or "&".join(f"{name}=x" for name in required))
        headers = {"content-type": "application/json", "authorization": f"Bearer {partner.secret}", **headers}
        content_type = headers.pop("content-type") if self.takes_json else "application/octet-stream"
        return await partner.client.generic(
            self.method.upper(), f"/api/v1{address}", self.example() if body is None else body,
            content_type=content_type, headers=headers,
        )  # fmt: skip


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        (b'{"locale":"en","locale":"ja"}', 422, "invalid"),
        (b'{"context":{"asin":"A","asin":"B"}}', 422, "invalid"),
        (b'{"locale":"en"', 400, "malformed"),
        (b'{"locale":"en"}{}', 400, "malformed"),
        (b'{"customer_id":"\xff\xfe"}', 400, "malformed"),
        ('{"customer_id":"ü"}'.encode("latin-1"), 400, "malformed"),
        ('{"locale":"en"}'.encode("utf-16"), 400, "malformed"),
        (b'\xef\xbb\xbf{"locale":"en"}', 400, "malformed"),
        (b'{"customer_id":"\\ud800"}', 400, "malformed"),
        (b'{"customer_id":NaN}', 400, "malformed"),
        (b'{"other":1e999}', 400, "malformed"),
        (b'{"other":' + b"9" * 5_000 + b"}", 400, "malformed"),
        (b'{"other":' + b"[" * 100_000 + b"]" * 100_000 + b"}", 400, "malformed"),
        (b'{"customer_id":"a\\u0000b"}', 422, "invalid"),
        (b'{"customer_id":"' + b"x" * 10_000_000 + b'"}', 413, "too-large"),
        (b'{"context":"page"}', 422, "invalid"),
        (b'"text"', 422, "invalid"),
    ],
)
async def test_a_body_is_read_strictly(partner: Partner, body: bytes, status: int, kind: str) -> None:
    answer = await partner.post("/conversations", body)
    assert (answer.status_code, answer.json()["type"]) == (status, f"/api/v1/docs#problem-{kind}")
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert not await Conversation.objects.aexists()


@pytest.mark.parametrize(
    ("content_type", "encoding", "status"),
    [
        ("application/json", "identity", 201),
        ("application/json; charset=UTF-8", "identity", 201),
        ("application/vnd.shop+json", "identity", 201),
        ("text/plain", "identity", 415),
        ("application/x-www-form-urlencoded", "identity", 415),
        ("multipart/form-data; boundary=x", "identity", 415),
        ("application/jsonp", "identity", 415),
        ("application/json; charset=shift_jis", "identity", 415),
        ("application/json", "gzip", 415),
    ],
)
async def test_a_body_is_json_in_utf_8(partner: Partner, content_type: str, encoding: str, status: int) -> None:
    answer = await partner.client.post(
        "/api/v1/conversations",
        b'{"locale":"ja"}',
        content_type=content_type,
        headers={"authorization": f"Bearer {partner.secret}", "content-encoding": encoding},
    )
    assert answer.status_code == status


@pytest.mark.parametrize(
    ("path", "body", "errors"),
    [
        ("/conversations", {"context": {"asin": 7}}, [("context.asin", "#/context/asin")]),
        ("/conversations", [], [("body", "#")]),
        ("/products/batch", {"asins": ["A", "a b"]}, [("asins.1", "#/asins/1")]),
        ("/products/batch", {}, [("asins", "#/asins")]),
        (
            "/events",
            [{"type": "view", "asin": "A"}, {"type": "stare", "asin": "A", "at": 7}],
            [("1.type", "#/1/type"), ("1.at", "#/1/at")],
        ),
    ],
)
async def test_a_problem_points_at_the_field(
    partner: Partner, path: str, body: Any, errors: list[tuple[str, str]]
) -> None:
    problem = (await partner.post(path, body)).json()
    assert [(each["field"], each["pointer"]) for each in problem["errors"]] == errors


async def test_a_name_that_stands_twice_is_found_among_very_many(partner: Partner) -> None:
    """Looked for with one look at each: by pairs, this body would keep the process for half an hour."""
    names = [f"a{number}" for number in range(200_000)]
    body = "{" + ",".join(f'"{name}":0' for name in [*names, names[-1]]) + "}"
    answer = await partner.post("/conversations", body.encode())
    assert (answer.status_code, "a199999" in answer.json()["detail"]) == (422, True)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/webhooks", {"url": "https://hooks.example.com/", "events": [1] * 100_000}),
        ("/catalog/events", [{}] * 1_000),
        ("/events", [{"impression": [0] * 25}] * 500),
    ],
)
async def test_of_very_many_wrong_fields_a_hundred_are_named(partner: Partner, path: str, body: Any) -> None:
    answer = await partner.post(path, body)
    assert answer.status_code == 422
    assert 0 < len(answer.json()["errors"]) <= 100


async def test_a_problem_names_the_parameter(partner: Partner) -> None:
    problem = (await partner.get("/search", q="x", limit=0)).json()
    assert [each["field"] for each in problem["errors"]] == ["limit"]


@pytest.mark.parametrize(
    "path",
    [
        "/products/%00",
        "/products/..%2f..%2fadmin",
        "/products/" + "x" * 500,
        "/orders/%00?customer_id=alice",
        "/orders/" + "x" * 33 + "?customer_id=alice",
        "/conversations/%0d%0aSet-Cookie:%20a=b/messages",
        "/conversations/00000000-0000-0000-0000-000000000000/messages",
        "//products/BERSERK-EN-1",
        "/./products/BERSERK-EN-1",
        "/../../admin/",
        "/products/%ff",
    ],
)
async def test_a_path_that_leads_nowhere_is_not_found(partner: Partner, path: str) -> None:
    answer = await partner.get(path)
    assert answer.status_code == answer.json()["status"] == 404
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("kind", KINDS)
def test_every_type_has_its_line_in_the_documents(client: Any, kind: str) -> None:
    page = client.get("/api/v1/docs")
    assert f'id="problem-{kind}"' in page.content.decode()


def test_the_documents_come_from_our_own_files(client: Any) -> None:
    page = client.get("/api/v1/docs")
    text = page.content.decode()
    assert "unsafe" not in page.headers["Content-Security-Policy"]
    assert "default-src 'self'" in page.headers["Content-Security-Policy"]
    assert "<script>" not in text
    assert 'src="http' not in text
    assert 'rel="stylesheet" href="http' not in text


@pytest.fixture(scope="module")
def operations() -> list[Operation]:
    document = Client().get("/api/v1/openapi.json").json()
    found = [
        Operation(method, path.removeprefix("/api/v1"), about, document["components"]["schemas"])
        for path, methods in document["paths"].items()
        for method, about in methods.items()
    ]
    assert len(found) > 10
    return found


class TestEveryOperation:
    """The same of all that the document offers, so that what is added is asked as well."""

    @pytest.mark.parametrize(
        ("body", "headers", "status"),
        [
            (b" " * 10_000_000, {}, 413),
            (b"[" * 100_000 + b"]" * 100_000, {}, 400),
            (b'{"a":{"b":1,"b":2}}', {}, 422),
            ('{"a":"ü"}'.encode("latin-1"), {}, 400),
            ("[]".encode("utf-16"), {}, 400),
            (b'{"a":"\\ud800"}', {}, 400),
            (b"{}", {"content-type": "text/xml"}, 415),
            (b"{}", {"content-type": "application/json; charset=shift_jis"}, 415),
            (b"{}", {"content-encoding": "gzip"}, 415),
        ],
    )
    async def test_a_body_is_read_strictly(
        self, partner: Partner, operations: list[Operation], body: bytes, headers: dict[str, str], status: int
    ) -> None:
        for each in operations:
            if each.takes_json:
                answer = await each.send(partner, body=body, **headers)
                assert (answer.status_code, answer.json()["status"]) == (status, status), each
                assert answer.headers["Content-Type"] == "application/problem+json", each

    @pytest.mark.parametrize(
        "place", ["%00", "..%2f..%2fadmin", "%ff%fe", "x" * 2_000, "%0d%0aX-Evil:%20y", "%20", "'--"]
    )
    async def test_a_path_that_leads_nowhere_is_not_found(
        self, partner: Partner, operations: list[Operation], place: str
    ) -> None:
        for each in operations:
            if "{" in each.path:
                answer = await each.send(partner, place=place)
                assert answer.status_code == answer.json()["status"] == 404, each
                assert "X-Evil" not in answer.headers, each

    @pytest.mark.parametrize("value", ["%00", "a%00b", "%ff%fe", "%0d%0aX-Evil:%20y", "x" * 20_000])
    async def test_no_parameter_breaks_it(self, partner: Partner, operations: list[Operation], value: str) -> None:
        for each in operations:
            names = [parameter["name"] for parameter in each.about["parameters"] if parameter["in"] == "query"]
            for name in names:
                answer = await each.send(
                    partner, query="&".join(f"{other}={value if other == name else 1}" for other in names)
                )
                assert answer.status_code in {200, 404, 422}, (each, name)
                assert "X-Evil" not in answer.headers, each

    async def test_a_key_that_is_none_or_lacks_the_scope_does_nothing(
        self, partner: Partner, operations: list[Operation]
    ) -> None:
        key, expired = await in_database(create_api_key, "Expired", list(SCOPES))
        await ApiKey.objects.filter(pk=key.pk).aupdate(expires_at=timezone.now())
        _, narrow = await in_database(create_api_key, "Narrow", ["orders:read"])
        _, other = await in_database(create_api_key, "Other", ["events"])
        for each in operations:
            for secret, status in ((expired, 401), ("ma_wrong", 401), ("", 401), (narrow, 403)):
                sender = Partner(other if secret == narrow and "orders" in each.path else secret)
                answer = await each.send(sender)
                assert (answer.status_code, answer.json()["status"]) == (status, status), (each, secret[:6])


class TestOnTheWire:
    """What test clients cannot send."""

    @pytest.fixture
    def address(self, transactional_db: None, settings: Any) -> Any:
        settings.TRUSTED_PROXIES = read_networks(["127.0.0.1"])
        with live_server() as address:
            yield urlsplit(address)

    @pytest.fixture
    def secret(self, address: Any) -> str:
        return create_api_key("A shop", list(SCOPES), allowed_networks=["192.0.2.0/24", "127.0.0.1"])[1]

    def _raw(self, address: Any, request: bytes) -> bytes:
        with socket.create_connection((address.hostname, address.port), timeout=20) as connection:
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
            answer = b""
            while chunk := connection.recv(65536):
                answer += chunk
        return answer

    def test_a_body_without_a_length_has_the_same_limit(self, address: Any, secret: str) -> None:
        connection = http.client.HTTPConnection(address.hostname, address.port, timeout=30)
        chunks = (b"x" * 1_000_000 for _ in range(10))
        headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"}
        connection.request("POST", "/api/v1/conversations", chunks, headers, encode_chunked=True)
        assert connection.getresponse().status == 413
        connection.close()

    def test_a_header_that_would_begin_another_one_is_refused(self, address: Any, secret: str) -> None:
        head = b"GET /api/v1/products/A HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        sent = head + f"Authorization: Bearer {secret}\r\nIdempotency-Key: a\rSet-Cookie: b\r\n\r\n".encode()
        assert self._raw(address, sent).split(b" ")[1] == b"400"

    @pytest.mark.parametrize(
        ("forwarded", "status"),
        [("192.0.2.7", 404), ("203.0.113.9", 403), ("192.0.2.7, 203.0.113.9", 403), ("203.0.113.9, 192.0.2.7", 404)],
    )
    def test_a_trusted_proxy_says_who_the_client_is(
        self, address: Any, secret: str, forwarded: str, status: int
    ) -> None:
        connection = http.client.HTTPConnection(address.hostname, address.port, timeout=30)
        headers = {"Authorization": f"Bearer {secret}", "X-Forwarded-For": forwarded}
        connection.request("GET", "/api/v1/products/NOPE", headers=headers)
        assert connection.getresponse().status == status
        connection.close()
