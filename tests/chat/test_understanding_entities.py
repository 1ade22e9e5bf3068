"""What a message names, by table, in both languages: titles, numbers, money, dates, ages, moods, refusals."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from chat.understanding.entities import entities_of
from chat.understanding.language import language_of
from chat.understanding.numbers import isbn13, kanji_number
from tests.chat.test_understanding import find

TODAY = date(2026, 12, 15)

VOLUMES = [
    ("Berserk vol. 7", {"series": ("berserk",), "volumes": (7,)}),
    ("Berserk 3", {"volumes": (3,)}),
    ("Berserk #3", {"volumes": (3,)}),
    ("Berserk volume twelve", {"volumes": (12,)}),
    ("volumes 3 to 5 of Berserk", {"volumes": (3, 4, 5)}),
    ("vol 3-5", {"volumes": (3, 4, 5)}),
    ("volumes 3 through 5", {"volumes": (3, 4, 5)}),
    ("books 1 to 3", {"volumes": (1, 2, 3)}),
    ("I own volume 1 and 2", {"volumes": (1, 2)}),
    ("volumes 1, 2 and 4", {"volumes": (1, 2, 4)}),
    ("the first 3 volumes", {"volumes": (1, 2, 3)}),
    ("the first five books of Berserk", {"volumes": (1, 2, 3, 4, 5)}),
    ("第７巻はありますか", {"volumes": (7,)}),
    ("第十二巻", {"volumes": (12,)}),
    ("二十三巻はある？", {"volumes": (23,)}),
    ("Berserkを3巻まで読んだ", {"volumes": (3,)}),
    ("３巻から５巻", {"volumes": (3, 4, 5)}),
    ("三巻から五巻まで", {"volumes": (3, 4, 5)}),
    ("3〜5巻", {"volumes": (3, 4, 5)}),
    ("最初の3巻", {"volumes": (1, 2, 3)}),
    ("Berserk 3-5", {"volumes": (3, 4, 5)}),
    ("Berserk 1, 2 and 5", {"volumes": (1, 2, 5)}),
    ("Berserk3〜5巻", {"volumes": (3, 4, 5)}),
    ("volumes 1 to 4 and 7 of Berserk", {"volumes": (1, 2, 3, 4, 7)}),
    ("I have 1-4, 6 and 8", {"volumes": (1, 2, 3, 4, 6, 8)}),
    ("I have 3 of them", {"volumes": ()}),
    ("I sold volume 3", {"volumes": (3,)}),
    ("1〜4巻と7巻", {"volumes": (1, 2, 3, 4, 7)}),
    ("1〜4、7巻", {"volumes": (1, 2, 3, 4, 7)}),
    ("volume 5 and 20% off", {"volumes": (5,)}),
    ("7", {"bare_number": 7, "volumes": ()}),
    ("７", {"bare_number": 7}),
    ("20% off", {"volumes": ()}),
]
EDITIONS = [
    ("Berserk omnibus 2", {"edition_number": 2, "volumes": (), "format": "omnibus"}),
    ("omnibus vol. 2", {"edition_number": 2, "volumes": (), "format": "omnibus"}),
    ("omnibus volume 2", {"edition_number": 2, "volumes": ()}),
    ("deluxe edition 3", {"edition_number": 3, "volumes": (), "format": "deluxe"}),
    ("box set 1", {"edition_number": 1, "volumes": (), "format": "box_set"}),
    ("合本2", {"edition_number": 2, "volumes": (), "format": "omnibus"}),
    ("合本２巻", {"edition_number": 2, "volumes": ()}),
    ("愛蔵版第3巻", {"edition_number": 3, "volumes": (), "format": "deluxe"}),
    ("3-in-1 edition 2", {"edition_number": 2, "volumes": (), "format": "omnibus"}),
    ("Berserkの合本の第2巻", {"edition_number": 2, "volumes": ()}),
    ("the omnibus 2 volumes ago", {"edition_number": None}),
    ("is volume 5 in the omnibus", {"edition_number": None, "volumes": (5,), "format": "omnibus"}),
    ("as an ebook", {"format": "ebook"}),
    ("the deluxe edition", {"format": "deluxe"}),
    ("hardcover please", {"format": "hardcover"}),
    ("in paperback", {"format": "paperback"}),
    ("a 3-in-1", {"format": "omnibus"}),
    ("全巻セットで", {"format": "box_set"}),
    ("電子書籍がいい", {"format": "ebook"}),
    ("ハードカバーで", {"format": "hardcover"}),
    ("in Japanese?", {"language": "ja"}),
    ("the English edition", {"language": "en"}),
    ("in French", {"language": "fr"}),
    ("英語版は？", {"language": "en"}),
    ("日本語版で", {"language": "ja"}),
    ("ドイツ語版はありますか", {"language": "de"}),
]
MONEY = [
    ("under $15", {"max_price": Decimal(15), "currency": "USD"}),
    ("less than 9.99", {"max_price": Decimal("9.99"), "currency": ""}),
    ("finish Berserk under $60", {"max_price": Decimal(60), "currency": "USD"}),
    ("for less than 80 bucks", {"max_price": Decimal(80), "currency": "USD"}),
    ("at most 20 dollars", {"max_price": Decimal(20), "currency": "USD"}),
    ("up to €25", {"max_price": Decimal(25), "currency": "EUR"}),
    ("within £30", {"max_price": Decimal(30), "currency": "GBP"}),
    ("under 1,500 yen", {"max_price": Decimal(1500), "currency": "JPY"}),
    ("under ¥1500", {"max_price": Decimal(1500), "currency": "JPY"}),
    ("between $10 and $20", {"max_price": Decimal(20), "currency": "USD"}),
    ("a budget of 75", {"max_price": Decimal(75), "currency": ""}),
    ("my budget is $120", {"max_price": Decimal(120), "currency": "USD"}),
    ("I have $50", {"max_price": Decimal(50), "currency": "USD"}),
    ("what can I get with 40 dollars", {"max_price": Decimal(40), "currency": "USD"}),
    ("1500円以下で", {"max_price": Decimal(1500), "currency": "JPY"}),
    ("1,500円以内", {"max_price": Decimal(1500), "currency": "JPY"}),
    ("￥２０００まで", {"max_price": Decimal(2000), "currency": "JPY"}),
    ("予算は8000円", {"max_price": Decimal(8000), "currency": "JPY"}),
    ("五千円で", {"max_price": Decimal(5000), "currency": "JPY"}),
    ("２万円以下", {"max_price": Decimal(20000), "currency": "JPY"}),
    ("60ドル以内で", {"max_price": Decimal(60), "currency": "USD"}),
    ("3000円で何冊買える", {"max_price": Decimal(3000), "currency": "JPY"}),
    ("how much is it in euros?", {"max_price": None, "asked_currency": "EUR"}),
    ("what's that in yen", {"asked_currency": "JPY"}),
    ("ポンドだといくら", {"asked_currency": "GBP"}),
    ("日本円で何円", {"asked_currency": "JPY"}),
    ("under 10 euros", {"max_price": Decimal(10), "currency": "EUR", "asked_currency": ""}),
    ("something under 10 volumes", {"max_price": None}),
    ("I have 5 volumes", {"max_price": None}),
]
DATES = [
    ("released before 2020", {"released_from": None, "released_before": date(2020, 1, 1)}),
    ("after 2015", {"released_from": date(2016, 1, 1), "released_before": None}),
    ("since 2015", {"released_from": date(2015, 1, 1), "released_before": None}),
    ("published in 2019", {"released_from": date(2019, 1, 1), "released_before": date(2020, 1, 1)}),
    ("manga from the 90s", {"released_from": date(1990, 1, 1), "released_before": date(2000, 1, 1)}),
    ("what comes out next month", {"released_from": date(2027, 1, 1), "released_before": date(2027, 2, 1)}),
    ("new this month", {"released_from": date(2026, 12, 1), "released_before": date(2027, 1, 1)}),
    ("last month's releases", {"released_from": date(2026, 11, 1), "released_before": date(2026, 12, 1)}),
    ("out last year", {"released_from": date(2025, 1, 1), "released_before": date(2026, 1, 1)}),
    ("来月の新刊", {"released_from": date(2027, 1, 1), "released_before": date(2027, 2, 1)}),
    ("今月発売", {"released_from": date(2026, 12, 1), "released_before": date(2027, 1, 1)}),
    ("2020年以前の漫画", {"released_from": None, "released_before": date(2021, 1, 1)}),
    ("2020年より前", {"released_from": None, "released_before": date(2020, 1, 1)}),
    ("2018年以降", {"released_from": date(2018, 1, 1), "released_before": None}),
    ("90年代の漫画", {"released_from": date(1990, 1, 1), "released_before": date(2000, 1, 1)}),
    ("manga released in March 2024", {"released_from": date(2024, 3, 1), "released_before": date(2024, 4, 1)}),
    ("2024年3月の新刊", {"released_from": date(2024, 3, 1), "released_before": date(2024, 4, 1)}),
    ("2024年13月の新刊", {"released_from": date(2024, 1, 1)}),
    ("out this week", {"released_from": date(2026, 12, 14), "released_before": date(2026, 12, 21)}),
    ("来週出る漫画", {"released_from": date(2026, 12, 21), "released_before": date(2026, 12, 28)}),
    ("upcoming releases", {"released_from": date(2026, 12, 16), "released_before": None}),
    ("近日発売", {"released_from": date(2026, 12, 16), "released_before": None}),
    ("new releases please", {"released_from": date(2026, 9, 16), "released_before": date(2026, 12, 16)}),
    ("最近出た漫画", {"released_from": date(2026, 9, 16), "released_before": date(2026, 12, 16)}),
    ("去年の作品", {"released_from": date(2025, 1, 1), "released_before": date(2026, 1, 1)}),
    ("Berserk volume 3", {"released_from": None, "released_before": None}),
]
IDENTIFIERS = [
    ("where is MA-10023", {"order_ids": ("MA-10023",)}),
    ("order number 55810", {"order_ids": ("MA-55810",)}),
    ("注文10023はどこ", {"order_ids": ("MA-10023",)}),
    ("注文番号：５５８１０", {"order_ids": ("MA-55810",)}),
    ("MA-10023とMA-10024", {"order_ids": ("MA-10023", "MA-10024")}),
    ("is ASIN BERSERK-EN-3 in stock", {"asins": ("BERSERK-EN-3",)}),
    ("asin: B000000001", {"asins": ("B000000001",)}),
    ("what is an asin", {"asins": ()}),
    ("asin please", {"asins": ()}),
    ("isbn 9780306406157", {"isbns": ("9780306406157",), "volumes": ()}),
    ("978-0-306-40615-7", {"isbns": ("9780306406157",)}),
    ("ISBN 0-306-40615-2", {"isbns": ("9780306406157",)}),
    ("080442957X please", {"isbns": ("9780804429573",)}),
    ("９７８０３０６４０６１５７の本", {"isbns": ("9780306406157",)}),
    ("isbn 9780306406158", {"isbns": ()}),
    ("B0ABCDEFGH", {"asins": ("B0ABCDEFGH",)}),
]
AGES = [
    ("for my 11-year-old", {"age": 11}),
    ("for my eleven-year-old", {"age": 11}),
    ("she is 9 years old", {"age": 9}),
    ("aged 14", {"age": 14}),
    ("for my kids", {"age": 10}),
    ("for a teenager", {"age": 13}),
    ("11歳の娘に", {"age": 11}),
    ("十一歳の子に", {"age": 11}),
    ("８才の息子", {"age": 8}),
    ("小学生の子におすすめ", {"age": 10}),
    ("高校生向け", {"age": 16}),
    ("Berserk 11", {"age": None}),
]
TASTES = [
    ("something scary", {"genres": ("horror",)}),
    ("a sports romance", {"genres": ("romance", "sports")}),
    ("seinen please", {"demographic": "seinen"}),
    ("少女漫画", {"demographic": "shojo"}),
    ("異世界ファンタジー", {"genres": ("fantasy", "isekai")}),
    ("cozy", {"themes": ("cosy",)}),
    ("something calm", {"themes": ("cosy",)}),
    ("a tear-jerker", {"themes": ("melancholic",)}),
    ("manga about vampires", {"themes": ("vampires",)}),
    ("ほのぼのした漫画", {"themes": ("cosy",)}),
    ("泣ける話", {"themes": ("melancholic",)}),
    ("復讐もの", {"themes": ("revenge",)}),
    ("not horror please", {"exclude_genres": ("horror",), "genres": ()}),
    ("without romance", {"exclude_genres": ("romance",)}),
    ("nothing too scary", {"exclude_genres": ("horror",)}),
    ("no gore", {"exclude_themes": ("grim",)}),
    ("less grim", {"exclude_themes": ("grim",), "themes": ()}),
    ("something like Berserk but less grim", {"similar_to": True, "exclude_themes": ("grim",)}),
    ("ホラー以外で", {"exclude_genres": ("horror",)}),
    ("怖くないのがいい", {"exclude_genres": ("horror",)}),
    ("恋愛なしで", {"exclude_genres": ("romance",)}),
    ("グロくないやつ", {"exclude_themes": ("grim",)}),
    ("ホラーは苦手", {"exclude_genres": ("horror",)}),
    ("I'd like Berserk", {"similar_to": False}),
    ("Berserkみたいなの", {"similar_to": True}),
    ("books by Naoki Urasawa", {"authors": ("Naoki Urasawa",)}),
]
REFERENCES = [
    ("the second one", {"ordinal": 2}),
    ("最後のは？", {"ordinal": -1}),
    ("2番目", {"ordinal": 2}),
    ("how much is it", {"refers_back": True}),
    ("それはいくら", {"refers_back": True}),
    ("who wrote Berserk", {"facts": ("author",)}),
    ("Berserkは完結してる？", {"facts": ("status",)}),
]


@pytest.mark.parametrize(
    ("text", "expected"), VOLUMES + EDITIONS + MONEY + DATES + IDENTIFIERS + AGES + TASTES + REFERENCES
)
def test_what_is_named(text: str, expected: dict[str, Any]) -> None:
    entities, _ = entities_of(text, language_of(text), find, TODAY)
    assert {name: getattr(entities, name) for name in expected} == expected


@pytest.mark.parametrize(
    ("numeral", "number"),
    [("七", 7), ("十", 10), ("十二", 12), ("二十三", 23), ("百五", 105), ("二〇", 20), ("五千", 5000)],
)
def test_kanji_numerals(numeral: str, number: int) -> None:
    assert kanji_number(numeral) == number


@pytest.mark.parametrize("written", ["", "978030640615", "030640615X", "9780306406150", "X306406152", "abc"])
def test_what_is_no_isbn(written: str) -> None:
    assert isbn13(written) == ""
