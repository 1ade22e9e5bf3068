"""Reading the environment: good values, and every bad one remembered as a line instead of raised."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mangaassist import environment


@pytest.fixture(autouse=True)
def faults() -> Iterator[list[str]]:
    before = environment.faults[:]
    environment.faults.clear()
    yield environment.faults
    environment.faults[:] = before


@pytest.mark.parametrize(
    ("value", "read"), [("1", True), ("true", True), ("On", True), ("0", False), ("no", False), ("", True)]
)
def test_yes_and_no(monkeypatch: pytest.MonkeyPatch, value: str, read: bool) -> None:
    monkeypatch.setenv("X", value)
    assert environment.boolean("X", True) is read
    assert environment.faults == []


@pytest.mark.parametrize(
    ("value", "read", "is_fault"),
    [
        ("", [], False),
        ("10.0.0.0/8, 2001:db8::1", ["10.0.0.0/8", "2001:db8::1/128"], False),
        ("*", [], True),
        ("proxy.example", [], True),
    ],
)
def test_networks_are_addresses_and_cidrs(
    monkeypatch: pytest.MonkeyPatch, value: str, read: list[str], is_fault: bool
) -> None:
    monkeypatch.setenv("X", value)
    assert [str(network) for network in environment.networks("X")] == read
    assert bool(environment.faults) is is_fault


@pytest.mark.parametrize(
    ("value", "read", "is_fault"),
    [
        ("", "UTC", False),
        ("Asia/Tokyo", "Asia/Tokyo", False),
        ("JST9", "UTC", True),
        ("../etc/passwd", "UTC", True),
        ("Asia", "UTC", True),
    ],
)
def test_time_zones_go_by_their_iana_names(
    monkeypatch: pytest.MonkeyPatch, value: str, read: str, is_fault: bool
) -> None:
    monkeypatch.setenv("X", value)
    assert environment.zone("X", "UTC") == read
    assert bool(environment.faults) is is_fault


def test_lists_are_split_at_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("X", " a, b ,,c")
    assert environment.words("X") == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("read", "value", "fault"),
    [
        (lambda: environment.boolean("X", False), "maybe", "X='maybe' is not a yes or no (use 1 or 0)."),
        (lambda: environment.number("X", 5, low=1, high=9), "much", "X='much' is not a number."),
        (lambda: environment.number("X", 5, low=1, high=9), "nan", "X=nan must be between 1 and 9."),
        (lambda: environment.number("X", 5, low=1, high=9), "10", "X=10 must be between 1 and 9."),
        (lambda: environment.choice("X", "a", ("a", "b")), "c", "X='c' is unknown; choose one of a, b."),
        (lambda: environment.options("X"), "[1]", "X must be a JSON object."),
        (lambda: environment.options("X"), "{", "X is not JSON: "),
    ],
)
def test_a_bad_value_is_one_line_and_the_default(
    monkeypatch: pytest.MonkeyPatch, faults: list[str], read: object, value: str, fault: str
) -> None:
    assert callable(read)
    monkeypatch.delenv("X", raising=False)
    default = read()
    monkeypatch.setenv("X", value)
    assert read() == default
    assert len(faults) == 1
    assert faults[0].startswith(fault)
    assert "\n" not in faults[0]


@pytest.mark.parametrize(
    ("base", "cache", "broker", "streams"),
    [
        ("redis://r:6379/4?x=1", "redis://r:6379/4?x=1", "redis://r:6379/5?x=1", "redis://r:6379/7?x=1"),
        ("rediss://:pw@r", "rediss://:pw@r/0", "rediss://:pw@r/1", "rediss://:pw@r/3"),
        (
            "unix:///run/r.sock?db=2",
            "unix:///run/r.sock?db=2",
            "redis+socket:///run/r.sock?virtual_host=3",
            "unix:///run/r.sock?db=5",
        ),
    ],
)
def test_one_redis_url_becomes_one_per_database(base: str, cache: str, broker: str, streams: str) -> None:
    urls = environment.redis_urls(base)
    assert (urls["cache"], environment.celery_url(urls["broker"]), urls["streams"]) == (cache, broker, streams)
    assert environment.faults == []


def test_a_database_can_have_a_server_of_its_own(monkeypatch: pytest.MonkeyPatch, faults: list[str]) -> None:
    monkeypatch.setenv("REDIS_BROKER_URL", "unix:///run/queue.sock?db=0")
    monkeypatch.setenv("REDIS_STREAMS_URL", "rediss://:pw@streams:6380/1")
    monkeypatch.setenv("REDIS_CHANNELS_URL", "ftp://nothing")
    urls = environment.redis_urls("redis://r/4")
    assert (urls["cache"], urls["broker"]) == ("redis://r/4", "unix:///run/queue.sock?db=0")
    assert urls["streams"] == "rediss://:pw@streams:6380/1"
    assert environment.celery_url(urls["broker"]) == "redis+socket:///run/queue.sock?virtual_host=0"
    assert [fault.split()[0] for fault in faults] == ["REDIS_CHANNELS_URL"]


@pytest.mark.parametrize("base", ["memcached://x", "redis://h:port/0", "redis://h/zero", "unix:///s?db=x"])
def test_a_bad_redis_url_is_one_line(base: str, faults: list[str]) -> None:
    environment.redis_urls(base)
    assert faults == ["REDIS_URL must look like redis://host:6379/0, rediss://… or unix:///path?db=0."]


def test_a_file_of_variables_yields_to_what_is_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, faults: list[str]
) -> None:
    monkeypatch.setenv("MA_SET", "from outside")
    for name in ("MA_PLAIN", "MA_QUOTED", "MA_JSON"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    file = tmp_path / ".env"
    file.write_text(
        "# a comment\n\nMA_SET=from the file\nMA_PLAIN=a=b # c\nexport MA_QUOTED='two words'\n"
        'MA_JSON={"a": 1}\nno sense\n'
    )
    environment.read_file(file)
    assert environment.text("MA_SET") == "from outside"
    assert environment.text("MA_PLAIN") == "a=b # c"
    assert environment.text("MA_QUOTED") == "two words"
    assert environment.options("MA_JSON") == {"a": 1}
    assert faults == [".env, line 7: not NAME=value."]


def test_no_file_of_variables_is_no_fault(tmp_path: Path, faults: list[str]) -> None:
    environment.read_file(tmp_path / ".env")
    assert faults == []


REDIS = "redis://127.0.0.1:6379/1"


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("", REDIS),
        ("redis://queue:6380/4", "redis://queue:6380/4"),
        ("rediss://:secret@queue:6380/0", "rediss://:secret@queue:6380/0"),
        ("unix:///run/redis.sock?db=3", "redis+socket:///run/redis.sock?virtual_host=3"),
        ("redis+socket:///run/redis.sock?virtual_host=3", "redis+socket:///run/redis.sock?virtual_host=3"),
        ("sqs://", "sqs://"),
    ],
)
def test_a_broker_is_redis_or_sqs(monkeypatch: pytest.MonkeyPatch, value: str, read: str) -> None:
    monkeypatch.setenv("CELERY_BROKER_URL", value)
    assert environment.broker_url(REDIS) == read
    assert environment.faults == []


@pytest.mark.parametrize(
    ("value", "line"),
    [
        *(
            (value, "CELERY_BROKER_URL must look like redis://host:6379/1, rediss://…, unix:///path?db=1 or sqs://.")
            for value in ("queue", "amqp://queue", "memory://", "redis://", "redis://queue:port/0", "redis://[queue")
        ),
        *(
            (
                value,
                "CELERY_BROKER_URL must be sqs:// and no more: AWS' libraries find keys and addresses themselves "
                "(AWS_ENDPOINT_URL_SQS for another one).",
            )
            for value in ("sqs://AKIA:secret@", "sqs://localhost:4566", "sqs:///queue", "sqs://?region=x")
        ),
    ],
)
def test_what_is_no_broker_is_named_and_its_keys_are_not(
    monkeypatch: pytest.MonkeyPatch, value: str, line: str
) -> None:
    monkeypatch.setenv("CELERY_BROKER_URL", value)
    assert environment.broker_url(REDIS) == REDIS
    assert environment.faults == [line]


@pytest.mark.parametrize(
    ("value", "read", "is_fault"),
    [
        ("", "", False),
        ("http://127.0.0.1:4318", "http://127.0.0.1:4318", False),
        ("https://key@sentry.example/1", "https://key@sentry.example/1", False),
        ("collector:4318", "", True),
        ("ftp://key@collector", "", True),
        ("http://", "", True),
        ("https://key@collector:port", "", True),
    ],
)
def test_an_endpoint_is_an_http_address_and_its_key_is_not_quoted(
    monkeypatch: pytest.MonkeyPatch, faults: list[str], value: str, read: str, is_fault: bool
) -> None:
    monkeypatch.setenv("X", value)
    assert environment.endpoint("X") == read
    assert faults == (["X must look like https://host:port/."] if is_fault else [])


def test_what_is_installed_is_told_without_loading_it() -> None:
    assert environment.is_installed("json")
    assert not environment.is_installed("no_such_package")
    assert not environment.is_installed("no_such_package.inside")
