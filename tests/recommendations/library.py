"""A small library with readers of plain taste: who reads horror reads horror, who reads romance reads romance."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

from recommendations.interactions import NewInteraction, record_interactions
from recommendations.promotion import train_and_publish
from tests.shop import laid
from tests.shop.catalogue import edition, import_lines, offer

GENRES = ("horror", "romance", "sports")
SERIES_PER_GENRE = 14
START = datetime(2026, 1, 1, tzinfo=UTC)


def series_id(genre: str, number: int) -> str:
    return f"{genre}-{number:02}"


def library_lines() -> list[dict[str, Any]]:
    """42 series of three genres, volumes 1-3 as English paperbacks, volume 1 in Japanese as well, all in stock."""
    lines: list[dict[str, Any]] = []
    for genre in GENRES:
        for number in range(SERIES_PER_GENRE):
            id = series_id(genre, number)
            lines.append(
                {
                    "kind": "series", "id": id, "title": id.title(), "native_title": f"漫画 {id}", "genres": [genre],
                    "themes": ["grim" if number % 2 else "hopeful"], "authors": [f"{genre} author {number // 3}"],
                    "age_rating": "mature" if genre == "horror" else "teen", "volume_count": 3,
                }
            )  # fmt: skip
            age = "mature" if genre == "horror" else "teen"
            for volume in (1, 2, 3):
                lines.append(edition(f"{id}-EN-{volume}", id, f"{id} {volume}", [volume], age_rating=age))
                lines.append(offer(f"{id}-EN-{volume}", "9.99", 20))
            lines.append(edition(f"{id}-JA-1", id, f"{id} 1", [1], language="ja", age_rating=age))
            lines.append(offer(f"{id}-JA-1", "600", 20, currency="JPY"))
    return lines


def readers(count: int = 90, seed: int = 7) -> list[NewInteraction]:
    """Each reads six series of one genre, the low numbers more often, and one of another genre."""
    dice = random.Random(seed)
    found: list[NewInteraction] = []
    for reader in range(count):
        genre = GENRES[reader % len(GENRES)]
        numbers = sorted(range(SERIES_PER_GENRE), key=lambda number: dice.random() * (number + 1))[:6]
        stray = (GENRES[(reader + 1) % len(GENRES)], dice.randrange(SERIES_PER_GENRE))
        for place, (kind, number) in enumerate([(genre, number) for number in numbers] + [stray]):
            found.append(
                NewInteraction(
                    customer_id=f"reader-{reader}",
                    asin=f"{series_id(kind, number)}-EN-1",
                    type="purchase",
                    at=START + timedelta(days=reader % 50, hours=place),
                )
            )
    return found


def load_library() -> None:
    report, rejected = import_lines(library_lines())
    assert not rejected, rejected


def lay_library() -> None:
    """What :func:`load_library` leaves, for tests that are not about the import."""
    laid.again(load_library)


def train_on_readers() -> None:
    recorded = record_interactions(readers())
    assert recorded.refused == ()
    train_and_publish()


def purchase(customer_id: str, asin: str, days: int = 100) -> NewInteraction:
    return NewInteraction(customer_id=customer_id, asin=asin, type="purchase", at=START + timedelta(days=days))


def view(asin: str, *, customer_id: str = "", session_id: str = "", days: int = 100) -> NewInteraction:
    return NewInteraction(
        customer_id=customer_id, session_id=session_id, asin=asin, type="view", at=START + timedelta(days=days)
    )
