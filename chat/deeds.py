"""What a shopper wants done that an answer cannot do: cancel an order, put a book into the cart. Pure rules.

All patterns expect NFKC text.
"""

from __future__ import annotations

import re
from typing import Literal

from chat import cues
from chat.context import PageContext
from chat.state import DialogueState
from chat.targets import Target, target_of
from chat.understanding.types import Entities, Understanding

Deed = Literal["", "cancel", "return", "change", "cart", "reserve", "notify"]

# Done to an order; the others are done to a book.
TO_AN_ORDER: frozenset[str] = frozenset({"cancel", "return", "change"})

# A wish begins with its verb or names who is to act: "since I put it into my cart" is none.
_WISH = r"(?:^|\b(?:please|you|to|and|just|then|ok(?:ay)?|yes|no),? |[,.!;] )"


def _rule(english: str, japanese: str) -> re.Pattern[str]:
    return re.compile(rf"{english}|{japanese}", re.IGNORECASE)


_OF_ORDERS: tuple[tuple[re.Pattern[str], Deed], ...] = (
    (_rule(r"\bcancel\b", "キャンセル(?!され|済|ポリシー)|取り消(?:し(?!され)|す|せ)"), "cancel"),
    (_rule(r"\b(?:return|refund|exchange|send back)\b", "返品(?!され)|返金(?!され)|交換(?!され)|返したい"), "return"),
    (
        _rule(
            r"\b(?:change|update|correct|add|remove)\b",
            "(?:変更|追加|削除)(?:し(?!まし)|を|で|お願い|は(?:でき|可能))|変え(?:て|たい|られ)",
        ),
        "change",
    ),
)
_OF_BOOKS: tuple[tuple[re.Pattern[str], Deed], ...] = (
    (
        _rule(
            rf"{_WISH}(?:add|put)\b.{{0,60}}\b(?:to|in|into|in to) (?:my |the |a )?(?:shopping )?(?:cart|basket|bag)\b"
            rf"|{_WISH}(?:buy|order) (?:it|this|that|them|one)\b|{_WISH}(?:buy|order) .{{1,60}}\bfor me\b",
            r"(?:カート|かご|カゴ|バスケット)[にへ](?:入れ(?:て(?!い)|と|たい|られ|ます|る?$)|追加)"
            r"|(?:注文|購入)して(?:ください|おいて|くれ|ほしい|もらえ|いただけ)",
        ),
        "cart",
    ),
    (
        _rule(
            rf"{_WISH}reserve\b|\b(?:set|put) (?:it |this |that |them |one |a copy |.{{1,40}} )?aside\b"
            rf"|{_WISH}hold (?:it|this|that|them|one|a copy)\b|{_WISH}(?:hold|keep|save) .{{1,40}} for me\b",
            "取り?置き(?:し|を|で|お願い|でき)|取り置いて|取っておいて|とっておいて|キープして",
        ),
        "reserve",
    ),
    (
        _rule(
            r"\b(?:notify|alert|remind|e-?mail|message|ping) (?:me|us)\b"
            r"|\b(?:tell (?:me|us)|let (?:me|us) know) (?:when|once|if|as soon as)\b"
            r".{0,60}\b(?:back|in stock|available again|restocked)\b",
            "(?:再?入荷|在庫|発売|販売).{0,12}(?:たら|れば|次第|時に|際に|とき)"
            ".{0,10}(?:知らせ|教え|連絡|通知|メール)"
            "|再?入荷(?:通知|のお知らせ)(?:を|お願い|して)",
        ),
        "notify",
    ),
)


def deed_asked(text: str, *, of_order: bool) -> Deed:
    """What is to be done. ``of_order``: an order is named or meant, so that "cancel" has something to be done to."""
    rules = _OF_ORDERS if of_order else _OF_BOOKS
    return next((deed for pattern, deed in rules if pattern.search(text)), "")


def deed_meant(
    text: str, heard: Understanding, state: DialogueState, context: PageContext, *, unknown: str = ""
) -> Deed:
    """What is to be done to an order that is named or just spoken of, or to a book that we know. ``unknown``: what is
    named and in no catalogue. A complaint stays one, whatever it asks for.
    """
    entities = heard.entities
    if heard.intent in {"complaint", "human"} or cues.COMPLAINT.search(text):
        return ""
    spoken_of = bool(state.order) and state.intent in {"order_status", "deed"} and entities.refers_back
    if entities.order_ids or (spoken_of and not entities.series):
        return deed_asked(text, of_order=True)
    deed = deed_asked(text, of_order=False)
    if not deed or (unknown and not entities.series):
        return ""
    # "Can you tell me when a book is back?" is a question for the help pages.
    return deed if any(target_of_deed(text, deed, entities, state, context)) else ""


def target_of_deed(text: str, deed: Deed, entities: Entities, state: DialogueState, context: PageContext) -> Target:
    return ((), "", ()) if deed in TO_AN_ORDER else target_of(text, "availability", entities, state, context)
