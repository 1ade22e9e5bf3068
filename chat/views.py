"""The widget's HTTP entrances: its token, its module, the full page, and the form for browsers without scripts."""

from __future__ import annotations

import uuid
from hashlib import sha256
from math import ceil
from pathlib import Path
from typing import Any

import orjson
from asgiref.sync import async_to_sync
from csp.decorators import csp_replace
from django.conf import settings
from django.contrib.staticfiles import finders
from django.core import signing
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.templatetags.static import static
from django.utils.cache import patch_vary_headers
from django.utils.translation import get_language
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import condition, require_GET, require_http_methods
from django.views.decorators.vary import vary_on_headers

from chat import embedding
from chat.admission import wait_before_hello, wait_before_question, wait_before_token
from chat.context import ContextRefused, PageContext, read_context
from chat.frames import MAX_TEXT, is_uuid
from chat.plain import ask
from chat.room import Busy
from chat.runner import runner
from chat.sessions import open_session, read_missed
from chat.tokens import Claims, TokenRefused, issue_token, read_identity, renew
from mangaassist.addresses import address_of
from mangaassist.markup_policy import no_markup_from_text

MAX_BODY_BYTES = 16 * 1024
_PLAIN_COOKIE = "mangaassist_chat"
# In the session: (text, client_msg_id) of the form's question while no process has asked it.
_KEPT_QUESTION = "kept_question"
_ASKED_AGAIN_IN_S = 2


@csrf_exempt  # No cookie gives any right here but our own session's, and CORS keeps other sites from reading.
@require_http_methods(["POST", "OPTIONS"])
def token(request: HttpRequest) -> HttpResponse:
    """``POST /widget/v1/token`` (contract: addresses)."""
    origin = request.headers.get("Origin", "")
    same_origin = not origin or origin == f"{request.scheme}://{request.get_host()}"
    if not same_origin and origin not in settings.WIDGET_ALLOWED_ORIGINS:
        return _cors(JsonResponse({"error": "origin_not_allowed"}, status=403), "")
    if request.method == "OPTIONS":
        return _cors(HttpResponse(status=204), origin)
    wait = async_to_sync(wait_before_token)(_address(request))
    if wait:
        refused = JsonResponse({"error": "rate", "message": "Too many tokens for this network."}, status=429)
        refused["Retry-After"] = str(ceil(wait))
        return _cors(refused, origin)
    try:
        claims = _claims(request, same_origin=same_origin)
    except (ContextRefused, TokenRefused, ValueError) as error:
        return _cors(JsonResponse({"error": "bad_request", "message": str(error)}, status=400), origin)
    body: dict[str, Any] = {"token": issue_token(claims), "expires_in": settings.WIDGET_TOKEN_TTL_S}
    if claims.conversation_id:
        body["conversation_id"] = claims.conversation_id
    return _cors(JsonResponse(body), origin)


def _claims(request: HttpRequest, *, same_origin: bool) -> Claims:
    if len(request.body) > MAX_BODY_BYTES:
        raise ValueError(f"The body may have {MAX_BODY_BYTES} bytes.")
    try:
        body = orjson.loads(request.body or b"{}")
    except orjson.JSONDecodeError as error:
        raise ValueError("The body must be JSON.") from error
    if not isinstance(body, dict):
        raise ValueError("The body must be a JSON object.")
    previous, identity = body.get("previous") or "", body.get("identity") or ""
    if not isinstance(previous, str) or not isinstance(identity, str):
        raise ValueError("previous and identity must be text.")
    context = read_context(body.get("context"))
    if identity:
        return renew(previous, customer_id=read_identity(identity), context=context.as_dict())
    if not same_origin:
        return renew(previous, customer_id="", context=context.as_dict())
    guest_id = request.session.get("guest_id", "")
    claims = renew(previous, customer_id=_signed_in(request), context=context.as_dict(), guest_id=guest_id)
    if claims.shopper.session_id != guest_id:
        # The shop's pages and the widget know a guest by one id: they share a cart.
        request.session["guest_id"] = claims.shopper.session_id
    return claims


def _signed_in(request: HttpRequest) -> str:
    """The customer of our own pages' session, if one is signed in there."""
    return str(request.session.get("customer_id", ""))


def _cors(response: HttpResponse, origin: str) -> HttpResponse:
    patch_vary_headers(response, ["Origin"])
    response["Cache-Control"] = "no-store"
    if origin:
        response["Access-Control-Allow-Origin"] = origin
        response["Access-Control-Allow-Methods"] = "POST"
        response["Access-Control-Allow-Headers"] = "Content-Type"
        response["Access-Control-Max-Age"] = "600"
    return response


def _etag(request: HttpRequest, name: str) -> str | None:
    path = finders.find(f"widget/v1/{name}")
    return f'"{sha256(Path(path).read_bytes()).hexdigest()[:24]}"' if isinstance(path, str) else None


@require_GET
@vary_on_headers("Accept-Encoding")  # Also of a 304.
@gzip_page
@condition(etag_func=_etag)
def widget_file(request: HttpRequest, name: str) -> HttpResponse:
    """``/widget/v1/…``: modules load across origins only with CORS; nothing in them is personal."""
    path = finders.find(f"widget/v1/{name}")
    if not isinstance(path, str):
        raise Http404
    kind = {"js": "text/javascript", "css": "text/css", "svg": "image/svg+xml"}.get(name.rsplit(".", 1)[-1])
    if kind is None:
        raise Http404
    response = HttpResponse(Path(path).read_bytes(), content_type=f"{kind}; charset=utf-8")
    response["Access-Control-Allow-Origin"] = "*"
    response["Cross-Origin-Resource-Policy"] = "cross-origin"
    response["Cache-Control"] = "public, max-age=300"
    return response


@require_GET
def favicon(request: HttpRequest) -> HttpResponse:
    """For pages that name no icon of their own, such as the admin's."""
    return redirect(static("widget/v1/icon.svg"))


@require_GET
@xframe_options_exempt  # frame-ancestors says who may.
def frame(request: HttpRequest) -> HttpResponseBase:
    """``/widget/v1/frame``: the widget for an iframe on the pages that may embed it."""
    ancestors = ["'self'", *settings.WIDGET_ALLOWED_ORIGINS]
    return csp_replace({"frame-ancestors": ancestors})(_framed)(request)


@no_markup_from_text
def _framed(request: HttpRequest) -> HttpResponse:
    origins = [f"{request.scheme}://{request.get_host()}", *settings.WIDGET_ALLOWED_ORIGINS]
    attributes = embedding.frame_attributes(request.GET.dict())
    return render(request, "chat/frame.html", {"attributes": attributes, "origins": orjson.dumps(origins).decode()})


@require_GET
@no_markup_from_text
def docs(request: HttpRequest) -> HttpResponse:
    """``/widget/v1/docs``: everything that a page can set on the widget, to be tried on the page itself."""
    language = "ja" if (get_language() or "").startswith("ja") else "en"
    tables = {
        name: [(entry, entry.said(language), entry.shown(language)) for entry in getattr(embedding, name.upper())]
        for name in ("attributes", "properties", "events", "methods", "slots")
    }
    origin = f"{request.scheme}://{request.get_host()}"
    return render(request, "chat/docs.html", {**tables, "ja": language == "ja", "origin": origin})


@require_GET
@no_markup_from_text
def page(request: HttpRequest) -> HttpResponse:
    """The widget as a full page; without scripts, the same conversation as a form."""
    messages: list[dict[str, Any]] = []
    claims = _plain_claims(request)
    if claims is not None and claims.conversation_id:
        session = open_session(claims)
        messages = read_missed(session, after_message_id="", turn_id="", after_seq=0).messages
    response = _plain_page(request, messages)
    if claims is None:
        _keep(response, issue_token(_new_claims(request)))
    return response


def _plain_page(request: HttpRequest, messages: list[dict[str, Any]], **said: Any) -> HttpResponse:
    # The form's own id for its question: sent twice, it is asked once.
    return render(request, "chat/page.html", {"messages": messages, "client_msg_id": str(uuid.uuid4()), **said})


def _address(request: HttpRequest) -> str:
    """As :func:`mangaassist.addresses.address_of` reads it from a socket."""
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "").encode("latin-1", "replace")
    peer = request.META.get("REMOTE_ADDR", "")
    scope = {"client": (peer, 0), "headers": [(b"x-forwarded-for", forwarded)]}
    return address_of(scope, trusted=settings.TRUSTED_PROXIES)


def _wait_before_plain_question(claims: Claims, address: str) -> float:
    if not claims.conversation_id:  # It would begin one.
        return async_to_sync(wait_before_hello)(address)
    return async_to_sync(wait_before_question)(claims.conversation_id, address)


@require_http_methods(["GET", "POST"])
def plain(request: HttpRequest) -> HttpResponse:
    """A question by form POST: answered before the page comes back; 429 with the page for one that comes too soon.

    A process that ends begins no turn: it keeps the question in the session and sends the browser here again (GET), to
    another process or, while it is still this one, to a page that comes back by itself.
    """
    if request.method == "POST":
        text, client_msg_id = request.POST.get("text", ""), request.POST.get("client_msg_id", "")
    else:
        text, client_msg_id = request.session.get(_KEPT_QUESTION, ("", ""))
        if not text:
            return redirect("chat-page")
    if not is_uuid(client_msg_id):
        client_msg_id = str(uuid.uuid4())
    if runner.draining:
        return _ask_elsewhere(request, text, client_msg_id)
    request.session.pop(_KEPT_QUESTION, None)
    claims = _plain_claims(request) or _new_claims(request)
    wait = _wait_before_plain_question(claims, _address(request))
    if wait:
        return _refused(request, text, wait, too_soon=True)
    # A second click on a first question comes before the cookie that names its conversation.
    session = open_session(claims, channel="plain", first_question=client_msg_id)
    try:
        ask(session, text, client_msg_id)
    except Busy as busy:
        refused = _refused(request, text, busy.retry_after_s, busy=True)
        _keep(refused, session.token())
        return refused
    response = redirect("chat-page")
    _keep(response, session.token())
    return response


def _refused(request: HttpRequest, text: str, wait_s: float, **why: bool) -> HttpResponse:
    """The page again, with what was written."""
    refused = _plain_page(request, [], text=text[:MAX_TEXT], **why)
    refused.status_code = 429
    refused["Retry-After"] = str(ceil(wait_s))
    return refused


def _ask_elsewhere(request: HttpRequest, text: str, client_msg_id: str) -> HttpResponse:
    response: HttpResponse
    if request.method == "POST":
        # Django stores no session with a 5xx: hence by way of a redirect.
        # One character too many is kept: a text that is too long stays so.
        request.session[_KEPT_QUESTION] = (text[: MAX_TEXT + 1], client_msg_id)
        response = redirect("chat-plain")
        response.status_code = 303
    else:
        response = _plain_page(request, [], text=text, client_msg_id=client_msg_id, asked_again_in_s=_ASKED_AGAIN_IN_S)
        response.status_code = 503
        response["Retry-After"] = str(_ASKED_AGAIN_IN_S)
    # A new connection reaches a process that stays.
    response["Connection"] = "close"
    return response


def _keep(response: HttpResponse, token: str) -> None:
    response.set_signed_cookie(
        _PLAIN_COOKIE,
        token,
        max_age=settings.WIDGET_TOKEN_RENEWAL_S,
        httponly=True,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )


def _page_context() -> PageContext:
    return PageContext(locale=get_language() or "en")


def _new_claims(request: HttpRequest) -> Claims:
    return renew("", customer_id=_signed_in(request), context=_page_context().as_dict())


def _plain_claims(request: HttpRequest) -> Claims | None:
    try:
        previous = str(request.get_signed_cookie(_PLAIN_COOKIE))
    except (KeyError, signing.BadSignature):
        return None
    return renew(previous, customer_id=_signed_in(request), context=_page_context().as_dict())
