"""Series for what a bookseller works out: a long one in many editions, a family with side stories, blurbs, a hiatus."""

from __future__ import annotations

from typing import Any

from tests.shop.catalogue import edition, offer

SERIES: list[dict[str, Any]] = [
    {
        "id": "lantern-road", "title": "Lantern Road", "native_title": "灯籠の道", "authors": ["Mio Hara"], "native_authors": ["原美緒"],
        "demographic": "seinen", "genres": ["fantasy", "adventure"], "themes": ["travel"], "status": "complete",
        "age_rating": "teen", "volume_count": 9, "started": 2001, "description": "A courier walks a road that only lanterns know.",
        "native_description": "灯籠だけが知る道を、飛脚が歩く。",
        "relations": [
            {"to": "lantern-road-zero", "type": "prequel"}, {"to": "lantern-road-embers", "type": "sequel"},
            {"to": "lantern-road-inn", "type": "side_story"},
        ],
    },
    {
        "id": "lantern-road-zero", "title": "Lantern Road Zero", "native_title": "灯籠の道 零", "authors": ["Mio Hara"], "native_authors": ["原美緒"],
        "demographic": "seinen", "genres": ["fantasy"], "status": "complete", "age_rating": "teen", "volume_count": 1,
        "started": 2009, "description": "How the first lantern was lit.", "native_description": "最初の灯籠がともるまで。",
    },
    {
        "id": "lantern-road-embers", "title": "Lantern Road: Embers", "native_title": "灯籠の道 残り火", "authors": ["Mio Hara"], "native_authors": ["原美緒"],
        "demographic": "seinen", "genres": ["fantasy"], "status": "hiatus", "age_rating": "older_teen", "volume_count": 4,
        "started": 2012, "description": "The courier's daughter walks on.", "native_description": "飛脚の娘が道を継ぐ。",
    },
    {
        "id": "lantern-road-inn", "title": "The Inn on Lantern Road", "native_title": "灯籠の宿", "authors": ["Mio Hara"], "native_authors": ["原美緒"],
        "demographic": "seinen", "genres": ["slice of life"], "status": "complete", "age_rating": "all", "volume_count": 2,
        "started": 2006, "description": "Guests come and go.", "native_description": "宿に人が来ては去る。",
    },
]  # fmt: skip


def families() -> list[dict[str, Any]]:
    """Lantern Road: nine singles at $10 (7 sold out), omnibuses of three at $24, a box at $75, e-books at $7, and 1 to 4
    in Japanese. Carol has volumes 1, 2 and 4; volume 10 of nothing exists.
    """
    lines: list[dict[str, Any]] = [{"kind": "series"} | series for series in SERIES]
    for volume in range(1, 10):
        description = f"In the {('first', 'second', 'third', 'fourth', 'fifth', 'sixth', 'seventh', 'eighth', 'ninth')[volume - 1]} part a lantern goes out."
        lines += [
            edition(
                f"LR-EN-{volume}", "lantern-road", f"Lantern Road, Vol. {volume}", [volume], description=description
            ),
            offer(f"LR-EN-{volume}", "10.00", 0 if volume == 7 else 9),
            edition(
                f"LR-EB-{volume}", "lantern-road", f"Lantern Road, Vol. {volume} (ebook)", [volume], format="ebook"
            ),
            offer(f"LR-EB-{volume}", "7.00", None),
        ]
    for number in (1, 2, 3):
        volumes = [3 * number - 2, 3 * number - 1, 3 * number]
        lines += [
            edition(
                f"LR-OM-{number}", "lantern-road", f"Lantern Road Omnibus, Vol. {number}", volumes, format="omnibus"
            ),
            offer(f"LR-OM-{number}", "24.00", 4),
        ]
    for volume in range(1, 5):
        lines += [
            edition(f"LR-JA-{volume}", "lantern-road", f"灯籠の道 {volume}", [volume], language="ja"),
            offer(f"LR-JA-{volume}", "600", 9, currency="JPY"),
        ]
    lines += [
        edition("LR-BOX", "lantern-road", "Lantern Road Box Set", list(range(1, 10)), format="box_set"),
        offer("LR-BOX", "75.00", 2),
        edition("LRZ-EN-1", "lantern-road-zero", "Lantern Road Zero", [1]),
        offer("LRZ-EN-1", "10.00", 9),
        edition("LRE-EN-1", "lantern-road-embers", "Lantern Road: Embers, Vol. 1", [1], age_rating="older_teen"),
        offer("LRE-EN-1", "10.00", 9),
        edition("LRI-EN-1", "lantern-road-inn", "The Inn on Lantern Road, Vol. 1", [1], age_rating="all"),
        offer("LRI-EN-1", "10.00", 9),
        {"kind": "order", "id": "MA-30001", "customer_id": "carol", "status": "delivered", "placed_at": "2026-01-05T10:00:00Z",
         "lines": [{"asin": f"LR-EN-{volume}", "quantity": 1} for volume in (1, 2, 4)]},
        {"kind": "order", "id": "MA-30002", "customer_id": "dan", "status": "processing", "placed_at": "2026-11-01T10:00:00Z",
         "eta": "2098-12-01", "lines": [{"asin": "FRIEREN-EN-99", "quantity": 1}]},
    ]  # fmt: skip
    return lines
