"""Clients of AWS: where they ask, what counts as an outage, and what nobody may read."""

from __future__ import annotations

import io
import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import boto3
import pytest
import structlog
from botocore.exceptions import ClientError, ConnectTimeoutError, ParamValidationError

from mangaassist import aws
from mangaassist.concealing import HIDDEN, conceal, remember_secrets
from mangaassist.logs import logging_config
from mangaassist.outbox.backends.base import Outgoing, QueueUnavailable
from mangaassist.outbox.backends.sqs import SqsQueue

KEY_ID = "ASIAIOSFODNN7EXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
TOKEN = "FwoGZXIvYXdzEXAMPLE//token+with=every/kind+of=character"


class Answering(BaseHTTPRequestHandler):
    """Quotes what was signed, as AWS does when the signature does not match."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked.append(self.headers)  # type: ignore[attr-defined]
        signed = f"x-amz-security-token:{self.headers['X-Amz-Security-Token']} {self.headers['Authorization']}"
        body = f'{{"__type":"SignatureDoesNotMatch","message":"The canonical string should have been {signed}"}}'
        self.send_response(403)
        self.send_header("Content-Type", "application/x-amz-json-1.0")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    server.asked = []  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY_ID)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_SESSION_TOKEN", TOKEN)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    yield server
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("variable", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SQS"])
def test_clients_ask_where_the_environment_says(
    server: ThreadingHTTPServer, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    if variable != "AWS_ENDPOINT_URL":
        # The nearer one wins.
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv(variable, f"http://127.0.0.1:{server.server_port}")
    with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
        aws.client("sqs", "worker").list_queues()
    assert server.asked[0]["X-Amz-Target"] == "AmazonSQS.ListQueues"  # type: ignore[attr-defined]


@pytest.mark.parametrize("style", ["text", "json"])
def test_no_line_and_no_error_holds_a_credential(
    server: ThreadingHTTPServer, monkeypatch: pytest.MonkeyPatch, style: str
) -> None:
    url = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    formatter = logging_config("DEBUG", style)["formatters"]["structured"]
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(formatter.pop("()")(**formatter))
    botocore, ours = logging.getLogger("botocore"), logging.getLogger("tests.ours")
    for each in (botocore, ours):
        each.addHandler(handler)
        monkeypatch.setattr(each, "level", logging.DEBUG)
    # As a task role's, which no variable holds.
    remember_secrets([])
    try:
        queue = SqsQueue(queue_url=f"{url}/1/feedback")
        with pytest.raises(QueueUnavailable) as caught:
            queue.send([Outgoing("a", {})])
        structlog.get_logger("tests.ours").error("failed", exc_info=caught.value)
    finally:
        for each in (botocore, ours):
            each.removeHandler(handler)
    lines = written.getvalue()
    assert "SignatureDoesNotMatch" in lines
    assert "x-amz-security-token" in lines.lower()
    assert "Traceback" in lines
    for text in (lines, str(caught.value)):
        for secret in (KEY_ID, SECRET, TOKEN):
            assert secret not in text, text[text.index(secret) - 200 :][:400]


@pytest.mark.parametrize(
    "text",
    [
        f'{{"AccessKeyId": "{KEY_ID}", "SecretAccessKey": "{SECRET}", "Token": "{TOKEN}"}}',
        f"<SecretAccessKey>{SECRET}</SecretAccessKey><SessionToken>{TOKEN}</SessionToken>",
        f"aws_secret_access_key={SECRET} aws_session_token='{TOKEN}'",
        f"https://s3.example/?X-Amz-Credential={KEY_ID}%2F20260101&X-Amz-Security-Token={TOKEN}&X-Amz-Expires=9",
        f"{{'X-Amz-Security-Token': b'{TOKEN}', 'Host': 'x'}}",
    ],
)
def test_credentials_are_hidden_by_their_names(text: str) -> None:
    hidden = conceal(text)
    assert HIDDEN in hidden
    assert not any(secret in hidden for secret in (KEY_ID, SECRET, TOKEN))


def test_what_is_known_is_hidden_wherever_it_stands() -> None:
    remember_secrets([SECRET, "short", ""])
    try:
        assert conceal(f"so {SECRET} is short") == f"so {HIDDEN} is short"
    finally:
        remember_secrets([])


@pytest.mark.parametrize("text", ["the token of gratitude", "a signature dish", "session 5 of AKIRA", "token_expires"])
def test_ordinary_words_stay(text: str) -> None:
    assert conceal(text) == text


def client_error(code: str, status: int) -> ClientError:
    return ClientError({"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}, "PutRecords")


@pytest.mark.parametrize(
    ("error", "unwell"),
    [
        (client_error("ValidationException", 400), False),
        (client_error("ConditionalCheckFailedException", 400), False),
        (client_error("ResourceNotFoundException", 400), False),
        (client_error("AccessDeniedException", 400), True),
        (client_error("ExpiredTokenException", 400), True),
        (client_error("KMSAccessDeniedException", 400), True),
        (client_error("ThrottlingException", 400), True),
        (client_error("ProvisionedThroughputExceededException", 400), True),
        (client_error("ExpiredTokenException", 403), True),
        (client_error("InternalFailure", 500), True),
        (client_error("503", 503), True),
        (ConnectTimeoutError(endpoint_url="x"), True),
        (ParamValidationError(report="x"), False),
    ],
)
def test_only_what_is_wrong_with_the_service_is_an_outage(error: Exception, unwell: bool) -> None:
    assert aws.is_unwell(error) is unwell
    is_missing = isinstance(error, ClientError) and "NotFound" in error.response["Error"]["Code"]
    assert aws.is_outage(error) is (unwell or is_missing)
