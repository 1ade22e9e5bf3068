"""The short way to Redis says what redis-py says, and recovers by itself."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from pytest_django import Settings

from mangaassist.embedded import PrivateRedis, redis_socket
from mangaassist.redis import async_client, sync_client
from mangaassist.redis_wire import acall, call

Ask = Callable[..., Any]


@pytest.fixture(params=["thread", "loop"])
def ask(request: pytest.FixtureRequest) -> Iterator[Ask]:
    if request.param == "thread":
        yield lambda *command: call("cache", *command)
        return
    with asyncio.Runner() as runner:
        yield lambda *command: runner.run(acall("cache", *command))


@pytest.fixture
def own_redis(tmp_path: Path, settings: Settings) -> Iterator[PrivateRedis]:
    server = PrivateRedis(tmp_path)
    server.start()
    settings.REDIS_TIMEOUT_S = 0.3
    settings.REDIS_URLS = settings.REDIS_URLS | {"cache": f"unix://{redis_socket(tmp_path)}?db=3"}
    yield server
    assert server.process is not None
    if server.process.poll() is None:
        server.process.send_signal(signal.SIGCONT)
        server.stop()


@pytest.mark.parametrize(
    ("command", "reply"),
    [
        (("PING",), b"PONG"),
        (("SET", "k", b"\x00\r\n\xff", "PX", 60_000), b"OK"),
        (("MGET", "nothing", "nothing"), [None, None]),
        (("EVAL", "return {1, 'two', {3}}", 0), [1, b"two", [3]]),
        (("ECHO", "x" * 300_000), b"x" * 300_000),
        (("ECHO", "ベルセルク"), "ベルセルク".encode()),
    ],
)
def test_replies(ask: Ask, command: tuple[Any, ...], reply: Any) -> None:
    assert ask(*command) == reply


def test_errors_of_the_server_are_redis_errors_and_the_connection_goes_on(ask: Ask) -> None:
    with pytest.raises(redis.ResponseError, match="unknown command"):
        ask("NOSUCHCOMMAND")
    with pytest.raises(redis.exceptions.NoScriptError):
        ask("EVALSHA", "0" * 40, 0)
    assert ask("ECHO", "still here") == b"still here"


def test_it_speaks_to_the_database_of_the_address(ask: Ask, own_redis: PrivateRedis) -> None:
    ask("SET", "k", "v")
    assert sync_client("cache").get("k") == b"v"
    assert redis.Redis.from_url(f"unix://{redis_socket(own_redis.data_dir)}?db=0").get("k") is None


def test_a_hung_server_is_an_error_after_the_timeout_and_late_replies_reach_nobody(
    ask: Ask, own_redis: PrivateRedis
) -> None:
    assert own_redis.process is not None
    ask("ECHO", "first")
    own_redis.process.send_signal(signal.SIGSTOP)
    with pytest.raises(redis.TimeoutError):
        ask("ECHO", "late")
    own_redis.process.send_signal(signal.SIGCONT)
    assert ask("ECHO", "second") == b"second"


def test_a_dead_server_is_an_error_and_its_successor_is_found(ask: Ask, own_redis: PrivateRedis) -> None:
    ask("PING")
    own_redis.stop()
    with pytest.raises((redis.ConnectionError, OSError)):
        ask("PING")
    own_redis.start()
    assert ask("ECHO", "back") == b"back"


def test_a_restart_between_two_calls_is_not_noticed_by_a_thread(own_redis: PrivateRedis) -> None:
    call("cache", "PING")
    own_redis.stop()
    own_redis.start()
    assert call("cache", "ECHO", "back") == b"back"


async def test_tasks_get_their_own_replies_even_if_some_give_up() -> None:
    tasks = [asyncio.create_task(acall("cache", "ECHO", str(number))) for number in range(200)]
    await asyncio.sleep(0)
    for task in tasks[::3]:
        task.cancel()
    replies = await asyncio.gather(*tasks, return_exceptions=True)
    for number, reply in enumerate(replies):
        assert isinstance(reply, asyncio.CancelledError) if number % 3 == 0 else reply == str(number).encode()


async def test_a_stalled_loop_is_no_timeout(settings: Settings) -> None:
    settings.REDIS_TIMEOUT_S = 0.05
    await acall("cache", "PING")
    task = asyncio.create_task(acall("cache", "ECHO", "read late"))
    await asyncio.sleep(0)
    threading.Event().wait(0.2)
    assert await task == b"read late"


async def test_everybody_shares_one_attempt_to_connect_to_a_hung_server(
    own_redis: PrivateRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert own_redis.process is not None
    attempts: list[int] = []
    pool: Any = async_client("cache").connection_pool
    make = pool.make_connection

    def counted() -> Any:
        attempts.append(1)
        return make()

    monkeypatch.setattr(pool, "make_connection", counted)
    own_redis.process.send_signal(signal.SIGSTOP)
    tasks = [asyncio.create_task(acall("cache", "PING")) for _ in range(20)]
    await asyncio.sleep(0)
    tasks[0].cancel()
    found = await asyncio.gather(*tasks, return_exceptions=True)
    assert len(attempts) == 1
    assert not any(isinstance(each, bytes) for each in found)
    own_redis.process.send_signal(signal.SIGCONT)
    assert await acall("cache", "ECHO", "back") == b"back"


async def test_everybody_on_the_loop_hears_of_a_lost_connection(own_redis: PrivateRedis) -> None:
    assert own_redis.process is not None
    await acall("cache", "PING")
    own_redis.process.send_signal(signal.SIGSTOP)
    tasks = [asyncio.create_task(acall("cache", "PING")) for _ in range(10)]
    found = await asyncio.gather(*tasks, return_exceptions=True)
    assert {type(each) for each in found} == {redis.TimeoutError}


def test_threads_do_not_share_a_connection() -> None:
    wrong: list[bytes] = []

    def work(name: str) -> None:
        texts = [f"{name} {number}".encode() for number in range(200)]
        wrong.extend(text for text in texts if call("cache", "ECHO", text) != text)

    threads = [threading.Thread(target=work, args=(str(number),)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_forked_child_opens_its_own() -> None:
    mine = call("cache", "CLIENT", "ID")
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writer, str(call("cache", "CLIENT", "ID")).encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert int(os.read(reader, 100)) != mine
    assert call("cache", "CLIENT", "ID") == mine


def test_threads_come_and_go_and_take_their_connections_along(own_redis: PrivateRedis) -> None:
    replies: list[Any] = []

    def a_page() -> None:
        replies.append(call("cache", "PING"))

    for _ in range(150):
        thread = threading.Thread(target=a_page)
        thread.start()
        thread.join()
    assert replies == [b"PONG"] * 150
    assert len(call("cache", "CLIENT", "LIST").splitlines()) < 10
