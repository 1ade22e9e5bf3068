"""The frame and the documentation of the widget, as a browser asks for them."""

from __future__ import annotations

import re
from gzip import decompress as gunzip
from html import unescape

import orjson
import pytest
from django.test import Client

from chat.embedding import ATTRIBUTES, EVENTS, METHODS, PROPERTIES, frame_attributes

PARTNER = "https://partner.example"


def element(page: str) -> dict[str, str]:
    """The attributes of the page's chat."""
    (tag,) = re.findall(r"<manga-assist([^>]*)>", page)
    return {name: unescape(value) for name, value in re.findall(r'([a-z-]+)="([^"]*)"', tag)}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, {"mode": "page"}),
        ({"mode": "launcher", "lang": "ja"}, {"mode": "launcher", "lang": "ja"}),
        ({"mode": "everything", "lang": "tlh", "theme": "pink"}, {"mode": "page"}),
        ({"title": 'The "Shop" <b>', "accent": "#0a7"}, {"mode": "page", "title": 'The "Shop" <b>', "accent": "#0a7"}),
        ({"title": "x" * 201, "greeting": "a\x00b", "onload": "alert(1)"}, {"mode": "page"}),
        ({"identity": "a.b.c", "endpoint": "wss://evil.example/", "token-url": "/x"}, {"mode": "page"}),
    ],
)
def test_an_address_sets_what_is_known_and_nothing_else(query: dict[str, str], expected: dict[str, str]) -> None:
    assert frame_attributes(query) == expected


@pytest.mark.parametrize("name", ["widget.js", "widget.css"])
def test_what_the_widget_loads_is_compressed_and_asked_for_once(client: Client, name: str) -> None:
    address = f"/widget/v1/{name}"
    plain = client.get(address)
    packed = client.get(address, headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gunzip(packed.content) == plain.content
    again = client.get(address, headers={"Accept-Encoding": "gzip", "If-None-Match": packed.headers["ETag"]})
    assert again.status_code == 304
    for response in (plain, packed, again):
        assert "Accept-Encoding" in response.headers["Vary"]


def test_a_frame_stands_only_on_pages_that_may_embed_it(client: Client, settings) -> None:
    settings.WIDGET_ALLOWED_ORIGINS = [PARTNER]
    response = client.get("/widget/v1/frame", {"mode": "launcher", "title": '"><script>alert(1)</script>'})
    policy = response.headers["Content-Security-Policy"]
    assert f"frame-ancestors 'self' {PARTNER};" in f"{policy};"
    assert "require-trusted-types-for 'script'" in policy
    assert "'unsafe" not in policy
    assert "X-Frame-Options" not in response.headers
    page = response.content.decode()
    assert "<script>alert" not in page
    attributes = element(page)
    assert attributes["title"] == '"><script>alert(1)</script>'
    assert orjson.loads(attributes["data-origins"]) == ["http://testserver", PARTNER]


def test_without_partners_only_our_own_pages_may(client: Client, settings) -> None:
    settings.WIDGET_ALLOWED_ORIGINS = []
    policy = client.get("/widget/v1/frame").headers["Content-Security-Policy"]
    assert "frame-ancestors 'self';" in f"{policy};"


def test_other_pages_stand_in_no_frame(client: Client) -> None:
    response = client.get("/widget/v1/docs")
    assert "frame-ancestors 'none'" in response.headers["Content-Security-Policy"]
    assert response.headers["X-Frame-Options"] == "DENY"


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_documentation_names_everything_in_the_readers_language(client: Client, language: str) -> None:
    page = unescape(client.get("/widget/v1/docs", headers={"Accept-Language": language}).content.decode())
    assert f'<html lang="{language}">' in page
    for entry in (*ATTRIBUTES, *PROPERTIES, *EVENTS, *METHODS):
        assert entry.name in page
        assert entry.said(language) in page


@pytest.mark.parametrize("name", ["frame.js", "frame-inside.js", "docs.js", "docs.css", "widget.css"])
def test_its_files_load_across_origins(client: Client, name: str) -> None:
    response = client.get(f"/widget/v1/{name}")
    assert response.status_code == 200
    assert response.headers["Access-Control-Allow-Origin"] == "*"


def test_only_what_is_there_is_served(client: Client) -> None:
    assert client.get("/widget/v1/nothing.js").status_code == 404
    assert client.post("/widget/v1/frame").status_code == 405
    assert client.post("/widget/v1/docs").status_code == 405
