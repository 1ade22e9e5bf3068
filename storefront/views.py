"""The demo shop's pages. They exist only with demo data: see storefront.urls."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from chat.live import format_money
from chat.tokens import new_session_id
from knowledge.models import Article
from recommendations.interactions import forget_history, join_guest, last_rating
from recommendations.ordering import Found, order_for
from recommendations.recommend import (
    NewInteraction,
    RecommendationRequest,
    recommend_for,
    record_interactions,
)
from shop.cart import CartOwner, NotForSale, add_to_cart, cart_of, merge_carts, set_quantity
from shop.demo.shoppers import DEMO_SHOPPERS
from shop.facts import load_series_facts
from shop.formats import format_rank
from shop.models import Edition, Series
from shop.offers import Money, OffersUnavailable, read_money
from shop.orders import orders_of
from shop.promotions import PromotionRule, active_promotions, promotions_for
from shop.search import SearchFilters, search_editions
from shop.text import is_cjk
from storefront.devices import device_of
from storefront.shelves import LIST_PARAMETER, Shelf, home_shelves, language, show

MOST_RESULTS = 48


def cart_owner(request: HttpRequest) -> CartOwner:
    """The signed-in demo shopper, else this browser's session; the widget's guest has the same session id."""
    customer_id = str(request.session.get("customer_id", ""))
    if customer_id:
        return CartOwner(customer_id=customer_id)
    if "guest_id" not in request.session:
        request.session["guest_id"] = new_session_id()
    return CartOwner(session_id=request.session["guest_id"])


@require_safe
@never_cache
def home(request: HttpRequest) -> HttpResponse:
    shelves = [*_personal_shelves(request), *home_shelves()]
    return render(
        request,
        "storefront/home.html",
        {"shelves": shelves, "promotions": _titled(active_promotions()[:4]), "series_count": Series.objects.count()},
    )


def _titled(rules: Iterable[PromotionRule]) -> list[tuple[int, str]]:
    """(percent, title in the page's language)"""
    return [(rule.percent_off, rule.title_in(language())) for rule in rules]


def _personal_shelves(request: HttpRequest) -> list[Shelf]:
    owner = cart_owner(request)
    found = recommend_for(
        RecommendationRequest(
            customer_id=owner.customer_id,
            session_id=owner.session_id,
            locale=language(),
            language=language(),
            device=device_of(request),
            limit=12,
        )
    )
    shelves = []
    for shelf in found.shelves:
        reasons = {item.asin: item.reason for item in shelf.items}
        shelves.append(Shelf(shelf.title, show(reasons, reasons, recommendation_id=found.recommendation_id)))
    return [shelf for shelf in shelves if shelf.items]


@require_safe
@never_cache
def search(request: HttpRequest) -> HttpResponse:
    query = request.GET.get("q", "").strip()[:200]
    chosen_language, chosen_format = request.GET.get("language", ""), request.GET.get("format", "")
    filters = SearchFilters(language=chosen_language, format=chosen_format)
    # Who writes Japanese reads it, on whichever page.
    reader = "ja" if is_cjk(query) else language()
    hits = search_editions(query, filters=filters, reader=reader, limit=MOST_RESULTS) if query else []
    owner = cart_owner(request)
    in_order = order_for(
        [Found(hit.asin, hit.series_id, hit.is_named) for hit in hits],
        customer_id=owner.customer_id,
        session_id=owner.session_id,
        device=device_of(request),
    )
    found = [each.asin for each in in_order.found]
    return render(
        request,
        "storefront/search.html",
        {"query": query, "items": show(found), "chosen_language": chosen_language, "chosen_format": chosen_format,
         "page_context": {"query": query} if query else {}},
    )  # fmt: skip


def _in_the_pages_language(series: Series) -> dict[str, Any]:
    """``title`` and ``other_title`` with their languages, ``authors`` and ``description``."""
    if language() != "ja":
        return {
            "title": series.title,
            "other_title": series.native_title,
            "other_language": "ja",
            "authors": series.authors,
            "description": series.description,
        }
    native = series.native_title or series.title
    return {
        "title": native,
        "other_title": series.title if native != series.title else "",
        "other_language": "en",
        "authors": series.native_authors or series.authors,
        "description": series.native_description or series.description,
    }


@require_safe
@never_cache
def series_page(request: HttpRequest, series_id: str) -> HttpResponse:
    series = get_object_or_404(Series, pk=series_id)
    editions = Edition.objects.of_series(series_id).order_by("language", "format", "first_volume", "asin")
    items = show(editions.values_list("asin", flat=True))
    shelves: dict[tuple[str, str], list[Any]] = {}
    for item in items:
        shelves.setdefault((item.facts.language, item.facts.format), []).append(item)
    grouped = sorted(shelves.items(), key=lambda entry: (entry[0][0] != language(), format_rank(entry[0][1])))
    facts = load_series_facts([series_id])[series_id]
    related = load_series_facts(other for _, other in facts.relations)
    relations = [
        (kind, other, (related[other].native_title if language() == "ja" else "") or related[other].title)
        for kind, other in facts.relations
        if other in related
    ]
    return render(
        request,
        "storefront/series.html",
        {
            "series": series,
            **_in_the_pages_language(series),
            "groups": grouped,
            "relations": relations,
            "page_context": {"series": series_id},
        },
    )


@require_safe
@never_cache
def edition_page(request: HttpRequest, asin: str) -> HttpResponse:
    found = show([asin])
    if not found:
        raise Http404
    item = found[0]
    _note(request, asin, "view")
    recommendation_id = request.GET.get(LIST_PARAMETER, "")
    if re.fullmatch(r"[A-Za-z0-9-]{1,40}", recommendation_id):
        _note(request, asin, "click", recommendation_id=recommendation_id)
    series = get_object_or_404(Series, pk=item.facts.series_id)
    siblings = Edition.objects.of_series(series.pk).in_language(item.facts.language).in_format(item.facts.format)
    return render(
        request,
        "storefront/edition.html",
        {
            "item": item,
            "series": series,
            **_in_the_pages_language(series),
            "promotions": _titled(promotions_for(item.facts, active_promotions())),
            "similar": _similar(request, asin),
            "my_rating": _my_rating(request, asin),
            "siblings": [
                each for each in show(siblings.values_list("asin", flat=True)[:24]) if each.facts.asin != asin
            ],
            "page_context": {"asin": asin, "series": series.pk},
        },
    )


def _similar(request: HttpRequest, asin: str) -> Shelf | None:
    """For everybody, guests above all: what goes with the book on the page."""
    owner = cart_owner(request)
    found = recommend_for(
        RecommendationRequest(
            customer_id=owner.customer_id,
            session_id=owner.session_id,
            asin=asin,
            locale=language(),
            language=language(),
            device=device_of(request),
            shelf="discover",
            limit=8,
        )
    )
    for shelf in found.shelves:
        reasons = {item.asin: "" for item in shelf.items}
        return Shelf(shelf.title, show(reasons, reasons, recommendation_id=found.recommendation_id))
    return None


def _my_rating(request: HttpRequest, asin: str) -> int:
    """0: none yet."""
    owner = cart_owner(request)
    return last_rating(asin, customer_id=owner.customer_id, session_id=owner.session_id) or 0


@require_POST
def rate(request: HttpRequest, asin: str) -> HttpResponse:
    """One to five stars; the newest word counts."""
    value = request.POST.get("value", "")
    if value not in {"1", "2", "3", "4", "5"}:
        return HttpResponseBadRequest(_("A rating is a number from 1 to 5."))
    if not Edition.objects.filter(pk=asin).exists():
        raise Http404
    _note(request, asin, "rating", value=float(value))
    messages.success(request, _("Thank you! You gave %(value)s of 5.") % {"value": value})
    return redirect("edition", asin=asin)


# --- Cart -----------------------------------------------------------------------------------------------------


@require_safe
@never_cache
def cart(request: HttpRequest) -> HttpResponse:
    view = cart_of(cart_owner(request))
    rows = [
        {
            "line": line,
            "price": format_money(line.offer.price, language()) if line.offer and line.offer.price else "",
            "total": format_money(line.total, language()) if line.total else "",
        }
        for line in view.lines
    ]
    return render(
        request,
        "storefront/cart.html",
        {
            "rows": rows,
            "discounts": [
                (each.rule.title_in(language()), each.rule.percent_off, format_money(each.amount, language()))
                for each in view.discounts
            ],
            "totals": [format_money(total, language()) for total in view.totals],
            "count": view.count,
        },
    )


@require_POST
def cart_add(request: HttpRequest) -> HttpResponse:
    """Reads the price at the click; a difference to the price on the page is said."""
    asin = request.POST.get("asin", "")
    try:
        change = add_to_cart(cart_owner(request), asin, quoted=_quoted(request))
    except NotForSale as refusal:
        messages.error(request, _refusals()[refusal.reason])
    except OffersUnavailable:
        messages.error(request, _("The price cannot be read right now. Please try again in a moment."))
    else:
        _note(request, asin, "add_to_cart")
        price = format_money(change.price_now, language())
        if change.price_changed and change.quoted is not None:
            quoted = format_money(change.quoted, language())
            messages.warning(
                request,
                _("%(title)s is in your cart. Its price has changed from %(quoted)s to %(price)s.")
                % {"title": change.title, "quoted": quoted, "price": price},
            )
        else:
            messages.success(
                request, _("%(title)s is in your cart, at %(price)s.") % {"title": change.title, "price": price}
            )
    return redirect(_back(request))


def _note(
    request: HttpRequest, asin: str, kind: str, *, recommendation_id: str = "", value: float | None = None
) -> None:
    """What a visitor looks at and puts aside acts on the very next recommendation."""
    owner = cart_owner(request)
    record_interactions(
        [
            NewInteraction(
                asin=asin,
                type=kind,
                value=value,
                customer_id=owner.customer_id,
                session_id=owner.session_id,
                recommendation_id=recommendation_id,
                device=device_of(request),
            )
        ]
    )


def _refusals() -> dict[str, str]:
    return {
        "unknown": _("That is not sold here."),
        "out_of_stock": _("That one is out of stock at the moment."),
        "limit": _("There are no more of these to be had."),
    }


def _quoted(request: HttpRequest) -> Money | None:
    try:
        return read_money({"amount": request.POST.get("amount"), "currency": request.POST.get("currency")})
    except ValueError:
        return None


@require_POST
def cart_set(request: HttpRequest) -> HttpResponse:
    try:
        quantity = int(request.POST.get("quantity", ""))
    except ValueError:
        messages.error(request, _("The quantity must be a number."))
        return redirect("cart")
    try:
        set_quantity(cart_owner(request), request.POST.get("asin", ""), quantity)
    except NotForSale as refusal:
        messages.error(request, _refusals()[refusal.reason])
    except OffersUnavailable:
        messages.error(request, _("The stock cannot be read right now. Please try again in a moment."))
    return redirect("cart")


def _back(request: HttpRequest) -> str:
    target = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(target, allowed_hosts={request.get_host()})
    return target if safe else "/cart/"


# --- Who is shopping ------------------------------------------------------------------------------------------


@require_safe
@never_cache
def sign_in(request: HttpRequest) -> HttpResponse:
    return render(request, "storefront/sign_in.html", {"shoppers": DEMO_SHOPPERS})


@require_POST
def sign_in_as(request: HttpRequest) -> HttpResponse:
    """As one of the demo shoppers: there is no password, since there is nothing real behind them."""
    customer_id = request.POST.get("customer_id", "")
    if customer_id not in {shopper.customer_id for shopper in DEMO_SHOPPERS}:
        raise Http404
    guest = cart_owner(request)
    # A new session id at each change of who one is.
    request.session.cycle_key()
    if guest.session_id:
        merge_carts(guest.session_id, customer_id)
        join_guest(guest.session_id, customer_id)
    request.session["customer_id"] = customer_id
    return redirect("home")


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    request.session.flush()
    return redirect("home")


@require_POST
def forget(request: HttpRequest) -> HttpResponse:
    """The shopper's wish: nothing that they did so far is to be known of their taste."""
    owner = cart_owner(request)
    if owner.customer_id or owner.session_id:
        forget_history(customer_id=owner.customer_id, session_id=owner.session_id)
    messages.success(request, _("Your reading history is forgotten. Recommendations begin anew."))
    return redirect("account" if owner.customer_id else "home")


@require_safe
@never_cache
def account(request: HttpRequest) -> HttpResponse:
    owner = cart_owner(request)
    if not owner.customer_id:
        return redirect("sign-in")
    return render(request, "storefront/account.html", {"orders": orders_of(owner.customer_id, limit=50)})


# --- Help -----------------------------------------------------------------------------------------------------


@require_safe
def help_index(request: HttpRequest) -> HttpResponse:
    articles = Article.objects.published().in_locale(language())
    return render(request, "storefront/help.html", {"articles": articles})


@require_safe
def help_article(request: HttpRequest, slug: str) -> HttpResponse:
    articles = Article.objects.published().filter(slug=slug)
    article = articles.filter(locale=language()).first() or get_object_or_404(articles, locale="en")
    return render(request, "storefront/help_article.html", {"article": article})
