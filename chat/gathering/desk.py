"""For orders, help pages and the page that is open."""

from __future__ import annotations

import asyncio
from dataclasses import asdict

from chat.dialogue import age_limit
from chat.evidence import Evidence
from chat.gathering.owned import bought, volumes_had
from chat.gathering.work import Gathering, series_facts_of
from knowledge.search import asearch_passages, search_products
from mangaassist.dbthreads import in_database
from shop.coverage import gives_away
from shop.models import ages_up_to
from shop.orders import OrderView, find_order, orders_of


async def for_question(work: Gathering) -> Evidence:
    """Help that answers it; where there is none, what is said of the product that the shopper looks at or talks of."""
    request = work.request
    searched = await work.limited("passages", asearch_passages(request.text, request.language), None)
    passages = list(searched.found) if searched else []
    if searched and searched.meaning not in ("none", "used"):
        work.trace.note("found_by_words_alone", why=searched.meaning)
    if searched and not passages:
        allowed = ages_up_to(age_limit(request.state))
        products = await work.products([request.asin or request.context.asin])
        mine = await bought(work) if products else {}
        asins = [
            asin
            for asin, product in products.items()
            if product.age_rating in allowed
            and not gives_away(product.volumes, volumes_had(work, mine, product.series_id))
        ]
        passages = (
            await work.limited("passages", in_database(search_products, request.text, asins), []) if asins else []
        )
        if not passages and "passages" not in work.failed:
            nearest = asdict(searched.nearest) if searched.nearest else None
            work.trace.note("not_found", kind="help", nearest=nearest)
    for passage in passages:
        work.trace.note("passage_found", source=passage.source, version=passage.version, score=passage.score)
    return Evidence(passages=tuple(passages))


async def for_page(work: Gathering) -> Evidence:
    context = work.request.context
    products = await work.products([context.asin])
    series = await series_facts_of(work, [context.series] if context.series else [])
    return Evidence(products=products, series=series)


async def for_orders(work: Gathering) -> Evidence:
    customer_id = work.shopper.customer_id
    if not customer_id:
        return Evidence()
    numbers = work.request.order_ids
    orders = await work.limited("orders", in_database(_orders, customer_id, numbers), [])
    # What an order holds may come out later than it was promised for.
    unreleased = {line.asin for order in orders if order.status == "processing" for line in order.lines}
    return Evidence(orders=tuple(orders), products=await work.products(unreleased))


async def for_complaint(work: Gathering) -> Evidence:
    """The help page on it, and the orders that it may be about."""
    help, orders = await asyncio.gather(for_question(work), for_orders(work))
    help.orders, help.products = orders.orders, orders.products
    return help


def _orders(customer_id: str, numbers: tuple[str, ...]) -> list[OrderView]:
    """Only ever this customer's own."""
    if numbers:
        found = (find_order(number, customer_id=customer_id) for number in numbers)
        return [order for order in found if order is not None]
    return orders_of(customer_id, limit=3)
