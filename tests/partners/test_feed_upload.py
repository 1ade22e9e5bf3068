"""A whole feed, uploaded: streamed into a file, answered for at once, taken in by a worker."""

from __future__ import annotations

import gzip
import http.client
import json
import socket
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest
from django.utils import timezone

from mangaassist.dbthreads import in_database
from partners.models import SCOPES, ApiKey, create_api_key
from shop import feed_jobs
from shop.feed_records import FeedJob, uploads_folder
from tests.partners.conftest import Partner
from tests.partners.live import live_server
from tests.partners.test_api import _create
from tests.shop.catalogue import edition, offer

PATH = "/catalog/feed"
FEED = b"\n".join(map(orjson.dumps, [offer("NEW-1", "5.00", 1), edition("NEW-1", "berserk", "New", [1])]))


@pytest.fixture(autouse=True)
def data_dir(settings: Any, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path


async def upload(partner: Partner, body: bytes, kind: str = "application/x-ndjson", **headers: str) -> Any:
    return await partner.client.post(
        f"/api/v1{PATH}", body, content_type=kind, headers={"authorization": f"Bearer {partner.secret}", **headers}
    )


def files() -> list[Path]:
    return list(uploads_folder().iterdir()) if uploads_folder().is_dir() else []


def work() -> None:
    while feed_jobs.take_next():
        pass


@pytest.mark.parametrize(
    ("body", "kind", "headers"),
    [
        (FEED, "application/x-ndjson", {}),
        (FEED, "text/plain; charset=utf-8", {}),
        (gzip.compress(FEED), "application/gzip", {}),
        (gzip.compress(FEED), "application/x-ndjson", {"content-encoding": "gzip"}),
        (gzip.compress(FEED), "application/octet-stream", {}),
    ],
)
async def test_from_upload_to_the_end_of_its_job(partner: Partner, body: bytes, kind: str, headers: Any) -> None:
    answer = await upload(partner, body, kind, **headers)
    assert answer.status_code == 202, answer.content
    job = answer.json()
    assert (job["state"], job["bytes"], job["finished_at"]) == ("waiting", len(body), None)
    assert answer.headers["Location"] == job["url"] == f"/api/v1/catalog/jobs/{job['id']}"
    await in_database(work)
    ended = (await partner.get(f"/catalog/jobs/{job['id']}")).json()
    assert (ended["state"], ended["lines"], ended["taken"], ended["rejected"]) == ("done", 2, 2, 0)
    assert (await partner.get("/products/NEW-1")).json()["price"]["amount"] == "5.00"
    assert files() == []


async def test_refused_lines_are_read_a_page_at_a_time(partner: Partner) -> None:
    job = (await upload(partner, b"x\n" * 30 + FEED)).json()
    await in_database(work)
    ended = (await partner.get(f"/catalog/jobs/{job['id']}")).json()
    assert (ended["state"], ended["rejected"], len(ended["rejects"])) == ("done", 30, 20)
    seen: list[int] = []
    after: int | None = 0
    while after is not None:
        page = (await partner.get(f"/catalog/jobs/{job['id']}/rejects", after=after, limit=12)).json()
        seen += [each["line"] for each in page["rejects"]]
        after = page["next"]
    assert seen == list(range(1, 31))
    assert ended["rejects_url"].endswith(f"{job['id']}/rejects")


async def test_the_same_key_uploads_once(partner: Partner) -> None:
    answers = [await upload(partner, FEED, **{"idempotency-key": "k"}) for _ in range(2)]
    assert answers[0].content == answers[1].content
    assert [each.headers["Location"] for each in answers] == [answers[0].json()["url"]] * 2
    assert (await upload(partner, FEED + b"\n", **{"idempotency-key": "k"})).status_code == 409
    assert await FeedJob.objects.acount() == len(files()) == 1


async def test_anothers_job_is_not_found(partner: Partner, other_partner: Partner) -> None:
    job = (await upload(partner, FEED)).json()
    for path in (job["id"], f"{job['id']}/rejects", str(uuid.uuid4()), "nonsense", "%00"):
        assert (await other_partner.get(f"/catalog/jobs/{path}")).status_code == 404


@pytest.mark.parametrize("query", [{"after": -1}, {"after": "x"}, {"after": 2**63}, {"limit": 0}, {"limit": 1_001}])
async def test_a_page_that_is_none_is_a_problem(partner: Partner, query: dict[str, Any]) -> None:
    job = (await upload(partner, FEED)).json()
    assert (await partner.get(f"/catalog/jobs/{job['id']}/rejects", **query)).status_code == 422


@pytest.mark.parametrize(
    ("body", "kind", "headers", "status"),
    [
        (b"", "application/x-ndjson", {}, 422),
        (FEED, "multipart/form-data; boundary=x", {}, 415),
        (FEED, "application/x-www-form-urlencoded", {}, 415),
        (FEED, "text/html", {}, 415),
        (FEED, "application/x-ndjson", {"content-encoding": "br"}, 415),
        (FEED, "application/x-ndjson", {"content-encoding": "gzip, gzip"}, 415),
        (FEED, "application/x-ndjson", {"content-encoding": "gzip"}, 400),
        (FEED, "application/x-ndjson", {"idempotency-key": "x" * 256}, 422),
        (b"x" * 5_001, "application/x-ndjson", {}, 413),
    ],
)
async def test_what_is_no_feed_is_refused_and_leaves_nothing(
    partner: Partner, settings: Any, body: bytes, kind: str, headers: Any, status: int
) -> None:
    settings.FEED_UPLOAD_BYTES = 5_000
    answer = await upload(partner, body, kind, **headers)
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/problem+json")
    assert not await FeedJob.objects.aexists()
    assert files() == []


async def test_the_scope_is_needed(partner: Partner) -> None:
    _, secret = await _create("Reader", ["catalog:read"])
    reader = Partner(secret)
    job = (await upload(partner, FEED)).json()
    assert (await upload(reader, FEED)).status_code == 403
    assert (await reader.get(f"/catalog/jobs/{job['id']}")).status_code == 403


async def test_with_many_waiting_one_is_told_when_to_come_back(partner: Partner, settings: Any) -> None:
    settings.FEED_JOBS_WAITING = 1
    await upload(partner, FEED)
    refused = await upload(partner, FEED)
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "60")
    assert len(files()) == 1


async def test_a_folder_that_cannot_be_written_is_told_as_such(partner: Partner, tmp_path: Path) -> None:
    (tmp_path / "feeds").write_text("in the way")
    refused = await upload(partner, FEED)
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "60")


class TestOnTheWire:
    @pytest.fixture
    def address(self, transactional_db: None) -> Iterator[Any]:
        with live_server() as address:
            yield urlsplit(address)

    @pytest.fixture
    def secret(self, address: Any) -> str:
        return create_api_key("A shop", list(SCOPES))[1]

    def _head(self, secret: str, *more: str) -> bytes:
        lines = [f"POST /api/v1{PATH} HTTP/1.1", "Host: localhost", f"Authorization: Bearer {secret}", *more]
        return "\r\n".join([*lines, "", ""]).encode()

    def _status(self, connection: socket.socket) -> bytes:
        answer = b""
        while b"\r\n" not in answer and (chunk := connection.recv(65536)):
            answer += chunk
        return answer.split(b"\r\n")[0]

    def test_it_is_streamed_in_chunks(self, address: Any, secret: str) -> None:
        connection = http.client.HTTPConnection(address.hostname, address.port, timeout=60)
        headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/x-ndjson"}
        line = orjson.dumps({"kind": "series", "id": "x", "title": "X", "description": "x" * 9_000}) + b"\n"
        connection.request("POST", f"/api/v1{PATH}", (line for _ in range(2_000)), headers, encode_chunked=True)
        answer = connection.getresponse()
        job = json.loads(answer.read())
        assert (answer.status, job["bytes"]) == (202, 2_000 * len(line))
        connection.close()
        (file,) = files()
        assert file.stat().st_size == 2_000 * len(line)

    def test_nobody_without_a_key_sends_a_byte(self, address: Any, secret: str) -> None:
        """The answer comes before the body: a client that waits for «100 Continue» sends none."""
        with socket.create_connection((address.hostname, address.port), timeout=30) as connection:
            connection.sendall(self._head("ma_wrong", "Content-Length: 100000000", "Expect: 100-continue"))
            assert self._status(connection).split()[1] == b"401"
        with socket.create_connection((address.hostname, address.port), timeout=30) as connection:
            connection.sendall(self._head(secret, "Content-Length: 1000", "Expect: 100-continue"))
            assert self._status(connection).split()[1] == b"100"

    def test_one_that_breaks_off_leaves_nothing(self, address: Any, secret: str) -> None:
        with socket.create_connection((address.hostname, address.port), timeout=30) as connection:
            connection.sendall(self._head(secret, "Content-Length: 100000") + b"x" * 1_000)
            _until(lambda: files() != [])
        _until(lambda: files() == [])
        assert not FeedJob.objects.exists()

    def test_those_on_their_way_are_counted_with_those_that_wait(
        self, address: Any, secret: str, settings: Any
    ) -> None:
        settings.FEED_JOBS_WAITING = 2
        head = self._head(secret, f"Content-Length: {len(FEED)}")
        with (
            socket.create_connection((address.hostname, address.port), timeout=30) as first,
            socket.create_connection((address.hostname, address.port), timeout=30) as second,
        ):
            for connection in (first, second):
                connection.sendall(head + FEED[:9])
            _until(lambda: len(files()) == 2)
            with socket.create_connection((address.hostname, address.port), timeout=30) as third:
                third.sendall(head + FEED)
                assert self._status(third).split()[1] == b"429"
            for connection in (first, second):
                connection.sendall(FEED[9:])
                assert self._status(connection).split()[1] == b"202"
        assert FeedJob.objects.count() == len(files()) == 2

    @pytest.mark.parametrize(("change", "status"), [({"revoked_at": timezone.now()}, b"401"), ({"scopes": []}, b"403")])
    def test_a_key_that_is_revoked_meanwhile_sends_nothing(
        self, address: Any, secret: str, change: dict[str, Any], status: bytes
    ) -> None:
        with socket.create_connection((address.hostname, address.port), timeout=30) as connection:
            connection.sendall(self._head(secret, f"Content-Length: {len(FEED)}") + FEED[:9])
            _until(lambda: files() != [])
            ApiKey.objects.update(**change)
            connection.sendall(FEED[9:])
            assert self._status(connection).split()[1] == status
        _until(lambda: files() == [])
        assert not FeedJob.objects.exists()

    def test_one_without_a_length_has_the_same_limit(self, address: Any, secret: str, settings: Any) -> None:
        settings.FEED_UPLOAD_BYTES = 100_000
        connection = http.client.HTTPConnection(address.hostname, address.port, timeout=60)
        headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/x-ndjson"}
        body = (b"x" * 50_000 for _ in range(10))
        connection.request("POST", f"/api/v1{PATH}", body, headers, encode_chunked=True)
        assert connection.getresponse().status == 413
        connection.close()
        assert files() == []

    def test_of_any_other_body_that_is_too_large_little_is_kept(self, address: Any, secret: str) -> None:
        connection = http.client.HTTPConnection(address.hostname, address.port, timeout=60)
        headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"}
        body = (b" " * 1_000_000 for _ in range(40))
        connection.request("POST", "/api/v1/catalog/events", body, headers, encode_chunked=True)
        assert connection.getresponse().status == 413
        connection.close()


def _until(is_so: Any) -> None:
    import time

    for _ in range(300):
        if is_so():
            return
        time.sleep(0.05)
    raise AssertionError("it never was so")
