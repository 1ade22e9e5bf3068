"""What the stand-in server says: turns told step by step, chosen by a word in the shopper's message."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

AS_OF = "2026-03-04T05:32:00+00:00"


@dataclass(frozen=True, kw_only=True)
class Step:
    """One frame of a turn. ``waits``: not before the test says so. ``content``: the end."""

    typing: str = ""
    delta: str = ""
    card: dict[str, Any] | None = None
    content: str | None = None
    status: str = "complete"
    quick_replies: tuple[str, ...] = ()
    citations: tuple[dict[str, str], ...] = ()
    waits: bool = False


def product(asin: str, title: str, **data: Any) -> dict[str, Any]:
    facts = {
        "asin": asin,
        "series": title,
        "title": title,
        "volume": 1,
        "volumes": [1],
        "format": "paperback",
        "language": "en",
        "authors": ["An Author"],
        "cover_url": f"/covers/{asin}.svg",
        "url": f"/elsewhere?{asin}",
        "age_rating": "teen",
        "rating": 4.6,
        "rating_count": 1283,
        "release_date": "2021-05-04",
        "price": {"amount": "12.99", "currency": "USD", "as_of": AS_OF},
        "availability": "in_stock",
        "stock_as_of": AS_OF,
        **data,
    }
    return {"card_id": f"card-{asin}", "kind": "product", "data": facts}


SHELF = (
    product("frieren-1", "Frieren: Beyond Journey’s End, Vol. 1", reason="Quiet fantasy about time and friendship."),
    product(
        "witch-hat-3",
        "Witch Hat Atelier, Vol. 3",
        volume=3,
        volumes=[3],
        availability="low_stock",
        price={"amount": "9.74", "currency": "USD", "as_of": AS_OF},
        list_price={"amount": "12.99", "currency": "USD", "as_of": AS_OF},
        reason="Magic that is drawn, page by page.",
    ),
    product(
        "berserk-dlx",
        "Berserk Deluxe Edition 1",
        volume=None,
        volumes=[1, 2, 3],
        format="deluxe",
        age_rating="mature",
        rating=4.9,
        price={"amount": "49.99", "currency": "USD", "as_of": AS_OF},
        reason="For the darker road.",
    ),
    product("nausicaa-box", "Nausicaä Box Set", format="box_set", availability="out_of_stock", price=None, volume=None),
    product(
        "dungeon-14", "Delicious in Dungeon, Vol. 14", volume=14, volumes=[14], availability="pre_order", rating=None
    ),
)


def recommend(text: str) -> Iterator[Step]:
    yield Step(typing="MangaAssist is thinking...")
    yield Step(delta="Draft: ")
    yield Step(delta="some fantasy…")
    for card in SHELF:
        yield Step(card=card)
    yield Step(
        content=(
            "If you liked slow, thoughtful fantasy, these are close in mood:\n\n"
            "- **Frieren** for the long view of an elf who outlives her friends\n"
            "- **Witch Hat Atelier** for its drawing\n\nShall I stay with fantasy, or try something lighter?"
        ),
        quick_replies=("Something lighter", "Is the second one in stock?", "In Japanese, please"),
        citations=({"title": "Reading guide: fantasy", "url": "/elsewhere?guide"},),
    )


def japanese(text: str) -> Iterator[Step]:
    yield Step(typing="MangaAssistが考えています…")
    yield Step(delta="静かな")
    first = product(
        "葬送-1",
        "葬送のフリーレン 1",
        language="ja",
        cover_url="/covers/frieren-ja.svg",
        price={"amount": "583", "currency": "JPY", "as_of": AS_OF},
        reason="時間と友情を静かに描くファンタジーです。",
    )
    second = product(
        "tongari-3",
        "とんがり帽子のアトリエ 3",
        language="ja",
        volume=3,
        volumes=[3],
        availability="low_stock",
        price={"amount": "759", "currency": "JPY", "as_of": AS_OF},
        reason="一枚一枚の絵が魔法のようです。",
    )
    yield Step(card=first)
    yield Step(card=second)
    yield Step(
        content=(
            "静かに心へ残るファンタジーでしたら、次の二作がよく合います。\n\n"
            "・**葬送のフリーレン**：勇者の死後、長い時を生きる魔法使いの旅\n"
            "・**とんがり帽子のアトリエ**：緻密な作画で描かれる魔法の世界\n\n"
            "どちらも第1巻からお読みいただけます。"
        ),
        quick_replies=("もっと明るい作品", "在庫はありますか？", "電子書籍で探す"),
    )


def slow(text: str) -> Iterator[Step]:
    yield Step(typing="MangaAssist is thinking...")
    yield Step(delta="One ")
    yield Step(delta="two ")
    yield Step(waits=True)
    yield Step(delta="three.")
    yield Step(content="One two three.")


def thinking(text: str) -> Iterator[Step]:
    yield Step(typing="MangaAssist is thinking...")
    yield Step(typing="Still looking through the shelves…", waits=True)
    yield Step(content="Found it.")


def hostile(text: str) -> Iterator[Step]:
    code = '<img src=x onerror="window.pwned=1">'
    yield Step(typing=code)
    yield Step(delta=code)
    yield Step(
        card=product("bad", code, url="javascript:window.pwned=1", cover_url="javascript:window.pwned=1", reason=code)
    )
    yield Step(
        content=f"{code} [click](javascript:window.pwned=1) [ok](/elsewhere) **<b>bold</b>**",
        quick_replies=(code,),
        citations=({"title": code, "url": "data:text/html,<script>window.pwned=1</script>"},),
    )


def failing(text: str) -> Iterator[Step]:
    yield Step(typing="MangaAssist is thinking...")
    yield Step(content="Something broke on our side.", status="failed")


def desk(text: str) -> Iterator[Step]:
    """Cards of the other kinds."""
    yield Step(typing="MangaAssist is thinking...")
    order = {
        "id": "1007",
        "status": "shipped",
        "status_text": "On its way",
        "placed_at": "2026-03-01T10:00:00+00:00",
        "eta": "2026-03-06",
        "carrier": "Parcel Co",
        "tracking": "PC123",
        "lines": [{"asin": "frieren-1", "title": "Frieren, Vol. 1", "quantity": 2}],
    }
    series = {
        "id": "berserk",
        "title": "Berserk",
        "native_title": "ベルセルク",
        "authors": ["Kentaro Miura"],
        "status_text": "Ongoing",
        "volume_count": 42,
        "age_rating": "mature",
        "url": "/elsewhere?berserk",
        "cover_url": "/covers/berserk.svg",
    }
    promotion = {"id": "spring", "title": "Spring shelf", "percent_off": 20, "ends": "2026-04-01T00:00:00+00:00"}
    yield Step(card={"card_id": "o", "kind": "order", "data": order})
    yield Step(card={"card_id": "s", "kind": "series", "data": series})
    yield Step(card={"card_id": "p", "kind": "promotion", "data": promotion})
    yield Step(content="Here is what I found.")


def echo(text: str) -> Iterator[Step]:
    yield Step(typing="MangaAssist is thinking...")
    yield Step(delta="You said: ")
    yield Step(content=f"You said: {text}")


SCRIPTS: dict[str, Callable[[str], Iterator[Step]]] = {
    "recommend": recommend,
    "おすすめ": japanese,
    "slow": slow,
    "patience": thinking,
    "hostile": hostile,
    "fail": failing,
    "desk": desk,
    "": echo,
}
