"""For what we are asked to do and cannot: the help page on it, and the order or the books that are meant."""

from __future__ import annotations

import asyncio

from chat.deeds import TO_AN_ORDER, Deed
from chat.evidence import Evidence
from chat.gathering.desk import for_orders
from chat.gathering.titles import for_title
from chat.gathering.work import Gathering
from chat.understanding.types import Language
from knowledge.search import asearch_passages

# The question that a help page on it would answer. What is put into the cart needs none: a button does it.
_HELP: dict[Language, dict[Deed, str]] = {
    "en": {
        "cancel": "Can I cancel my order?",
        "return": "How do I return a book?",
        "change": "Can I change my order?",
        "reserve": "Can you tell me when a book is back in stock?",
        "notify": "Can you tell me when a book is back in stock?",
    },
    "ja": {
        "cancel": "注文のキャンセルはできますか？",
        "return": "返品はできますか？",
        "change": "注文の変更はできますか？",
        "reserve": "再入荷を知らせてもらえますか？",
        "notify": "再入荷を知らせてもらえますか？",
    },
}


async def for_deed(work: Gathering) -> Evidence:
    request = work.request
    asked = _HELP[request.language].get(request.deed, "")
    about = for_orders(work) if request.deed in TO_AN_ORDER else for_title(work)
    if not asked:
        return await about
    evidence, help = await asyncio.gather(
        about, work.limited("passages", asearch_passages(asked, request.language), None)
    )
    evidence.passages = help.found if help else ()
    return evidence
