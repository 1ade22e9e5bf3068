"""The full-text index of the catalogue: SQLite's FTS5 or Postgres' tsvector over texts that we tokenise ourselves.

Neither engine's own tokenisers find two-character Japanese words; with characters and their pairs as tokens
(shop.text) both do, and rank by the same columns: title, other names, authors, words.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from django.db import connection, transaction

Kind = Literal["series", "edition"]


@dataclass(frozen=True, slots=True)
class Document:
    """Each text is tokens joined by spaces."""

    kind: Kind
    ref: str
    title: str
    names: str
    authors: str
    words: str


CREATE = {
    "sqlite": [
        "CREATE VIRTUAL TABLE shop_search USING fts5("
        "kind UNINDEXED, ref UNINDEXED, title, names, authors, words, tokenize = 'unicode61 remove_diacritics 0')",
        "CREATE TABLE shop_search_rows (kind TEXT NOT NULL, ref TEXT NOT NULL, row INTEGER NOT NULL, PRIMARY KEY (kind, ref))",
    ],
    "postgresql": [
        "CREATE TABLE shop_search (kind text NOT NULL, ref text NOT NULL, vector tsvector NOT NULL, PRIMARY KEY (kind, ref))",
        "CREATE INDEX shop_search_vector ON shop_search USING gin (vector)",
    ],
}
DROP = {
    "sqlite": ["DROP TABLE shop_search", "DROP TABLE shop_search_rows"],
    "postgresql": ["DROP TABLE shop_search"],
}


def put(documents: Sequence[Document]) -> None:
    """Adds or replaces documents."""
    if not documents:
        return
    with transaction.atomic(), connection.cursor() as cursor:
        remove([(each.kind, each.ref) for each in documents])
        rows = [(d.kind, d.ref, d.title, d.names, d.authors, d.words) for d in documents]
        if connection.vendor == "sqlite":
            cursor.execute("SELECT coalesce(max(row), 0) FROM shop_search_rows")
            first = cursor.fetchone()[0] + 1
            cursor.executemany(
                "INSERT INTO shop_search (rowid, kind, ref, title, names, authors, words) VALUES (%s, %s, %s, %s, %s, %s, %s)",
                [(first + number, *row) for number, row in enumerate(rows)],
            )
            cursor.executemany(
                "INSERT INTO shop_search_rows (kind, ref, row) VALUES (%s, %s, %s)",
                [(row[0], row[1], first + number) for number, row in enumerate(rows)],
            )
        else:
            cursor.executemany(
                "INSERT INTO shop_search (kind, ref, vector) VALUES (%s, %s,"
                " setweight(to_tsvector('simple', %s), 'A') || setweight(to_tsvector('simple', %s), 'B')"
                " || setweight(to_tsvector('simple', %s), 'C') || setweight(to_tsvector('simple', %s), 'D'))",
                rows,
            )


def remove(references: Iterable[tuple[Kind, str]]) -> None:
    pairs = list(references)
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.executemany(
                "DELETE FROM shop_search WHERE rowid = (SELECT row FROM shop_search_rows WHERE kind = %s AND ref = %s)",
                pairs,
            )
            cursor.executemany("DELETE FROM shop_search_rows WHERE kind = %s AND ref = %s", pairs)
        else:
            cursor.executemany("DELETE FROM shop_search WHERE kind = %s AND ref = %s", pairs)


def find(words: Sequence[str], kind: Kind, limit: int, *, every_word: bool) -> list[tuple[str, float]]:
    """(ref, score), best first. ``words``: tokens of a query; ``every_word``: all of them must occur."""
    if not words:
        return []
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            quoted = ['"' + word.replace('"', '""') + '"' for word in words]
            cursor.execute(
                "SELECT ref, -bm25(shop_search, 0, 0, 10, 8, 5, 1) AS score FROM shop_search"
                " WHERE shop_search MATCH %s AND kind = %s ORDER BY score DESC, ref LIMIT %s",
                [(" AND " if every_word else " OR ").join(quoted), kind, limit],
            )
        else:
            quoted = ["'" + word.replace("\\", "").replace("'", "''") + "'" for word in words]
            cursor.execute(
                "SELECT ref, ts_rank('{0.05, 0.3, 0.6, 1.0}', vector, query) AS score"
                " FROM shop_search, to_tsquery('simple', %s) query"
                " WHERE vector @@ query AND kind = %s ORDER BY score DESC, ref LIMIT %s",
                [(" & " if every_word else " | ").join(quoted), kind, limit],
            )
        return [(ref, float(score)) for ref, score in cursor.fetchall()]


def is_ready() -> bool:
    """Whether the index exists and answers, for /readyz."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM shop_search LIMIT 1")
    return True
