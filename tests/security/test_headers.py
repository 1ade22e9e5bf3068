"""What every answer of the sweep tells a browser, with the settings of a deployment."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from http.cookies import Morsel
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as ours
from django.test import Client

from partners.models import create_api_key
from tests.security.entrances import ADMIN_MODELS, DESK, ENTRANCES, PARTNERS, ROOMS, SHOP, WIDGET, Entrance, Who
from tests.security.production import PRODUCTION, in_production
from tests.security.test_entrances import PLACES
from tests.security.world import Shop, furnish, row_of, staff

OF_PRODUCTION = (
    "HTTPS SECURE_SSL_REDIRECT SECURE_PROXY_SSL_HEADER SECURE_HSTS_SECONDS SECURE_HSTS_INCLUDE_SUBDOMAINS "
    "SECURE_HSTS_PRELOAD SESSION_COOKIE_SECURE SESSION_COOKIE_NAME CSRF_COOKIE_SECURE CSRF_COOKIE_NAME "
    "LANGUAGE_COOKIE_SECURE WIDGET_ALLOWED_ORIGINS"
).split()
EMBEDDER = PRODUCTION["WIDGET_ALLOWED_ORIGINS"]
# The pages of our own templates; the admin's scripts do not know of Trusted Types.
OWN_PAGES = {each.address for each in (*SHOP, *WIDGET, *DESK)} - {"i18n/setlang/"}


@pytest.fixture(scope="module")
def of_production(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the settings make of the environment of a deployment."""
    read = f"import json; from mangaassist import settings as s; print(json.dumps({{n: getattr(s, n) for n in {OF_PRODUCTION}}}))"
    found = in_production(Path(tmp_path_factory.mktemp("production")), "-c", read)
    assert found.returncode == 0, found.stderr
    return dict(json.loads(found.stdout))


@pytest.fixture
def shop(transactional_db: None, settings: Any, of_production: dict[str, Any]) -> Shop:
    for name, value in of_production.items():
        setattr(settings, name, value)
    return furnish()


def answers(shop: Shop) -> Iterator[tuple[Entrance, str, Any]]:
    """Each address as who may open it, as nobody, and with a method that it does not take."""
    key = {"authorization": f"Bearer {shop.first[1]}"}
    browsers = {Who.STAFF: staff("admin"), Who.AGENT: staff("agent lead"), Who.LEAD: staff("agent lead")}
    for each in ENTRANCES:
        parts = each.address.split("/")
        of_model = each in ROOMS and each.takes_id and f"{parts[1]}.{'/'.join(parts[2:3])}" in ADMIN_MODELS
        address = each.at(row_of(each) if of_model else PLACES.get(each.address, uuid.uuid4()))
        client = browsers.get(each.who) or shop.browser("first")
        headers = key if each in PARTNERS else {}
        yield each, "as who may", client.get(address, secure=True, headers=headers)
        # Signed out, the others would be opened as nobody.
        poster = Client() if each.address == "admin/logout/" else client
        yield each, "posted", poster.post(address, {"language": "ja"}, secure=True, headers=headers)
        yield each, "as nobody", Client().get(address, secure=True)
    widget = next(each for each in WIDGET if each.address == "widget/v1/token")
    asked = Client().post("/widget/v1/token", "{}", content_type="application/json", secure=True)
    yield widget, "asked", asked


def policy_of(answer: Any) -> dict[str, list[str]]:
    directives = [part.split() for part in answer["Content-Security-Policy"].split(";") if part.strip()]
    return {name: values for name, *values in directives}


def test_every_answer_says_what_a_browser_may_do_with_it(shop: Shop) -> None:
    pages = 0
    cookies: dict[str, Morsel[str]] = {}
    for each, how, answer in answers(shop):
        about = (each.address, how, answer.status_code)
        policy = policy_of(answer)
        sources = {value for values in policy.values() for value in values}
        assert not sources & {"'unsafe-inline'", "'unsafe-eval'", "'unsafe-hashes'", "*", "https:", "http:"}, about
        assert policy["default-src"] in (["'self'"], ["'none'"]), about
        assert policy["base-uri"] == ["'none'"], about
        framed_by = ["'self'", EMBEDDER] if each.address == "widget/v1/frame" and answer.status_code == 200 else None
        assert policy["frame-ancestors"] == (framed_by or ["'none'"]), about
        assert answer["X-Content-Type-Options"] == "nosniff", about
        assert answer["Referrer-Policy"] == "same-origin", about
        assert "camera=()" in answer["Permissions-Policy"], about
        if each.who is not Who.PROBE:
            hsts = "max-age=31536000; includeSubDomains; preload"
            assert answer["Strict-Transport-Security"] == hsts, about
            assert answer["Cross-Origin-Opener-Policy"] == "same-origin", about
        kept = "public" in answer["Cache-Control"]
        assert kept <= each.may_be_kept, about
        assert kept or "no-store" in answer["Cache-Control"], about
        if answer.status_code == 200 and answer["Content-Type"].startswith("text/html"):
            pages += 1
            assert policy["object-src"] == ["'none'"], about
            assert policy["form-action"] == ["'self'"], about
            if each.address in OWN_PAGES:
                assert policy["require-trusted-types-for"] == ["'script'"], about
        cookies |= {name: morsel for name, morsel in answer.cookies.items() if morsel.value}
    assert pages > len(ADMIN_MODELS) * 2
    assert {"__Host-sessionid", "__Host-csrftoken", "mangaassist_chat", "django_language"} <= set(cookies)
    for name, morsel in cookies.items():
        assert (bool(morsel["secure"]), bool(morsel["httponly"])) == (True, True), name
        assert morsel["samesite"] in ("Lax", "Strict"), name
        assert (morsel["path"], morsel["domain"]) == ("/", "") or not name.startswith("__Host-"), name


def test_without_tls_everything_but_the_probes_is_sent_to_https(shop: Shop) -> None:
    for each in ENTRANCES:
        answer = Client().get(each.at("x"))
        if each.who is Who.PROBE:
            assert answer.status_code in (200, 503), each.address
        else:
            assert answer.status_code == 301, each.address
            assert answer["Location"].startswith("https://testserver/"), each.address


def test_what_a_proxy_says_of_tls_is_believed(shop: Shop) -> None:
    assert Client().get("/chat/", headers={"x-forwarded-proto": "https"}).status_code == 200


def test_a_preflight_and_a_wrong_address_are_no_exception(transactional_db: None) -> None:
    create_api_key("A shop", ["events"], allowed_origins=[EMBEDDER])
    asked = {"origin": EMBEDDER, "access-control-request-method": "POST"}
    preflight = Client().options("/api/v1/events", headers=asked)
    assert preflight["Access-Control-Allow-Origin"] == EMBEDDER
    for answer in (preflight, Client().get("/nowhere"), Client().get("/healthz", headers={"host": "evil.example"})):
        assert policy_of(answer)["frame-ancestors"] == ["'none'"]
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer["Permissions-Policy"] == ours.PERMISSIONS_POLICY


def test_a_file_that_has_not_changed_stays_kept(client: Client) -> None:
    first = client.get("/widget/v1/widget.js")
    again = client.get("/widget/v1/widget.js", headers={"if-none-match": first["ETag"]})
    assert (again.status_code, again.get("Cache-Control", "")) == (304, "")
