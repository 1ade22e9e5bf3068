"""However a model is minded and however its text is chunked: no number, no unknown id and no adult title gets through,
and every price that is shown is the live one of the title before it."""

from __future__ import annotations

import random
import re
import unicodedata
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chat.guard import release
from chat.guardrails import judge
from chat.guardrails.proof import Proof
from chat.live import LiveValues, format_money
from chat.sentences import SentenceSplitter
from chat.trace import Trace
from chat.understanding.types import Language
from shop.offers import LiveOffer, Money
from tests.chat.evidence import ELSEWHERE, NAMES, evidence, proof

NOW = datetime(2026, 6, 1, tzinfo=UTC)
# No two editions cost the same, and nobody has written these down anywhere.
PRICES = {f"{id.upper()}-1": Decimal(f"{number}7.31") for number, id in enumerate(NAMES, start=1)}
C = "CENTURY-BOYS-1"
PROOFS: dict[Language, Proof] = {"en": proof("en"), "ja": proof("ja")}

FRAGMENTS = {
    "en": [
        "It costs ", "is ", "only ", "and ", "just ", "for ", "not ", "was ", "half of ", "about ", "$", "€", "¥", "14.99", "9", "７", "五", "②",
        " dollars", " bucks", " percent off", "five", "twenty", "ninety-nine ", "a dozen ", "one left", "two copies", "in stock", "sold out",
        "free shipping ", "cheap ", "the cheapest ", "within your budget", ". ", "! ", ", ", ": ", "\n- ", "\n", " ", "“", "”", "**", "(", ")",
        "Readers love this dark fantasy", "A lone mercenary hunts demons", "It is a fine story", "You might like it", "Naruto", "Death Note",
        "Velvet Night", "Berserk", "20th Century Boys", "Vinland Saga", "Kentaro Miura", "BERSERK-1", "NARUTO-1", "I added it to your cart",
        "I'll email you", "https://evil.example", "<b>", "{{", "}}", "\u200b", "Volume IV ", "costs ", " costs ", " and is ", " by ",
    ],
    "ja": [
        "これは", "価格は", "円", "千", "五百円", "９９９円", "三冊", "残り", "在庫があります", "送料無料", "安い", "半額", "ワンコイン", "『", "』", "「", "」", "。", "、", "！", "\n- ", "\n",
        "：", "おすすめです", "暗い物語です", "一番", "進撃の巨人", "ビロードの夜", "ベルセルク", "三浦建太郎", "カートに追加しました", "担当者に伝えました", "は", "で", "です", "の半分",
        "せんえん", "{{", "}}", "$5", "12", "Naruto", "明日届きます",
    ],
}  # fmt: skip
SLOTS = [
    f"{{{{{kind}:{id}}}}}"
    for kind, ids in {
        "price": [*PRICES, "NARUTO-1", "berserk"],
        "stock": [*PRICES, "NARUTO-1"],
        "title": [*PRICES, "NARUTO-1"],
        "series": [*NAMES, *ELSEWHERE],
        "count": NAMES,
        "vol": PRICES,
        "order": ["MA-10001"],
        "passage": ["P1", "P2"],
    }.items()
    for id in ids
]
# Well-formed, though half of them speak of another edition's price.
LINES = {
    "en": [f"\n{{{{title:{a}}}}} costs {{{{price:{b}}}}} and is {{{{stock:{b}}}}}.\n" for a in PRICES for b in (a, C)],
    "ja": [f"\n- {{{{title:{a}}}}}：{{{{price:{b}}}}}、{{{{stock:{b}}}}}\n" for a in PRICES for b in (a, C)],
}


def live(language: Language) -> LiveValues:
    values = LiveValues(evidence(), language, Trace())
    values.offers = {
        asin: LiveOffer(
            asin=asin, price=Money(price, "USD"), list_price=None, stock=9, availability="in_stock", read_at=NOW
        )
        for asin, price in PRICES.items()
    }
    return values


class Told:
    """What a shopper is told of a model's text, with what each slot was filled with."""

    def __init__(self, text: str, language: Language, sizes: list[int]) -> None:
        self.filled: list[tuple[str, str, str]] = []
        values = live(language)

        def fill(kind: str, id: str) -> str | None:
            value = values.fill(kind, id)
            # Marked, so that what was filled can be told from what was written.
            self.filled.append((kind, id, value or ""))
            return None if value is None else f"\ue000{value}\ue001"

        splitter = SentenceSplitter()
        sentences: list[str] = []
        at = 0
        for size in [*sizes, len(text)]:
            sentences += splitter.feed(text[at : at + size])
            at += size
        sentences.append(splitter.rest())
        said = [each for each in sentences if judge(each, PROOFS[language]) is None]
        self.released = [release(each, fill=fill, proven_numbers=frozenset({"20"})) for each in said]
        self.marked = "".join(each for each in self.released if isinstance(each, str))
        self.own_words = re.sub("\ue000[^\ue001]*\ue001", " ", self.marked)
        self.shown = self.marked.replace("\ue000", "").replace("\ue001", "")


def assert_harmless(told: Told) -> None:
    assert all(isinstance(each, str) for each in told.released)  # What is judged good can be filled.
    own = told.own_words.replace("20th Century Boys", "").replace("20世紀少年", "")
    assert not [char for char in unicodedata.normalize("NFKC", own) if char.isdecimal()], own
    assert not re.search(
        r"[$€£¥円]|dollar|bucks|five|twenty|ninety|dozen|cheap|stock|sold|free|千|百|安い|在庫|送料|半額", own
    ), own
    assert not re.search("naruto|death note|velvet|進撃|ビロード|evil|cart|email|カート", told.shown, re.IGNORECASE), (
        told.shown
    )
    assert "{{" not in told.shown
    title = ""
    for kind, id, value in told.filled:
        assert "VELVET" not in id
        assert "velvet" not in id
        if kind == "title":
            title = id
        if kind in {"price", "stock"}:
            assert id == title
        if kind == "price":
            assert value == format_money(Money(PRICES[title], "USD"), "en")
    for amount in re.findall(r"\$([\d.,]+)", told.shown):
        assert Decimal(amount) in PRICES.values()


def hostile_text(random_: random.Random, language: Language) -> str:
    kinds = (FRAGMENTS[language], FRAGMENTS[language], SLOTS, LINES[language])
    return "".join(random_.choice(random_.choice(kinds)) for _ in range(random_.randint(3, 25)))


@pytest.mark.parametrize("language", ["en", "ja"])
def test_ten_thousand_answers_show_no_wrong_price(language: Language) -> None:
    random_ = random.Random(f"prices {language}")
    shown = 0
    for _ in range(5_000):
        told = Told(hostile_text(random_, language), language, [])
        assert_harmless(told)
        shown += sum(kind == "price" for kind, _, _ in told.filled)
    # Not because nothing is said at all.
    assert shown > 500


texts = st.lists(
    st.one_of(
        st.sampled_from(FRAGMENTS["en"] + FRAGMENTS["ja"] + SLOTS + LINES["en"] + LINES["ja"]), st.text(max_size=12)
    ),
    max_size=20,
).map("".join)


@settings(max_examples=150, deadline=None)
@given(texts, st.sampled_from(["en", "ja"]))
def test_whatever_is_written_nothing_harmful_leaves(text: str, language: Language) -> None:
    told = Told(text.replace("\ue000", "").replace("\ue001", ""), language, [])
    own = told.own_words.replace("20th Century Boys", "").replace("20世紀少年", "")
    assert not [char for char in unicodedata.normalize("NFKC", own) if char.isdecimal()]
    assert not re.search("naruto|death note|velvet|進撃|ビロード", told.shown, re.IGNORECASE)
    title = ""
    for kind, id, _ in told.filled:
        title = id if kind == "title" else title
        assert kind not in {"price", "stock"} or id == title


@settings(max_examples=100, deadline=None)
@given(texts, st.sampled_from(["en", "ja"]), st.lists(st.integers(1, 7), max_size=60))
def test_however_it_is_chunked_the_same_leaves(text: str, language: Language, sizes: list[int]) -> None:
    text = text.replace("\ue000", "").replace("\ue001", "")
    assert Told(text, language, sizes).shown == Told(text, language, []).shown
