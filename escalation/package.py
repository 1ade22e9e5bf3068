"""What a person reads first: why, what was asked, tried and shown, and how the shopper feels; in both languages.

Built from plain values when the handoff opens. Free text is redacted (mangaassist.redaction). It holds ids of products
and orders and no price, stock or status: those are read live when somebody opens it
(escalation.desk_cards).
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from escalation.models import Trigger
from escalation.triggers import Said, feeling_in
from mangaassist.redaction import redact
from shop.facts import load_product_facts

Sentiment = Literal["calm", "frustrated", "upset", "in_danger"]
LANGUAGES = ("en", "ja")
MOST_ITEMS = 10
LONGEST_QUOTE = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One question that the assistant was asked. ``outcome``: a turn's status, or ``not_understood``; ``frustrated``
    and ``complains``: how it sounds (escalation.triggers.Said)."""

    text: str
    intent: str
    outcome: str
    frustrated: float | None = None
    complains: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Involved:
    """What the conversation was about, newest first: ASINs of products that were shown, and order numbers."""

    products: tuple[str, ...] = ()
    orders: tuple[str, ...] = ()


def build_package(
    *, trigger: str, detail: str, reason: str, language: str, tried: Sequence[Tried], involved: Involved
) -> dict[str, Any]:
    """JSON: ``{version, trigger, detail, reason, language, sentiment, asked, tried, products, orders,
    summary: {"en", "ja"}}``. ``tried``: oldest first."""
    asked = [quoted(each.text) for each in tried]
    package: dict[str, Any] = {
        "version": 1,
        "trigger": trigger,
        "detail": quoted(detail),
        "reason": quoted(reason),
        "language": language,
        "sentiment": sentiment_of(trigger, detail, tried),
        "asked": asked[-MOST_ITEMS:],
        "tried": [
            {"text": text, "intent": each.intent, "outcome": each.outcome}
            for text, each in zip(asked, tried, strict=True)
        ][-MOST_ITEMS:],
        "products": list(involved.products[:MOST_ITEMS]),
        "orders": list(involved.orders[:MOST_ITEMS]),
    }
    titles = _titles(package["products"])
    package["summary"] = {each: _summary(each, package, titles) for each in LANGUAGES}
    return package


def quoted(text: str) -> str:
    """Free text without personal data, on one line and not too long."""
    flat = " ".join(redact(unicodedata.normalize("NFC", text)).split())
    return flat if len(flat) <= LONGEST_QUOTE else flat[: LONGEST_QUOTE - 1] + "…"


def sentiment_of(trigger: str, detail: str, tried: Sequence[Tried]) -> Sentiment:
    """From the rule that found the need and from what was said: who only asks may have been upset before."""
    said = [Said(text=each.text, frustrated=each.frustrated, complains=each.complains) for each in tried]
    found = {trigger} | {need.trigger for each in said if (need := feeling_in(each)) is not None}
    if detail == "self-harm":
        return "in_danger"
    if found & {Trigger.COMPLAINT, Trigger.SAFETY}:
        return "upset"
    return "frustrated" if Trigger.FRUSTRATION in found else "calm"


def _titles(asins: Sequence[str]) -> list[str]:
    facts = load_product_facts(asins)
    return [facts[asin].title for asin in asins if asin in facts]


# --- In words --------------------------------------------------------------------------------------------------

_TRIGGERS: dict[str, dict[str, str]] = {
    "en": {
        Trigger.ASKED: "Asked for a person",
        Trigger.FRUSTRATION: "Is frustrated or was not helped",
        Trigger.COMPLAINT: "Complains, or has a damaged or lost order",
        Trigger.SAFETY: "Legal matter, fraud or somebody's safety",
        Trigger.UNCERTAIN: "The assistant was unsure about an order or payment",
        Trigger.RULE: "A rule of the shop applies",
    },
    "ja": {
        Trigger.ASKED: "担当者をご希望",
        Trigger.FRUSTRATION: "ご不満、または解決できず",
        Trigger.COMPLAINT: "苦情、商品の破損または未着",
        Trigger.SAFETY: "法的な問題、不正利用、または安全に関わる内容",
        Trigger.UNCERTAIN: "注文または支払いについて、アシスタントが判断できず",
        Trigger.RULE: "店舗の規則に該当",
    },
}
SENTIMENTS: dict[str, dict[str, str]] = {
    "en": {"calm": "calm", "frustrated": "frustrated", "upset": "upset", "in_danger": "may be in danger"},
    "ja": {
        "calm": "落ち着いている",
        "frustrated": "いら立っている",
        "upset": "お怒り・ご不安",
        "in_danger": "危険の恐れ",
    },
}
_INTENTS: dict[str, dict[str, str]] = {
    "en": {
        "recommend": "recommendations",
        "search": "search",
        "unknown_title": "a title we don't carry",
        "deed": "something to be done",
        "reading_order": "order of reading",
        "compare": "comparison",
        "budget": "finishing a series",
        "account": "account",
        "complaint": "complaint",
        "series_facts": "about a series",
        "product_facts": "about a volume",
        "next_volume": "next volume",
        "price": "price",
        "availability": "stock",
        "promotions": "promotions",
        "order_status": "order status",
        "faq": "help pages",
    },
    "ja": {
        "recommend": "おすすめ",
        "search": "検索",
        "unknown_title": "取り扱いのない作品",
        "deed": "手続きのご依頼",
        "reading_order": "読む順番",
        "compare": "作品の比較",
        "budget": "全巻をそろえる",
        "account": "アカウント",
        "complaint": "苦情",
        "series_facts": "作品について",
        "product_facts": "巻について",
        "next_volume": "次の巻",
        "price": "価格",
        "availability": "在庫",
        "promotions": "セール",
        "order_status": "注文状況",
        "faq": "ヘルプ",
    },
}
_WORDS: dict[str, dict[str, str]] = {
    "en": {
        "why": "{trigger}{detail}.",
        "last": "Last said: “{text}”.",
        "tried": "Answered by the assistant: {count} ({intents}).",
        "missed": "Not understood or failed: {count}.",
        "products": "Products: {titles}.",
        "orders": "Orders: {ids}.",
        "feels": "Feels: {sentiment}. Writes {language}.",
        "en": "English",
        "ja": "Japanese",
    },
    "ja": {
        "why": "{trigger}{detail}。",
        "last": "最後のご発言:「{text}」。",
        "tried": "アシスタントの回答{count}件（{intents}）。",
        "missed": "理解できなかった、または失敗: {count}件。",
        "products": "商品: {titles}。",
        "orders": "注文: {ids}。",
        "feels": "ご様子: {sentiment}。言語: {language}。",
        "en": "英語",
        "ja": "日本語",
    },
}


def _summary(language: str, package: dict[str, Any], titles: Sequence[str]) -> str:
    words, between = _WORDS[language], "" if language == "ja" else " "
    detail = f" ({package['detail']})" if package["detail"] else ""
    parts = [words["why"].format(trigger=_TRIGGERS[language][package["trigger"]], detail=detail)]
    last = package["asked"][-1] if package["asked"] else package["reason"]
    if last:
        parts.append(words["last"].format(text=last))
    good = Counter(each["intent"] for each in package["tried"] if each["outcome"] == "complete" and each["intent"])
    known = {intent: count for intent, count in good.items() if intent in _INTENTS[language]}
    if known:
        intents = ", ".join(f"{_INTENTS[language][intent]} {count}×" for intent, count in known.items())
        parts.append(words["tried"].format(count=sum(known.values()), intents=intents))
    if missed := sum(each["outcome"] in {"not_understood", "failed"} for each in package["tried"]):
        parts.append(words["missed"].format(count=missed))
    if titles:
        parts.append(words["products"].format(titles=", ".join(titles)))
    if package["orders"]:
        parts.append(words["orders"].format(ids=", ".join(package["orders"])))
    writes = words["ja" if package["language"] == "ja" else "en"]
    parts.append(words["feels"].format(sentiment=SENTIMENTS[language][package["sentiment"]], language=writes))
    return between.join(parts)
