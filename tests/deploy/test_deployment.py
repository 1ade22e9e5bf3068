"""A walk through nginx: what shoppers, partners and operators do in the deployment of compose.yaml.

And at the end its loss: everything is gone but the backup, the secret key and the image.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import orjson
import psycopg
import pytest
import redis

from tests.deploy.deployment import Deployment, deployment
from tests.journeys.web_processes import assert_whole
from tests.mangaassist.running import until

pytestmark = pytest.mark.process

# More than the burst, and than what flows in meanwhile on a slow machine.
MANY = 40
# That a partner's feed may have here: more than nginx lets through elsewhere.
FEED_BYTES = 6 * 1024**2


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """One for all of these tests: it takes a while to build up."""
    with deployment(
        tmp_path_factory.mktemp("site"),
        # Slow enough for something to happen in the middle of an answer.
        GENERATOR="tests.journeys.unhurried_generator.UnhurriedGenerator",
        FEED_UPLOAD_BYTES=str(FEED_BYTES),
        # Soon reached: a burst is twenty seconds' worth. Every client here has an address of its own.
        ADDRESS_HELLOS_PER_S="0.1",
        # A machine that runs all of this is a busy one.
        REDIS_TIMEOUT_S="2",
    ) as site:
        yield site


@pytest.fixture
def browser(site: Deployment) -> Iterator[httpx.Client]:
    with site.client(follow_redirects=True) as client:
        yield client


@pytest.fixture(scope="module")
def partner(site: Deployment) -> Iterator[httpx.Client]:
    key = site.manage("create_api_key", "A shop").splitlines()[-1]
    with site.client(headers={"Authorization": f"Bearer {key}"}) as client:
        yield client


def field(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]+)"', page)
    assert found, name
    return found[1]


def sign_in(site: Deployment, browser: httpx.Client) -> httpx.Response:
    name, password = site.operator
    page = browser.get("/admin/login/").text
    form = {"csrfmiddlewaretoken": field(page, "csrfmiddlewaretoken"), "username": name, "password": password}
    return browser.post("/admin/login/", data=form | {"next": "/admin/"})


def test_the_shops_page_brings_its_static_files_compressed_and_to_be_kept(browser: httpx.Client) -> None:
    home = browser.get("/")
    assert home.status_code == 200
    assert "<manga-assist" in home.text
    assert "default-src 'self'" in home.headers["Content-Security-Policy"]
    styles = re.findall(r'href="(/static/[^"]+\.css)"', home.text)
    assert styles
    for address in styles:
        file = browser.get(address)
        assert file.status_code == 200
        assert re.fullmatch(r"max-age=\d+, public(, immutable)?", file.headers["Cache-Control"])
        known = {"If-Modified-Since": file.headers["Last-Modified"]}
        assert browser.get(address, headers=known).status_code == 304
    widget = browser.get("/widget/v1/widget.js")
    assert widget.headers["Content-Type"].startswith("text/javascript")
    assert widget.headers["Access-Control-Allow-Origin"] == "*"


def test_everyone_may_ask_for_life_and_nobody_outside_for_parts_and_figures(
    site: Deployment, browser: httpx.Client
) -> None:
    assert browser.get("/healthz").status_code == 200
    for outside in ("/readyz", "/%72eadyz", "/readyz?again", "/metrics"):
        assert browser.get(outside).status_code == 404, outside
    inside = f"http://127.0.0.1:{site.web_ports[0]}"
    assert httpx.get(f"{inside}/readyz", timeout=30).json()["parts"]["worker"]["ok"]
    assert "mangaassist_" in httpx.get(f"{inside}/metrics", timeout=30).text


def test_a_question_is_answered_and_goes_on_when_its_web_process_is_killed(site: Deployment) -> None:
    with site.tab() as here:
        token = here.next("token")["token"]
        turn_id = here.ask("hello")["turn_id"]
        here.next("delta")
        number = site.web_of_the_only_socket()
        site.kill_web(number)
        here.read_to_the_end()
        before = here.frames[turn_id]
    try:
        with site.tab(token, resume={"turn_id": turn_id, "after_seq": len(before)}) as there:
            assert there.ready["conversation_id"] == here.conversation_id
            assert there.next("response")["status"] == "complete"
            assert_whole(before + there.frames[turn_id])
        # While one is gone, everybody is served by the other.
        with site.client() as client:
            assert {client.get("/healthz").status_code for _ in range(6)} == {200}
    finally:
        site.start_web(number)
        site.wait_for_web(number)


def test_server_sent_events_leave_as_they_come(partner: httpx.Client) -> None:
    """Were they kept back, the answer would stand in the history before its first words are here."""
    path = f"/api/v1/conversations/{partner.post('/api/v1/conversations', json={}).json()['conversation_id']}/messages"
    question = {"text": "hello", "client_msg_id": str(uuid.uuid4())}
    seen: list[dict[str, Any]] = []
    with partner.stream("POST", path, json=question, headers={"Accept": "text/event-stream"}) as stream:
        assert stream.headers["Content-Type"].startswith("text/event-stream")
        for line in stream.iter_lines():
            if not line.startswith("data: "):
                continue
            seen.append(orjson.loads(line.removeprefix("data: ")))
            if len(seen) == 2:
                roles = [each["role"] for each in partner.get(path).json()["messages"]]
                assert roles == ["user"]
    assert_whole(seen)
    roles = [each["role"] for each in partner.get(path).json()["messages"]]
    assert roles == ["user", "assistant"]


def test_the_form_without_scripts_answers_in_the_page(browser: httpx.Client) -> None:
    page = browser.get("/chat/").text
    form = {name: field(page, name) for name in ("csrfmiddlewaretoken", "client_msg_id")}
    answered = browser.post("/chat/plain/", data=form | {"text": "hello"})
    assert answered.status_code == 200
    assert answered.text.count('<li class="user">') == answered.text.count('<li class="assistant">') == 1


@pytest.mark.parametrize(
    ("size", "path", "status", "says"),
    [
        # The application's own limit, then that of nginx, then the feed's, past nginx.
        (3 * 1024**2, "/api/v1/events", 413, "application/problem+json"),
        (5 * 1024**2, "/api/v1/events", 413, "text/html"),
        (5 * 1024**2, "/api/v1/catalog/feed", 202, "application/json"),
        (FEED_BYTES + 1, "/api/v1/catalog/feed", 413, "application/problem+json"),
    ],
)
def test_bodies_have_their_limits(partner: httpx.Client, size: int, path: str, status: int, says: str) -> None:
    line = b'{"kind":"article","id":"long-lines","category":"help","locale":"en","question":"?","body":"a"}'
    body = line + b" " * (size - len(line) - 1) + b"\n"
    kind = "application/x-ndjson" if path.endswith("feed") else "application/json"
    headers = {"Content-Type": kind, "Idempotency-Key": str(uuid.uuid4())}
    answer = partner.post(path, content=body, headers=headers)
    assert (answer.status_code, answer.headers["Content-Type"].partition(";")[0]) == (status, says)


def test_feedback_arrives_in_the_admin_through_the_worker(site: Deployment, browser: httpx.Client) -> None:
    comment = "The box came damaged, number 4711."
    with site.tab() as tab:
        tab.ask("hello")
        message_id = tab.next("response")["message_id"]
        sent = str(uuid.uuid4())
        tab.send(type="feedback", client_msg_id=sent, message_id=message_id, rating="up", comment=comment)
        tab.next("saved")
    assert sign_in(site, browser).url.path == "/admin/overview/"
    # It needs a person: only the worker finds that.
    until(lambda: "4711" in browser.get("/admin/chat/feedback/?open=yes").text, "the opinion is in the queue")


def test_who_does_not_know_the_password_stays_outside(browser: httpx.Client) -> None:
    page = browser.get("/admin/login/").text
    form = {"csrfmiddlewaretoken": field(page, "csrfmiddlewaretoken"), "username": "operator", "password": "wrong"}
    refused = browser.post("/admin/login/", data=form | {"next": "/admin/"})
    assert refused.url.path == "/admin/login/"
    assert browser.get("/admin/").url.path == "/admin/login/"


def until_refused(client: httpx.Client, path: str) -> httpx.Response:
    """Asks for tokens, each time as somebody else by its own account."""
    for number in range(MANY):
        claimed = {"X-Forwarded-For": f"203.0.113.{number % 250}"}
        answer = client.post(path, json={}, headers=claimed)
        if answer.status_code != 200:
            return answer
    raise AssertionError("never refused")


def test_limits_count_by_the_address_that_nginx_saw(site: Deployment) -> None:
    with site.client() as greedy, site.client() as another:
        refused = until_refused(greedy, "/widget/v1/token")
        assert refused.status_code == 429
        assert int(refused.headers["Retry-After"]) >= 1
        assert another.post("/widget/v1/token", json={}).status_code == 200


def test_who_is_not_nginx_cannot_name_an_address(site: Deployment) -> None:
    with site.client() as direct:
        address = f"http://127.0.0.1:{site.web_ports[0]}/widget/v1/token"
        assert until_refused(direct, address).status_code == 429


@pytest.fixture
def ben(site: Deployment) -> Iterator[httpx.Client]:
    """A shopper of the demo shop, who has ordered."""
    with site.client(follow_redirects=True) as browser:
        known = field(browser.get("/sign-in/").text, "csrfmiddlewaretoken")
        browser.post("/sign-in/as/", data={"csrfmiddlewaretoken": known, "customer_id": "demo-ben"})
        yield browser


def wipe(site: Deployment) -> None:
    """The database, Redis and what was learned."""
    with psycopg.connect(site.database_url, autocommit=True) as database:
        database.execute("DROP SCHEMA public CASCADE")
        database.execute("CREATE SCHEMA public")
    redis.Redis.from_url(site.redis_url).flushall()
    for path in (site.data_dir / "recommender").rglob("*"):
        if path.is_file():
            path.unlink()


def test_a_conversation_and_an_order_survive_the_loss_of_everything_else(
    site: Deployment, ben: httpx.Client, tmp_path: Path
) -> None:
    backup = tmp_path / "monday.dump"
    account = ben.get("/account/").text
    orders = set(re.findall(r"\bMA-\d+", account))
    assert orders
    with site.tab() as here:
        token = here.next("token")["token"]
        here.ask("hello")
        said = here.next("response")["content"]
        assert "Backed up" in site.manage("backup", str(backup))
        here.ask("and this is lost")
        here.next("response")
    assert backup.stat().st_mode & 0o077 == 0

    assert "other connections" in site.manage("restore", str(backup), "--replace", fails=True)
    site.stop_ours()
    assert "not empty" in site.manage("restore", str(backup), fails=True)
    wipe(site)
    site.manage("restore", str(backup))
    site.release()
    site.start_ours()
    site.wait_until_ready()

    with site.tab(token) as again:
        assert again.ready["conversation_id"] == here.conversation_id
        assert [each["content"] for each in again.ready["messages"]] == ["hello", said]
        again.ask("are you still there?")
        assert again.next("response")["status"] == "complete"
    # The session is a row as well: ben is still signed in.
    assert set(re.findall(r"\bMA-\d+", ben.get("/account/").text)) == orders
    # A second time, over what is there now.
    site.stop_ours()
    site.manage("restore", str(backup), "--replace")
    site.start_ours()
    site.wait_until_ready()
    with site.tab(token) as once_more:
        assert len(once_more.ready["messages"]) == 2


@pytest.mark.parametrize("content", [b"", b"PGDMP and no more", b"-- SQL text\n"])
def test_what_is_no_backup_changes_nothing(site: Deployment, tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "file.dump"
    file.write_bytes(content)
    assert "is no backup of a MangaAssist" in site.manage("restore", str(file), "--replace", fails=True)
    assert httpx.get(f"http://127.0.0.1:{site.web_ports[0]}/readyz", timeout=30).status_code == 200
