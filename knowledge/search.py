"""Finds the help article that answers a question: BM25 over our own tokens, question words counting double.

Okapi BM25 (Robertson et al., TREC-3) with k1 = 1.2, b = 0.5. A shop has tens to hundreds of articles: they are
held in memory per locale and read again when an article has changed.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256

from django.db.models import Count, Max

from caching.pictures import Picture
from caching.policy_cache import policy_cache
from caching.registry import CacheKind, register_kind
from knowledge.lexicon import STOP_WORDS, expand
from knowledge.models import Article, corpus_tag
from mangaassist.dbthreads import in_database
from shop.text import fold, query_tokens

K1 = 1.2
B = 0.5
QUESTION_WEIGHT = 3
_HIRAGANA = re.compile("[\u3041-\u309f]")
# The best article must hold this share of what the question is about (by rarity), else it is no answer.
GOOD_ENOUGH = 0.34


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A quotable answer with its source."""

    article_id: str
    locale: str
    question: str
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
    articles: list[Article] = field(default_factory=list)
    postings: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    lengths: list[int] = field(default_factory=list)


@cache
def _index_of(locale: str) -> Picture[_Index]:
    rows = Article.objects.in_locale(locale)
    return Picture(
        corpus_tag(locale),
        make=lambda: _build(list(rows.all())),
        rows_version=lambda: tuple(rows.aggregate(n=Count("pk"), at=Max("updated_at")).values()),
    )


def _build(articles: list[Article]) -> _Index:
    index = _Index(articles=articles)
    postings: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for number, article in enumerate(articles):
        counts = Counter(_words(article.body))
        for word in _words(f"{article.question} {article.category} {article.slug}"):
            counts[word] += QUESTION_WEIGHT
        index.lengths.append(sum(counts.values()))
        for word, count in counts.items():
            postings[word].append((number, count))
    index.postings = dict(postings)
    return index


def _words(text: str) -> list[str]:
    return [stem(word) for word in _telling(text) or _meant(text)]


def _meant(text: str) -> list[str]:
    return [word for word in query_tokens(text) if word not in STOP_WORDS]


def _telling(text: str) -> list[str]:
    """Japanese grammar is written in hiragana: pairs that hold some are about nothing in particular."""
    return [word for word in _meant(text) if not _HIRAGANA.search(word)]


def stem(word: str) -> str:
    """English plurals and endings off, roughly: "returns", "returned", "returning" → "return"."""
    for ending in ("ings", "ing", "ed", "es", "s"):
        if word.isascii() and word.endswith(ending) and len(word) - len(ending) >= 4:
            return word[: -len(ending)]
    return word


def search_passages(query: str, locale: str, limit: int = 3) -> list[Passage]:
    """Best first, from the shopper's locale; empty when nothing is good enough."""
    index = _index_of(locale).current()
    other_words = set(_words(expand(fold(query))))
    asked = set(map(stem, _telling(query))) or other_words or set(_words(query))
    words = asked | other_words
    total = len(index.articles)
    average = sum(index.lengths) / total if total else 1.0
    scores: dict[int, float] = defaultdict(float)
    covered: dict[int, float] = defaultdict(float)
    for word in words:
        posted = index.postings.get(word, ())
        rarity = math.log(1 + (total - len(posted) + 0.5) / (len(posted) + 0.5))
        for number, _ in posted:
            covered[number] += rarity
        for number, count in posted:
            norm = K1 * (1 - B + B * index.lengths[number] / average)
            scores[number] += rarity * count * (K1 + 1) / (count + norm)
    best = sorted(scores.items(), key=lambda item: -item[1])[:limit]
    about = sum(math.log(1 + total) / (2 if word in index.postings else 1) for word in asked)
    if not best or covered[best[0][0]] < GOOD_ENOUGH * about:
        return []
    return [
        Passage(
            article_id=article.slug,
            locale=article.locale,
            question=article.question,
            text=article.body,
            score=round(score, 3),
            url=article.get_absolute_url(),
        )
        for number, score in best
        if (article := index.articles[number]) and score >= best[0][1] * 0.4
    ]


FAQ_KIND: CacheKind[Passages] = register_kind(
    CacheKind(
        name="faq",
        label="FAQ answers",
        description="Which help articles answer a question. A changed article empties it at once.",
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
