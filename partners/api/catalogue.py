"""Products and their search: facts with the offer as it is now."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from django.http import HttpRequest
from ninja import Query, Router

from chat.cards import product_card
from mangaassist.dbthreads import in_database
from partners.authentication import authorized
from partners.cards import Product
from partners.problems import Problem
from partners.schemas import AsinsIn, ProductsOut, SearchOut
from shop.facts import load_product_facts
from shop.models import ASIN_PATTERN
from shop.offers import OffersUnavailable, read_offers
from shop.search import SearchFilters, search_editions

router = Router(tags=["catalogue"])
_ASIN = re.compile(ASIN_PATTERN)
Format = Literal["paperback", "hardcover", "ebook", "omnibus", "deluxe", "box_set"]


def product_views(asins: list[str]) -> list[dict[str, Any]]:
    """Facts with the live offer, in the order asked; unknown ASINs are left out."""
    facts = load_product_facts(asins)
    try:
        offers = read_offers(list(facts))
    except OffersUnavailable:
        offers = {}
    return [product_card(facts[asin], offers.get(asin)) for asin in dict.fromkeys(asins) if asin in facts]


@router.post("/products/batch", response={200: ProductsOut}, exclude_unset=True)
async def get_products(request: HttpRequest, body: AsinsIn) -> Any:
    """Up to 100 editions with their live offers, in one read."""
    authorized(request, "catalog:read")
    found = await in_database(product_views, body.asins)
    known = {product["asin"] for product in found}
    return {"products": found, "unknown": [asin for asin in body.asins if asin not in known]}


@router.get("/products/{asin}", response={200: Product}, exclude_unset=True)
async def get_product(request: HttpRequest, asin: str) -> Any:
    """One edition with its live offer."""
    authorized(request, "catalog:read")
    found = await in_database(product_views, [asin]) if _ASIN.fullmatch(asin) else []
    if not found:
        raise Problem(404, "not-found", "There is no such product.")
    return found[0]


@router.get("/search", response={200: SearchOut}, exclude_unset=True)
async def search(
    request: HttpRequest,
    q: Annotated[str, Query(max_length=200)],
    language: Annotated[str, Query(max_length=8, pattern=r"^[A-Za-z-]*$", description="Of the edition: en, ja…")] = "",
    format: Annotated[Format | Literal[""], Query()] = "",
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> Any:
    """Editions by title in any script, alias, author, genre."""
    authorized(request, "catalog:read")

    def find() -> list[dict[str, Any]]:
        hits = search_editions(q, filters=SearchFilters(language=language, format=format), limit=limit)
        return product_views([hit.asin for hit in hits])

    return {"items": await in_database(find)}
