"""A small catalogue for tests, as the feed that an operator would import."""

from __future__ import annotations

from typing import Any

import orjson

from shop.feed import ImportReport, import_feed
from tests.shop import laid

SERIES: list[dict[str, Any]] = [
    {
        "id": "berserk", "title": "Berserk", "native_title": "ベルセルク", "romanized_title": "Beruseruku",
        "authors": ["Kentaro Miura"], "native_authors": ["三浦建太郎"], "demographic": "seinen",
        "genres": ["dark fantasy", "action"], "themes": ["revenge", "grim"], "status": "ongoing",
        "age_rating": "mature", "volume_count": 42, "started": 1989,
        "description": "A lone mercenary with a huge sword hunts the demons that marked him. He does not stop.",
        "native_description": "大剣を背負う傭兵が、自らに烙印を刻んだ魔物を追う。",
    },
    {
        "id": "vinland-saga", "title": "Vinland Saga", "native_title": "ヴィンランド・サガ",
        "authors": ["Makoto Yukimura"], "native_authors": ["幸村誠"], "demographic": "seinen",
        "genres": ["historical", "adventure"], "themes": ["vikings", "war"], "status": "complete",
        "age_rating": "older_teen", "volume_count": 29, "started": 2005, "description": "A boy follows his father's killer.",
    },
    {
        "id": "one-piece", "title": "One Piece", "native_title": "ワンピース", "aliases": ["OP"],
        "authors": ["Eiichiro Oda"], "native_authors": ["尾田栄一郎"], "demographic": "shonen",
        "genres": ["adventure", "comedy"], "themes": ["pirates", "friendship"], "status": "ongoing",
        "age_rating": "teen", "volume_count": 110, "started": 1997, "description": "A boy sails out to become king of the pirates.",
    },
    {
        "id": "tokyo-ghoul", "title": "Tokyo Ghoul", "native_title": "東京喰種", "aliases": ["東京グール"],
        "authors": ["Sui Ishida"], "native_authors": ["石田スイ"], "demographic": "seinen", "genres": ["horror"],
        "themes": ["grim"], "status": "complete", "age_rating": "mature", "volume_count": 14, "started": 2011,
        "description": "A student becomes half of what he feared.", "relations": [{"to": "tokyo-ghoul-re", "type": "sequel"}],
    },
    {
        "id": "tokyo-ghoul-re", "title": "Tokyo Ghoul:re", "native_title": "東京喰種:re",
        "authors": ["Sui Ishida"], "native_authors": ["石田スイ"], "demographic": "seinen", "genres": ["horror"],
        "status": "complete", "age_rating": "mature", "volume_count": 16, "started": 2014,
        "description": "The hunt goes on from the other side.", "relations": [{"to": "tokyo-ghoul", "type": "prequel"}],
    },
    {
        "id": "yotsuba", "title": "Yotsuba&!", "native_title": "よつばと!", "romanized_title": "Yotsuba to!",
        "authors": ["Kiyohiko Azuma"], "native_authors": ["あずまきよひこ"], "demographic": "shonen",
        "genres": ["slice of life", "comedy"], "themes": ["cosy", "funny"], "status": "ongoing", "age_rating": "all",
        "volume_count": 15, "started": 2003, "description": "A little girl discovers everything for the first time.",
    },
    {
        "id": "frieren", "title": "Frieren: Beyond Journey's End", "native_title": "葬送のフリーレン", "aliases": ["Frieren"],
        "authors": ["Kanehito Yamada", "Tsukasa Abe"], "demographic": "shonen", "genres": ["fantasy", "adventure"],
        "themes": ["melancholic"], "status": "ongoing", "age_rating": "teen", "started": 2020,
        "description": "An elf learns what her short time with friends meant.",
    },
]  # fmt: skip


def edition(asin: str, series: str, title: str, volumes: list[int], **more: Any) -> dict[str, Any]:
    return {
        "kind": "edition",
        "asin": asin,
        "series": series,
        "title": title,
        "volumes": volumes,
        "language": "en",
    } | more


def offer(asin: str, price: str, stock: int | None, **more: Any) -> dict[str, Any]:
    return {"kind": "offer", "asin": asin, "price": price, "currency": "USD", "stock": stock} | more


def small_catalogue() -> list[dict[str, Any]]:
    lines: list[dict[str, Any]] = [{"kind": "series"} | series for series in SERIES]
    for volume in range(1, 6):
        lines.append(
            edition(
                f"BERSERK-EN-{volume}", "berserk", f"Berserk, Vol. {volume}", [volume], age_rating="mature", pages=224
            )
        )
        lines.append(
            offer(f"BERSERK-EN-{volume}", "14.99", 3 if volume == 2 else 0 if volume == 4 else 12, list_price="16.99")
        )
    for volume in range(1, 4):
        lines.append(
            edition(
                f"BERSERK-JA-{volume}", "berserk", f"ベルセルク {volume}", [volume], language="ja", age_rating="mature"
            )
        )
        lines.append(offer(f"BERSERK-JA-{volume}", "748", 8, currency="JPY"))
    lines += [
        edition(
            "BERSERK-DX-1", "berserk", "Berserk Deluxe Edition, Vol. 1", [1, 2, 3], format="deluxe", age_rating="mature"
        ),
        offer("BERSERK-DX-1", "49.99", 6),
        edition("BERSERK-OM-2", "berserk", "Berserk Omnibus, Vol. 2", [4, 5, 6], format="omnibus", age_rating="mature"),
        offer("BERSERK-OM-2", "24.99", 5),
        edition("YOTSUBA-EB-1", "yotsuba", "Yotsuba&!, Vol. 1 (ebook)", [1], format="ebook", age_rating="all"),
        offer("YOTSUBA-EB-1", "6.99", None),
        edition("FRIEREN-EN-99", "frieren", "Frieren: Beyond Journey's End, Vol. 99", [99], release_date="2099-01-05"),
        offer("FRIEREN-EN-99", "11.99", 0),
    ]
    for series, title in (
        ("vinland-saga", "Vinland Saga"), ("one-piece", "One Piece"), ("tokyo-ghoul", "Tokyo Ghoul"),
        ("tokyo-ghoul-re", "Tokyo Ghoul:re"), ("yotsuba", "Yotsuba&!"), ("frieren", "Frieren: Beyond Journey's End"),
    ):  # fmt: skip
        age = next(each["age_rating"] for each in SERIES if each["id"] == series)
        for volume in (1, 2, 3):
            asin = f"{series.upper()}-EN-{volume}"
            lines.append(edition(asin, series, f"{title}, Vol. {volume}", [volume], age_rating=age))
            lines.append(offer(asin, "10.99", 20))
    lines += [
        {"kind": "promotion", "id": "pirates", "title": "Pirate week", "titles": {"ja": "海賊ウィーク"}, "series": ["one-piece"],
         "percent_off": 20, "starts": "2025-01-01T00:00:00Z", "ends": "2099-01-01T00:00:00Z"},
        {"kind": "order", "id": "MA-10001", "customer_id": "alice", "status": "delivered", "placed_at": "2026-01-05T10:00:00Z",
         "lines": [{"asin": "BERSERK-EN-1", "quantity": 1}, {"asin": "BERSERK-EN-2", "quantity": 1}]},
        {"kind": "order", "id": "MA-10002", "customer_id": "alice", "status": "shipped", "placed_at": "2026-11-15T10:00:00Z",
         "eta": "2026-11-28", "carrier": "Parcel Post", "tracking": "PP123456789", "lines": [{"asin": "YOTSUBA-EN-1", "quantity": 2}]},
        {"kind": "order", "id": "MA-20001", "customer_id": "bob", "status": "processing", "placed_at": "2026-11-20T10:00:00Z",
         "lines": [{"asin": "ONE-PIECE-EN-1", "quantity": 1}]},
        {"kind": "article", "id": "returns", "category": "returns", "locale": "en", "question": "How do I return a book?",
         "body": "Send it back within 30 days. The refund follows within 5 business days."},
        {"kind": "article", "id": "returns", "category": "returns", "locale": "ja", "question": "返品はできますか？",
         "body": "お届けから30日以内であれば返品を承ります。"},
        {"kind": "article", "id": "shipping-times", "category": "shipping", "locale": "en", "question": "How long does shipping take?",
         "body": "Standard shipping takes 3 to 5 business days."},
        {"kind": "article", "id": "shipping-times", "category": "shipping", "locale": "ja", "question": "配送にはどのくらいかかりますか？",
         "body": "通常は3〜5営業日でお届けします。"},
        {"kind": "article", "id": "gift-wrapping", "category": "gifts", "locale": "en", "question": "Can you gift wrap my order?",
         "body": "Yes, choose gift wrapping in the cart."},
    ]  # fmt: skip
    return lines


def import_lines(lines: list[dict[str, Any]]) -> tuple[ImportReport, list[tuple[int, str]]]:
    """The report, and (line number, reason) of the rejected."""
    rejected: list[tuple[int, str]] = []
    report = import_feed(
        (orjson.dumps(line) for line in lines), reject=lambda number, reason, raw: rejected.append((number, reason))
    )
    return report, rejected


def load_small_catalogue() -> None:
    report, rejected = import_lines(small_catalogue())
    assert not rejected, rejected


def lay_small_catalogue() -> None:
    """What :func:`load_small_catalogue` leaves in an empty shop, for tests that are not about the import: on SQLite the
    rows of the first import are written again, with the deliveries and invalidations that it asked for.
    """
    laid.again(load_small_catalogue)
