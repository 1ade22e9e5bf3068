"""What was understood of one message, before the dialogue gives it its place."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Literal

Language = Literal["en", "ja"]

Intent = Literal[
    "greeting",
    "thanks",
    "goodbye",
    "recommend",
    "search",
    "series_facts",
    "product_facts",
    "next_volume",
    "reading_order",
    "compare",
    "budget",
    "price",
    "availability",
    "promotions",
    "order_status",
    "faq",
    "account",
    "complaint",
    "human",
    "other",
]

# What a question about a series or an edition asks for.
Fact = Literal[
    "overview",
    "author",
    "volumes",
    "status",
    "started",
    "genre",
    "age_rating",
    "relations",
    "pages",
    "release_date",
    "rating",
    "publisher",
    "editions",
]

# In which order a list is wanted; empty: as we would recommend it.
Order = Literal["", "rating", "newest", "cheapest"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entities:
    """Everything named in the message. Ids are the catalogue's; words are folded (shop.text.fold)."""

    series: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    asins: tuple[str, ...] = ()
    order_ids: tuple[str, ...] = ()
    genres: tuple[str, ...] = ()
    exclude_genres: tuple[str, ...] = ()
    # Mood and subject words that are themes in the catalogue: "cosy", "revenge", …
    themes: tuple[str, ...] = ()
    exclude_themes: tuple[str, ...] = ()
    demographic: str = ""
    # "not in paperback", 英語版じゃなくて, 少年漫画以外
    exclude_formats: tuple[str, ...] = ()
    exclude_languages: tuple[str, ...] = ()
    exclude_demographics: tuple[str, ...] = ()
    status: str = ""  # of a wished series: complete | ongoing
    max_volumes: int | None = None  # of a wished series
    order: Order = ""
    volumes: tuple[int, ...] = ()
    # "omnibus 2", 合本2: the number of the edition, which is no volume's number
    edition_number: int | None = None
    isbns: tuple[str, ...] = ()  # ISBN-13 with a right check digit, without hyphens
    # "before 2020", 来月: released on or after the one, and before the other
    released_from: date | None = None
    released_before: date | None = None
    format: str = ""  # paperback | hardcover | ebook | omnibus | deluxe | box_set
    language: str = ""  # of the edition: en | ja | fr | de | es
    max_price: Decimal | None = None
    currency: str = ""  # of max_price, when it was said: USD | JPY | EUR | GBP
    asked_currency: str = ""  # "how much in euros?"
    age: int | None = None
    # "the second one" → 2, "the last one" → -1
    ordinal: int | None = None
    # it, this one, それ: something said before is meant
    refers_back: bool = False
    # "something like Berserk": the named series are examples, not the thing wanted
    similar_to: bool = False
    # a bare number such as "7"
    bare_number: int | None = None
    facts: tuple[Fact, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Understanding:
    language: Language
    intent: Intent
    # Probability of the intent, 0 to 1, and of the next best: a thin margin is worth a question.
    confidence: float
    runner_up: Intent | None = None
    margin: float = 1.0
    # Told by a plain rule, not by the model.
    by_rule: bool = False
    entities: Entities = field(default_factory=Entities)
