"""Finds the passage that answers a question: BM25 over our own tokens, words of the title counting more.

Okapi BM25 (Robertson et al., TREC-3) with k1 = 1.2, b = 0.5. A shop has tens to thousands of passages of help: they
are held in memory per locale, of one version of the index, and read again when another version is in force. What is
said of products is no help: it is searched among the passages of the products in question only.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from itertools import islice

from caching.pictures import Picture
from caching.policy_cache import policy_cache
from caching.registry import CacheKind, register_kind
from knowledge.index import serving_version
from knowledge.lexicon import STOP_WORDS, expand
from knowledge.models import Passage as PassageRow
from knowledge.models import corpus_tag
from mangaassist.dbthreads import in_database
from shop.text import fold, query_tokens

K1 = 1.2
B = 0.5
TITLE_WEIGHT = 3
_HIRAGANA = re.compile("[\u3041-\u309f]")
# The best article must hold this share of what the question is about (by rarity), else it is no answer.
GOOD_ENOUGH = 0.34
# Among the few passages on one product nothing is rare: this share of the words must be there.
GOOD_ENOUGH_ON_PRODUCT = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A quotable answer with its source. ``url`` is empty for a source that has no page of its own."""

    id: str
    kind: str
    ref: str
    locale: str
    title: str
    text: str
    score: float
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Passages:
    """Best first; empty when the help pages do not answer. ``locale``: the shopper's."""

    locale: str
    found: tuple[Passage, ...]


@dataclass(slots=True)
class _Index:
    rows: list[PassageRow] = field(default_factory=list)
    # word → {place among the rows: how often it stands there}
    postings: dict[str, dict[int, int]] = field(default_factory=dict)
    lengths: list[int] = field(default_factory=list)

    def holds(self, word: str, number: int) -> bool:
        return number in self.postings.get(word, ())


@cache
def _index_of(locale: str) -> Picture[_Index]:
    help_of_locale = PassageRow.objects.filter(locale=locale).exclude(kind=PassageRow.Kind.PRODUCT)
    return Picture(
        corpus_tag(locale),
        make=lambda: _build(list(help_of_locale.serving())),
        rows_version=serving_version,
    )


def _build(rows: list[PassageRow]) -> _Index:
    index = _Index(rows=rows)
    postings: dict[str, dict[int, int]] = defaultdict(dict)
    for number, row in enumerate(rows):
        counts = Counter(_words(row.text))
        for word in _words(f"{row.title} {row.category} {row.ref.rpartition('/')[0]}"):
            counts[word] += TITLE_WEIGHT
        index.lengths.append(sum(counts.values()))
        for word, count in counts.items():
            postings[word][number] = count
    index.postings = dict(postings)
    return index


def _words(text: str) -> list[str]:
    return [stem(word) for word in _telling(text) or _meant(text)]


def _meant(text: str) -> list[str]:
    return [word for word in query_tokens(text) if word not in STOP_WORDS]


def _telling(text: str) -> list[str]:
    """Japanese grammar is written in hiragana: pairs that hold some are about nothing in particular."""
    return [word for word in _meant(text) if not _HIRAGANA.search(word)]


# After these the plural is "es"; elsewhere the e is the word's own.
_HISSING = ("ses", "xes", "zes", "ches", "shes")


def stem(word: str) -> str:
    """English plurals and endings off, roughly: "returns", "returned", "returning" → "return"."""
    endings = ("ings", "ing", "ed", "es" if word.endswith(_HISSING) else "s")
    for ending in endings:
        if word.isascii() and word.endswith(ending) and len(word) - len(ending) >= 4:
            return word[: -len(ending)]
    return word


def search_passages(query: str, locale: str, limit: int = 3) -> list[Passage]:
    """Best first, of the help in the shopper's locale; empty when nothing is good enough."""
    index = _index_of(locale).current()
    asked, words = _asked(query)
    best = _ranked(index, words)[:limit]
    total = len(index.rows)
    about = sum(math.log(1 + total) / (2 if word in index.postings else 1) for word in asked)
    covered = sum(_rarity(index, word) for word in words if best and index.holds(word, best[0][0]))
    if not best or covered < GOOD_ENOUGH * about:
        return []
    return [_quoted(index.rows[number], score) for number, score in best if score >= best[0][1] * 0.4]


def search_products(query: str, asins: Sequence[str], limit: int = 2) -> list[Passage]:
    """The same, of what is said of these products. Their age ratings are the caller's to mind."""
    rows = PassageRow.objects.filter(kind=PassageRow.Kind.PRODUCT, ref__in=asins).serving()
    index = _build(list(rows))
    asked, words = _asked(query)
    needed = max(1.0, GOOD_ENOUGH_ON_PRODUCT * len(asked))
    good = (
        (number, score)
        for number, score in _ranked(index, words)
        if sum(index.holds(word, number) for word in asked) >= needed
    )
    return [_quoted(index.rows[number], score) for number, score in islice(good, limit)]


def _asked(query: str) -> tuple[set[str], set[str]]:
    """(what the question is about, that and other words for it)."""
    other_words = set(_words(expand(fold(query))))
    asked = set(map(stem, _telling(query))) or other_words or set(_words(query))
    return asked, asked | other_words


def _rarity(index: _Index, word: str) -> float:
    holding = len(index.postings.get(word, ()))
    return math.log(1 + (len(index.rows) - holding + 0.5) / (holding + 0.5))


def _ranked(index: _Index, words: set[str]) -> list[tuple[int, float]]:
    """(place among the rows, BM25 score), best first."""
    average = sum(index.lengths) / len(index.lengths) if index.lengths else 1.0
    scores: dict[int, float] = defaultdict(float)
    for word in words:
        rarity = _rarity(index, word)
        for number, count in index.postings.get(word, {}).items():
            norm = K1 * (1 - B + B * index.lengths[number] / average)
            scores[number] += rarity * count * (K1 + 1) / (count + norm)
    return sorted(scores.items(), key=lambda item: -item[1])


def _quoted(row: PassageRow, score: float) -> Passage:
    return Passage(
        id=str(row.pk),
        kind=row.kind,
        ref=row.ref,
        locale=row.locale,
        title=row.title,
        text=row.text,
        score=round(score, 3),
        url=_page_of(row),
    )


def _page_of(row: PassageRow) -> str:
    match row.kind:
        case PassageRow.Kind.ARTICLE:
            return f"/help/{row.ref.partition('/')[0]}/"
        case PassageRow.Kind.PRODUCT:
            return f"/products/{row.ref}/"
        case _:
            return ""


FAQ_KIND: CacheKind[Passages] = register_kind(
    CacheKind(
        name="faq",
        label="FAQ answers",
        description="Which passages of the help answer a question. A new version of the index empties it at once.",
        key=lambda question_hash, locale: f"faq:{question_hash}",
        value_type=Passages,
        tags=lambda found: frozenset({corpus_tag(found.locale)}),
        known_tags=lambda question_hash, locale: frozenset({corpus_tag(locale)}),
        default_ttl_s=24 * 3600,
        recorded_one_in=1,
        min_ttl_s=5,
        max_ttl_s=7 * 24 * 3600,
        stale_on_error_s=24 * 3600,
    )
)


def question_hash(query: str, locale: str) -> str:
    """The same for questions that differ in case, width and punctuation only."""
    return sha256(f"{locale}\n{fold(query)}".encode()).hexdigest()[:32]


async def asearch_passages(query: str, locale: str) -> list[Passage]:
    """:func:`search_passages` through the policy cache."""

    async def search() -> Passages:
        return Passages(locale=locale, found=tuple(await in_database(search_passages, query, locale)))

    found = await policy_cache.aget_or_compute(FAQ_KIND, (question_hash(query, locale), locale), search)
    return list(found.found) if found else []
