"""After a long and varied conversation: a scan of every key of the cache finds no price, stock or order status."""

from __future__ import annotations

import pytest
from asgiref.sync import sync_to_async

from caching.behind import behind
from caching.counters import counters
from caching.reuse import reuse
from shop.models import Offer
from tests.caching.test_never_cached import everything_in_redis
from tests.journeys.shopper import Socket, token
from tests.journeys.test_conversation import EN, JA

pytestmark = pytest.mark.usefixtures("shop")

PRICE, LIST_PRICE, STOCK = "1338.37", "1773.73", 42_171
ASKED = [
    *(said for said, _ in EN + JA),
    "is Berserk volume 3 in stock?",
    "how much is it?",
    "in Japanese?",
    "something like Vinland Saga",
    "the second one",
    "show me more",
    "what's my next volume of Berserk?",
    "where is order MA-10002?",
    "where are my orders?",
    "注文MA-10002はどこですか",
    "いまの価格は？",
]


async def test_a_full_key_scan_after_a_long_conversation_finds_nothing_live() -> None:
    await Offer.objects.all().aupdate(price=PRICE, list_price=LIST_PRICE, stock=STOCK)
    said = ""
    for question in ASKED:
        async with Socket() as socket:
            await socket.hello(token(customer_id="alice"))
            response = await socket.answer(question)
            said += str(response["content"]) + str(response["cards"])
    await behind.afinish()
    behind.finish()
    counters.flush()
    reuse.flush()
    # The secrets were told, so that there was something to keep.
    secrets = (PRICE, "1,338", "PP123456789", "on its way")
    for secret in secrets:
        assert secret in said, secret

    found = (await sync_to_async(everything_in_redis)()).decode(errors="replace")

    for kind in ("product:", "promotions:category:", "recs:alice:", "faq:", "memory:", "product_cache_refs:"):
        assert kind in found, kind
    for secret in (*secrets, LIST_PRICE, str(STOCK), "¥", "$", "発送", "low_stock", "in_stock"):
        assert secret not in found, secret
