"""Every article of the demo shop is found by the few words in which a shopper would ask for it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from knowledge.search import search_passages
from shop.demo import build
from tests.knowledge.indexing import follow_changes
from tests.shop.catalogue import import_lines

pytestmark = pytest.mark.django_db(transaction=True)

ARTICLES = Path(build.__file__).with_name("articles.jsonl")

ASKED: dict[str, dict[str, tuple[str, ...]]] = {
    "en": {
        "shipping-times": ("shipping time?", "delivery time", "how long is delivery?"),
        "shipping-costs": ("shipping costs?", "delivery fee", "what are your shipping rates?", "shipping charges"),
        "international-shipping": ("international shipping?", "worldwide delivery", "do you deliver to Canada?"),
        "tracking": ("tracking a parcel", "parcel tracking?", "how does tracking work?"),
        "missing-parcel": ("missing parcel", "lost package"),
        "customs": ("customs?", "customs duties", "import taxes"),
        "packaging": ("packaging?", "what about your packaging?"),
        "pick-up": ("pick up?", "store pickup"),
        "returns": (
            "return policy", "what is your return policy?", "what about returns?", "your policy on returns",
            "tell me about returns", "returns?", "information about returns, please",
        ),
        "refunds": ("refunds?", "refund policy", "what about refunds?"),
        "exchanges": ("exchanges?", "exchange policy"),
        "damaged-items": ("damaged book", "what about damaged books?"),
        "wrong-item": ("wrong book", "wrong item?"),
        "ebook-returns": ("return an e-book?", "e-book returns", "e-book return policy"),
        "pre-orders": ("pre-orders?", "what about pre-orders?"),
        "order-changes": ("cancel an order", "order cancellation", "change my order", "cancellation policy"),
        "split-orders": ("split orders?", "do books arrive together?"),
        "restock-notices": ("restock notices?", "back in stock notice"),
        "gift-wrapping": ("gift wrapping?", "what about gift wrap?"),
        "gift-cards": ("gift cards?", "do you sell gift cards?", "gift vouchers"),
        "ebooks": ("reading e-books", "e-book app"),
        "ebook-regions": ("e-book regions", "e-book in my country"),
        "age-ratings": ("age ratings?", "what about age ratings?", "age rating policy"),
        "mature-books": ("age proof", "mature books"),
        "edition-kinds": ("what is an omnibus?", "edition kinds"),
        "languages": ("which languages?", "languages?"),
        "reading-direction": ("reading direction?", "right to left"),
        "new-only": ("used books?", "second-hand books"),
        "spoilers": ("spoilers?", "spoiler policy"),
        "payment-methods": ("payment methods?", "payment options", "do you take PayPal?"),
        "invoices": ("invoices?", "an invoice, please"),
        "price-changes": ("price changes?", "price change in the cart"),
        "promotions-rules": ("coupons?", "coupon rules", "do you take coupon codes?"),
        "membership": ("membership?", "loyalty points"),
        "password": ("forgot password", "password reset"),
        "privacy": ("privacy policy", "delete account", "what about my data?"),
        "chat-privacy": ("chat privacy", "is this chat private?"),
        "human-hours": ("opening hours?", "support hours"),
        "accessibility": ("accessibility?", "screen readers"),
        "bulk-orders": ("bulk orders?", "school orders"),
    },
    "ja": {
        "shipping-times": ("配送日数", "お届けまで何日？"),
        "shipping-costs": ("送料", "送料について", "配送料は？"),
        "international-shipping": ("海外発送", "海外への配送について"),
        "tracking": ("荷物の追跡", "追跡番号について"),
        "missing-parcel": ("荷物が届かない",),
        "customs": ("関税", "関税について"),
        "packaging": ("梱包", "梱包について"),
        "pick-up": ("店頭受け取り",),
        "returns": ("返品", "返品ポリシー", "返品について", "返品の規約を教えて", "返品条件"),
        "refunds": ("返金", "返金について", "返金ポリシー"),
        "exchanges": ("交換", "交換について"),
        "damaged-items": ("本の破損", "傷んだ本"),
        "ebook-returns": ("電子書籍の返品",),
        "pre-orders": ("予約の仕組み",),
        "order-changes": ("注文のキャンセル", "キャンセル", "キャンセルポリシー", "注文変更"),
        "restock-notices": ("再入荷通知", "再入荷のお知らせ"),
        "gift-wrapping": ("ギフト包装", "ラッピング"),
        "gift-cards": ("ギフトカード", "ギフトカードについて"),
        "age-ratings": ("年齢区分",),
        "mature-books": ("年齢確認",),
        "languages": ("何語の漫画？",),
        "new-only": ("中古", "中古本について"),
        "spoilers": ("ネタバレ", "ネタバレについて"),
        "payment-methods": ("支払い方法", "お支払いについて"),
        "invoices": ("領収書", "領収書について"),
        "promotions-rules": ("クーポン", "クーポンの規約"),
        "membership": ("ポイント", "会員制度"),
        "password": ("パスワード",),
        "privacy": ("個人情報", "プライバシーポリシー"),
        "human-hours": ("営業時間", "担当者の時間"),
        "bulk-orders": ("学校への販売", "図書館"),
    },
}  # fmt: skip

# Asked in the same words, and answered by no article.
NOT_ANSWERED = {
    "en": ("umbrella policy", "tell me about quantum physics", "dress code policy"),
    "ja": ("天気について教えて", "量子力学の規約"),
}


@pytest.mark.parametrize("locale", ASKED)
def test_few_words_find_the_article(locale: str) -> None:
    lines = [json.loads(line) for line in ARTICLES.read_text("utf-8").splitlines()]
    assert import_lines(lines)[1] == []
    follow_changes()
    missed = [
        f"{asked} → {found[0].ref if (found := search_passages(asked, locale)) else 'nothing'}, not {slug}"
        for slug, questions in ASKED[locale].items()
        for asked in questions
        if not (best := search_passages(asked, locale)) or best[0].ref != f"{slug}/{locale}"
    ]
    made_up = [
        f"{asked} → {found[0].ref}" for asked in NOT_ANSWERED[locale] if (found := search_passages(asked, locale))
    ]
    assert not missed + made_up, "\n".join(missed + made_up)
