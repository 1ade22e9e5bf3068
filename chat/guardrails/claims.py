"""Prices, stock, shipping and terms: beside a live slot only a few plain words, elsewhere no word of them."""

from __future__ import annotations

import re

from chat.guardrails.proof import Bare, Proof

# All that may stand beside a price or a stock level. A closed list: no "not", "half of", "was", "from", "both".
_BESIDE_LIVE = {
    "en": frozenset(
        "is are it it's its costs cost price priced at for and the this now right just currently today status of stock "
        "availability volume book edition here read live in paperback hardcover english japanese omnibus deluxe".split()
    ),
    "ja": frozenset(
        "は|が|の|で|です|と|価格は|価格|お値段は|値段は|値段|在庫は|在庫状況は|在庫|ただいま|現在|いま|今|本日|こちら|こちらは|"
        "ご覧の|通り|になります|となります|状況は|で、".split("|")
    ),
}
_NEVER_IN_STOCK_WORDS = re.compile(r"\bin stock\b", re.IGNORECASE)
_LATIN_WORD = re.compile(r"[A-Za-z]+(?:['’][a-z]+)?")
_JAPANESE_RUN = re.compile("[\u3041-\u30ff\u3400-\u9fff々]+")

_COMMERCE = re.compile(
    # Also glued to other words, where no other word holds them.
    r"(?:cheap|discount|stock|shipping|refund|bargain|afford|sold ?out|price(?!less)|bestsell)|"
    r"\b(?:prices?|priced|pricing|pric(?:e)?y|costs?|costly|cheap\w*|inexpensive\w*|expensive\w*|afford\w*|bargains?|discount\w*|"
    r"(?:on|for|flash|big) sale|sales? price|deals?|promo\w*|coupons?|vouchers?|percent|rebates?|clearance|markdowns?|marked down|"
    r"half[- ](?:off|price)|(?:quarter|third)[- ]off|free (?:shipping|delivery|of charge|gifts?|cop(?:y|ies)|volumes?|books?|with|today)|"
    r"(?:for|is|are|it'?s|totally|completely|basically|practically|almost|virtually|absolutely) free|\bfree[!.]|no charge|on the house|gratis|complimentary|next to nothing|a steal|"
    r"(?:save|saving) (?:money|on|up|big|a)|worth the money|value for money|good value|money|wallet|pay|paying|paid|checkout|"
    r"(?:in|out of|back in|low on|low) stock|stock(?:s|ed|ing)?|restock\w*|unavailable|available|availability|sold[- ]out|"
    r"sell(?:s|ing)? (?:fast|out|quickly)|(?:few|none|nothing|some|plenty|cop(?:y|ies)) (?:left|remaining)|last (?:one|cop(?:y|ies)|chance)|"
    r"while (?:stocks?|supplies|they) last|limited (?:time|stock|offer|supply|quantit\w+)|pre-?orders?|back-?orders?|in print|out of print|"
    r"best[- ]?sell\w*|buy (?:one|two|any)|\bget (?:one|another|a second)\b|\bsigned (?:cop(?:y|ies)|edition)|\bautograph\w*|(?:do|does|did) ?n['’o]t (?:carry|have|sell|stock)|(?:we|shop|store) (?:also |only |now )?(?:carr(?:y|ies)|stocks?|sells?|offers?)\b|most popular|number[- ]one|top[- ]?sell\w*|award\w*|(?:ready|waiting) to (?:ship|be shipped)|shipping|shipped|shipment|ships (?:in|within|from|to|today|tomorrow|free|the same)|"
    r"(?:will|can|we) ship|deliver(?:y|ies|ed|s)?|dispatch\w*|courier|postage|(?:arrives?|arriving|get it|be there|yours) (?:by|on|in|within|today|tomorrow|next)|"
    r"tomorrow|overnight|refund\w*|returns? (?:policy|are|it|them)|returnable|exchange (?:it|them|policy)|warrant\w+|guarantee\w*|"
    r"(?:your|the|an?) (?:order|parcel|package|invoice|payment|account|address)\b|order (?:number|status|now|today))"
    r"|価格|値段|お値|料金|代金|安い|安く|安価|最安|格安|激安|破格|お得|割引|割安|値引|値下|値上|セール|無料|タダで|特価|半額|クーポン|還元|キャンペーン|"
    r"在庫|品切|売り切|完売|入荷|残り(?:わずか|少)|残部|取り寄せ|予約|購入(?:でき|可能)|買え(?:ます|る)|お買い求め|販売(?:中|され|開始|終了)|絶版|"
    r"送料|配送|発送|お届け|届き|届く|到着|返品|返金|交換|保証|ご注文|注文(?:番号|状況)|支払|決済|即日|翌日|明日",
    re.IGNORECASE,
)
_BUDGET = re.compile(r"\bbudgets?\b|予算", re.IGNORECASE)
_WITHIN_BUDGET = re.compile(r"\b(?:with)?in (?:your|the) budget\b|(?:ご)?予算(?:内|以内)", re.IGNORECASE)


def unproven_claim(read: Bare, proof: Proof) -> str:
    if read.is_live:
        return _beside_live(read, proof)
    text = read.unnamed
    if proof.within_budget:
        text = _WITHIN_BUDGET.sub(" ", text)
    found = _COMMERCE.search(text) or _BUDGET.search(text)
    return f"claim {found[0]!r}" if found else ""


def _beside_live(read: Bare, proof: Proof) -> str:
    allowed = _BESIDE_LIVE[proof.language]
    if _NEVER_IN_STOCK_WORDS.search(read.text):
        return "stock told in words"
    for word in _LATIN_WORD.findall(read.text):
        if word.casefold().replace("’", "'") not in allowed:
            return f"{word!r} beside a live value"
    for run in _JAPANESE_RUN.findall(read.text):
        if run not in allowed:
            return f"{run!r} beside a live value"
    return ""
