"""One attempt at a receiver that may be down, slow, endless, or somewhere that it should not be."""

from __future__ import annotations

import datetime
import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from partners.webhooks.destinations import Resolve
from partners.webhooks.sending import Sender
from tests.partners.webhooks.receiver import (
    Behaviour,
    Receiver,
    answer,
    dripping_head,
    endless_body,
    nonsense,
    receiver,
)

HEADERS: dict[bytes | str, bytes | str] = {"Content-Type": "application/json", "webhook-id": "m-1"}


@pytest.fixture
def shop(settings: Any) -> Iterator[Receiver]:
    settings.WEBHOOK_LOOPBACK = True
    settings.WEBHOOK_TIMEOUT_S = 20
    with receiver() as told:
        yield told


def test_it_posts_the_very_bytes(shop: Receiver) -> None:
    sent = Sender().post(shop.url, HEADERS, '{"a": "漫画"}'.encode())
    assert (sent.status, sent.error, sent.is_taken) == (204, "", True)
    (got,) = shop.received
    assert got.body == '{"a": "漫画"}'.encode()
    assert (got.id, got.headers["host"]) == ("m-1", f"127.0.0.1:{shop.port}")


@pytest.mark.parametrize(
    ("behaviour", "status", "error"),
    [
        (answer(500), 500, "The receiver answered 500."),
        (answer(404), 404, "The receiver answered 404."),
        (answer(302, Location="http://127.0.0.1:1/elsewhere"), 302, "302: redirects are not followed."),
        (answer(307, Location="http://169.254.169.254/"), 307, "307: redirects are not followed."),
        (nonsense, None, "RemoteProtocolError"),
    ],
)
def test_whatever_is_no_2xx_is_not_taken(shop: Receiver, behaviour: Behaviour, status: int | None, error: str) -> None:
    shop.behaviour = behaviour
    sent = Sender().post(shop.url, HEADERS, b"{}")
    assert not sent.is_taken
    assert sent.status == status
    assert sent.error.startswith(error)
    assert len(shop.received) == 1


def test_an_endless_body_is_cut_off_and_its_status_counts(shop: Receiver) -> None:
    shop.behaviour = endless_body
    assert Sender().post(shop.url, HEADERS, b"{}").is_taken


@pytest.mark.parametrize("kind", ["hangs", "drips"])
def test_one_deadline_for_all_of_it(shop: Receiver, settings: Any, kind: str) -> None:
    settings.WEBHOOK_TIMEOUT_S = 0.5
    shop.behaviour = shop.hang if kind == "hangs" else dripping_head
    sent = Sender().post(shop.url, HEADERS, b"{}")
    assert (sent.status, sent.error) == (None, "No answer within 0.5 seconds.")


def test_how_long_to_wait_is_heard(shop: Receiver) -> None:
    for said, heard in (("120", 120), ("Wed, 21 Oct 2026 07:28:00 GMT", None), ("-1", None), ("9" * 40, None)):
        shop.behaviour = answer(503, Retry_After=said)
        assert Sender().post(shop.url, HEADERS, b"{}").retry_after_s == heard


def test_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    sent = Sender(resolve=_nowhere).post("https://shop.example/", HEADERS, b"{}")
    assert sent.error.startswith("gaierror")
    assert Sender().post(f"http://127.0.0.1:{port}/", HEADERS, b"{}").error.startswith("The address must be https")


def _leading_to(addresses: list[str]) -> Resolve:
    return lambda host: addresses


def _nowhere(host: str) -> list[str]:
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


def test_proxies_of_the_environment_are_not_asked(shop: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    with receiver() as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        assert Sender().post(shop.url, HEADERS, b"{}").is_taken
        assert proxy.received == []


class TestAddresses:
    """With names whose owner gives another answer each time (DNS rebinding)."""

    def test_a_name_that_has_turned_inwards_is_refused_at_the_connection(self, settings: Any) -> None:
        with receiver() as inside:
            for inner in (["127.0.0.1"], ["::ffff:127.0.0.1"], ["64:ff9b::7f00:1"]):
                sent = Sender(resolve=_leading_to(inner)).post("https://shop.example:8443/", HEADERS, b"{}")
                assert sent.error == "The address leads to an address that is not public."
            assert inside.received == []

    def test_what_was_checked_is_what_is_connected_to(self, trusted: Trusted, settings: Any) -> None:
        """The name is asked once: a second answer would not have been checked."""
        settings.WEBHOOK_LOOPBACK = True
        answers = [["127.0.0.1"], ["10.0.0.1"]]
        asked: list[str] = []

        def resolve(host: str) -> list[str]:
            asked.append(host)
            return answers[len(asked) - 1]

        with receiver(trusted.server("shop.example")) as shop:
            sender = Sender(resolve=resolve, context=trusted.client)
            assert sender.post(f"https://shop.example:{shop.port}/", HEADERS, b"{}").is_taken
            assert shop.received[0].headers["host"] == f"shop.example:{shop.port}"
            sent = sender.post(f"https://shop.example:{shop.port}/", HEADERS, b"{}")
        assert sent.error == "The address leads to an address that is not public."
        assert asked == ["shop.example", "shop.example"]

    def test_the_certificate_must_be_the_names_own(self, trusted: Trusted, settings: Any) -> None:
        settings.WEBHOOK_LOOPBACK = True
        with receiver(trusted.server("other.example")) as shop:
            sender = Sender(resolve=lambda host: ["127.0.0.1"], context=trusted.client)
            assert (
                "CERTIFICATE_VERIFY_FAILED" in sender.post(f"https://shop.example:{shop.port}/", HEADERS, b"{}").error
            )
            # Nor one that no authority knows.
            unknown = Sender(resolve=lambda host: ["127.0.0.1"])
            assert (
                "CERTIFICATE_VERIFY_FAILED" in unknown.post(f"https://other.example:{shop.port}/", HEADERS, b"{}").error
            )
            assert shop.received == []

    def test_a_dead_address_does_not_hide_a_living_one(self, trusted: Trusted, settings: Any) -> None:
        settings.WEBHOOK_LOOPBACK = True
        with receiver(trusted.server("shop.example")) as shop:
            sender = Sender(resolve=lambda host: ["127.0.0.2", "127.0.0.1"], context=trusted.client)
            assert sender.post(f"https://shop.example:{shop.port}/", HEADERS, b"{}").is_taken


class Trusted:
    """An authority of this test, and what it signs."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Test authority")])
        own = self._certificate(self._name, self._key, lambda b: b.add_extension(x509.BasicConstraints(True, 0), True))
        self.client = ssl.create_default_context(cadata=own.public_bytes(serialization.Encoding.PEM).decode())

    def server(self, name: str) -> ssl.SSLContext:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        names = x509.SubjectAlternativeName([x509.DNSName(name)])
        certificate = self._certificate(subject, key, lambda b: b.add_extension(names, False))
        path = self._folder / f"{name}.pem"
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context

    def _certificate(self, subject: x509.Name, key: Any, extend: Callable[[Any], Any]) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
        )
        signed: x509.Certificate = extend(builder).sign(self._key, hashes.SHA256())
        return signed


@pytest.fixture
def trusted(tmp_path: Path) -> Trusted:
    return Trusted(tmp_path)
