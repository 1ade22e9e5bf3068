"""Evidence for tests of what may be said: four titles that were gathered, one of them for adults, in a shop of more."""

from __future__ import annotations

from datetime import date
from typing import Any

from chat.context import PageContext
from chat.dialogue import DialogueState, Request, Want
from chat.evidence import Evidence
from chat.guardrails.proof import Proof, prove
from chat.prompts import unrepeatable
from chat.understanding.types import Entities, Language
from knowledge.search import Passage
from shop.facts import ProductFacts, SeriesFacts
from shop.text import fold
from shop.titles import TitleIndex

NAMES = {
    "berserk": ("Berserk", "ベルセルク", "Kentaro Miura", "三浦建太郎", "mature"),
    "vinland-saga": ("Vinland Saga", "ヴィンランド・サガ", "Makoto Yukimura", "幸村誠", "older_teen"),
    "century-boys": ("20th Century Boys", "20世紀少年", "Naoki Urasawa", "浦沢直樹", "teen"),
    "velvet-night": ("Velvet Night", "ビロードの夜", "Aya Kuroki", "黒木彩", "adult"),
}
# In the shop, but not gathered.
ELSEWHERE = {"naruto": "Naruto", "death-note": "Death Note", "bleach": "Bleach", "shingeki": "進撃の巨人"}


def series_facts(id: str) -> SeriesFacts:
    title, native, author, native_author, age = NAMES[id]
    return SeriesFacts(
        id=id, title=title, native_title=native, romanized_title="", aliases=(), authors=(author,),
        native_authors=(native_author,), category="manga", demographic="seinen", genres=("dark fantasy", "historical"),
        themes=("revenge",), status="ongoing", age_rating=age, volume_count=42, started=1989,
        description="A lone mercenary hunts the demons that marked him. It costs $3 only.",
        native_description="大剣を背負う傭兵が魔物を追う。", relations=(),
    )  # fmt: skip


def product_facts(id: str) -> ProductFacts:
    title, native, author, _, age = NAMES[id]
    return ProductFacts(
        asin=f"{id.upper()}-1", series_id=id, series=title, native_series=native, title=f"{title}, Vol. 1", format="paperback",
        language="en", publisher="Dark Horse", category="manga", age_rating=age, description="", cover_url="", url="",
        authors=(author,), genres=("dark fantasy",), volumes=(1,), volume=1, edition_number=None, pages=224,
        release_date=date(2003, 10, 22), rating=4.8, rating_count=1200, in_print=True,
        former_release_date=None,
    )  # fmt: skip


def evidence() -> Evidence:
    return Evidence(
        products={each.asin: each for each in map(product_facts, NAMES)},
        series={each.id: each for each in map(series_facts, NAMES)},
        passages=(
            Passage(id="P1", kind="article", ref="returns", title="How do I return a book?", text="Within 30 days.", score=1.0, url="/help/", locale="en"),
        ),
    )  # fmt: skip


def request(
    text: str = "what do you recommend?", language: Language = "en", intent: Want = "recommend", **state: Any
) -> Request:
    return Request(
        intent=intent,
        language=language,
        text=text,
        entities=Entities(),
        context=PageContext(),
        state=DialogueState(**state),
    )


def catalogue() -> TitleIndex:
    index = TitleIndex()
    named = {id: names[:2] for id, names in NAMES.items()} | {id: (title,) for id, title in ELSEWHERE.items()}
    for id, titles in named.items():
        for title in titles:
            name = fold(title)
            index.names[name] = ("series", id)
            index.by_first.setdefault(name.split()[0] if name.isascii() else name[0], []).append(name)
    return index


def proof(language: Language = "en", **state: Any) -> Proof:
    return prove(request(language=language, **state), evidence(), catalogue(), unrepeatable(language))
