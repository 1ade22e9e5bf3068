"""From a message to its meaning: language, entities, then the intent; a few plain rules before the model."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date

from django.utils import timezone

from chat.understanding import intents
from chat.understanding.entities import FindMentions, entities_of
from chat.understanding.intents import Guess
from chat.understanding.language import language_of
from chat.understanding.types import Entities, Intent, Language, Understanding
from shop.search import asins_of_isbns
from shop.titles import find_mentions as find_in_catalogue

_SURE = 0.99
# Where the model is right nine times in ten.
_QUITE_SURE = 0.85
_RULES: tuple[tuple[re.Pattern[str], Intent], ...] = (
    (
        re.compile(
            r"^(?:hi|hiya|hello|hey|yo|howdy|greetings|good (?:morning|afternoon|evening|day))(?: there| again)?[\s!.,]*$"
            r"|^(?:こんにちは|こんばんは|おはよう(?:ございます)?|はじめまして|もしもし|やあ|どうも)[\s!。、！]*$",
            re.IGNORECASE,
        ),
        "greeting",
    ),
    (
        re.compile(
            r"^(?!.*\bbye)(?:ok(?:ay)?,? |great,? |perfect,? |awesome,? )?(?:many )?(?:thanks|thank you|thx|ty|cheers|ta)\b.{0,24}$"
            r"|^(?!.*さよ?うなら).{0,8}(?:ありがと|サンキュ|感謝(?:し|です)).{0,14}$",
            re.IGNORECASE,
        ),
        "thanks",
    ),
    (re.compile(r"^(?:ok(?:ay)? |good)?(?:bye|goodbye|farewell|see (?:you|ya))\b.{0,16}$|^(?:さようなら|バイバイ|またね|ではまた)", re.IGNORECASE), "goodbye"),
    (
        re.compile(
            r"\b(?:talk|speak|chat|connect|transfer|put) .{0,24}(?:human|person|agent|someone|somebody|representative|staff|operator|manager|support)\b"
            r"|^(?:a )?(?:human|agent|operator|representative)(?: please)?[.!?]*$|\breal (?:human|person)\b"
            r"|(?:人|人間|担当者?|オペレーター|スタッフ|店員)(?:さん)?(?:と(?:直接)?(?:話|チャット)|に(?:代わ|つな|繋)|を(?:呼|出))|^オペレーター",
            re.IGNORECASE,
        ),
        "human",
    ),
    (re.compile(r"\b(?:torn|ripped|bent|crushed|dented|defective|misprinted)\b(?! between)|^(?!.*\b(?:phone|computer|laptop|printer|car|heart|link)\b).*\b(?:arrived|came|is|was|were|got|received) (?:a )?(?:damaged|broken)\b|(?:破れ|破損し|傷ん|壊れ|折れ|汚れ|濡れ|潰れ)て(?!いた場合|いたら)", re.IGNORECASE), "complaint"),
    (re.compile(r"^(?:is|are) .{0,60}\b(?:in stock|out of stock|sold out)\b|^(?:in stock|available)\?*$|在庫(?:が|は|を|の)?(?:あり|ある|確認|状況|切れ)|(?:売り|品)切れ(?:です|て|$)", re.IGNORECASE), "availability"),
    (re.compile(r"\b(?:on sale|discounts?|promotions?|special offers?|any deals|deals|bargains?|coupon codes?|promo)\b|セール(?!ス)|割引|キャンペーン|お買い得|値引き|バーゲン", re.IGNORECASE), "promotions"),
    (re.compile(r"\bnext (?:volume|book) (?:of|in|for|please)\b|^(?:the )?next (?:volume|book|one)\b(?!.*\b(?:stock|price|cost)\b)|次の巻(?:は|を|が)", re.IGNORECASE), "next_volume"),
    (re.compile(r"^(?:(?:please|pls|can you|could you|would you),? )?(?:recommend|suggest)\b.*\b(?:manga|series|comics?|read(?:ing)?)\b(?! cafe)|(?:漫画|マンガ|作品).{0,6}おすすめして(?:ください|ほしい|くれ)?[。！!]?$", re.IGNORECASE), "recommend"),
    (re.compile(r"\b(?:any|which|your|list of|show me)(?: \w+)? pre-?orders\b|予約(?:できる|可能な)(?:漫画|マンガ|本|作品)", re.IGNORECASE), "search"),
    (re.compile(r"\bforget my wishes\b|条件なし", re.IGNORECASE), "recommend"),
)  # fmt: skip


_DO_YOU_HAVE = re.compile(r"^(?:do you (?:have|carry|sell|stock)|have you got|are you selling)\b", re.IGNORECASE)


def understand(
    text: str,
    *,
    hint: Language | None = None,
    find_mentions: FindMentions = find_in_catalogue,
    find_isbns: Callable[[tuple[str, ...]], list[str]] = asins_of_isbns,
    today: date | None = None,
) -> Understanding:
    """What one message says, by itself. ``hint``: the conversation's language so far. Never raises for a text.

    ``today``: what "next month" is told from; the shop's own date unless given.
    """
    text = _essence(text)
    language = language_of(text, hint=hint or "en")
    entities, masked = entities_of(text, language, find_mentions, today or timezone.localdate())
    if entities.isbns:
        known = (asin for asin in find_isbns(entities.isbns) if asin not in entities.asins)
        entities = replace(entities, asins=(*entities.asins, *known))
    guess = intents.load(language).guess(masked, language)
    ruled = _rule(masked, entities, guess)
    if ruled is not None:
        confidence, runner_up, margin = _SURE, guess.intent if guess.intent != ruled else guess.runner_up, _SURE
        return Understanding(
            language=language,
            intent=ruled,
            confidence=confidence,
            runner_up=runner_up,
            margin=margin,
            by_rule=True,
            entities=entities,
        )
    return Understanding(
        language=language,
        intent=guess.intent,
        confidence=guess.confidence,
        runner_up=guess.runner_up,
        margin=guess.margin,
        entities=entities,
    )


# A question is short. Of a long message its beginning and its end are read: every rule's work grows with the text.
_HEAD, _TAIL = 400, 200
_GAPS = re.compile(r"\s+")


def _essence(text: str) -> str:
    text = _GAPS.sub(" ", text).strip()
    return text if len(text) <= _HEAD + _TAIL else f"{text[:_HEAD]} … {text[-_TAIL:]}"


# What these rules find is no comparison, whatever else is said.
_BEFORE_COMPARE = frozenset({"greeting", "thanks", "goodbye", "human", "complaint"})
_DIFFER = re.compile(
    r"\bbetter\b|\bdifferen(?:ce|t)\b|\bcompare|\bversus\b|\bvs\b|どっち|どちら|違い|比べ|比較", re.IGNORECASE
)
_IN_ORDER = re.compile(r"\bfirst\b|\bbefore\b|\border\b|順|先に|前に|後に", re.IGNORECASE)


def _compares(masked: str) -> bool:
    """Two titles and a word of their difference, none of their order."""
    return masked.count("<title>") >= 2 and bool(_DIFFER.search(masked)) and not _IN_ORDER.search(masked)


def _rule(masked: str, entities: Entities, guess: Guess) -> Intent | None:
    if entities.order_ids:
        return "order_status"
    bare = re.sub(r"<\w+>|\b(?:vol(?:ume)?s?|book|please|isbn|asin)\b|[第巻]|[\W_]", "", masked, flags=re.IGNORECASE)
    if not bare and entities.isbns:
        return "product_facts"
    if not bare and entities.series:
        return "product_facts" if entities.volumes or entities.edition_number is not None else "search"
    if not bare and entities.authors:
        return "search"
    ruled = next((intent for pattern, intent in _RULES if pattern.search(masked)), None)
    if ruled not in _BEFORE_COMPARE and _compares(masked):
        ruled = "compare"
    named = entities.series or entities.authors or entities.refers_back or entities.volumes
    wished = entities.genres or entities.themes or entities.demographic or entities.format or entities.language
    if ruled is None and not named and not wished and _DO_YOU_HAVE.search(masked) and guess.confidence < _QUITE_SURE:
        # A title that we don't know. "Do you sell headphones" is heard without this rule.
        return "search"
    return ruled
