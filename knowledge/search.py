"""Finds the passage that answers a question: by its words, and by what it means where a model makes vectors.

Words: the best passage must hold ``GOOD_ENOUGH`` of what the question is about, by rarity. Meaning: the passages at
least as alike as the model's floor. Both rankings are fused; where neither has any, nothing was found. What is said of
products is no help: it is searched among the passages of the products in question only, by words.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice

from caching.policy_cache import policy_cache
from caching.registry import CacheKind, register_kind
from knowledge.drafts import with_draft
from knowledge.fusion import fuse
from knowledge.help_index import HelpIndex, asked_words, count_words, help_index, of_passages
from knowledge.index import serving_version
from knowledge.meaning import How, Meaning, meaning_of
from knowledge.models import Passage as PassageRow
from knowledge.models import corpus_tag
from mangaassist.dbthreads import in_database
from shop.text import fold

# The best article must hold this share of what the question is about (by rarity), else it is no answer.
GOOD_ENOUGH = 0.34
# Among the few passages on one product nothing is rare: this share of the words must be there.
GOOD_ENOUGH_ON_PRODUCT = 0.3
# Of the best one's score: what is worse is no further answer.
WORTH_SHOWING = 0.4
# Of each ranking, as many are fused.
RANKED = 10
# How long a question waits for a new version to be read; then the one before answers.
PATIENCE_S = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A quotable answer with its source. ``url`` is empty for a source that has no page of its own; ``version``: of the
    index that it was found in. ``score``: BM25's; where meaning took part, that of the fusion.
    """

    id: str
    kind: str
    ref: str
    locale: str
    title: str
    text: str
    score: float
    url: str
    version: int = 0

    @property
    def source(self) -> str:
        """What it was made of: ``article:slug/locale``, ``document:key`` or ``product:ASIN``."""
        return f"{self.kind}:{self.ref}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Nearest:
    """What came nearest to a question that nothing answers. ``score``: the share of its words (by rarity) that it
    holds, or its likeness; 0-1. ``by``: ``words`` or ``meaning``.
    """

    kind: str
    ref: str
    title: str
    score: float
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Passages:
    """Best first; empty when the help pages do not answer. ``locale``: the shopper's. ``meaning``: how it took part."""

    locale: str
    found: tuple[Passage, ...] = ()
    nearest: Nearest | None = None
    meaning: str = "none"


@dataclass(frozen=True, slots=True)
class _ByWords:
    """``ranking``: empty when the best one is not good enough; ``covered``: the best one's share of the question."""

    index: HelpIndex
    is_current: bool
    best: list[tuple[int, float]]
    covered: float

    @property
    def ranking(self) -> list[tuple[int, float]]:
        return [pair for pair in self.best if pair[1] >= self.best[0][1] * WORTH_SHOWING] if self.is_good else []

    @property
    def is_good(self) -> bool:
        return bool(self.best) and self.covered >= GOOD_ENOUGH


def search_passages(query: str, locale: str, limit: int = 3) -> list[Passage]:
    """Best first, of the help in the shopper's locale, by words alone; empty when nothing is good enough."""
    return list(_answered(_look_up(query, locale), Meaning("none"), locale, limit).found)


def _look_up(query: str, locale: str) -> _ByWords:
    index, is_current = help_index(locale).at_hand(PATIENCE_S)
    index = with_draft(index, locale)
    asked, words = asked_words(query)
    best = index.by_words(words)[:RANKED]
    total = len(index.passages)
    about = sum(math.log(1 + total) / (2 if word in index.postings else 1) for word in asked)
    held = sum(index.rarity(word) for word in words if best and index.holds(word, best[0][0]))
    return _ByWords(index, is_current, best, min(1.0, held / about) if about else 0.0)


def _answered(words: _ByWords, meaning: Meaning, locale: str, limit: int) -> Passages:
    index = words.index
    alike: list[tuple[int, float]] = []
    if meaning.vector is not None and meaning.model == index.model:
        alike = index.by_meaning(meaning.vector, RANKED)
    how: How = "no_vectors" if meaning.how == "used" and index.passages and not alike else meaning.how
    ranking = words.ranking
    if how == "used":
        close = [place for place, likeness in alike if likeness >= meaning.floor]
        ranking = fuse([[place for place, _ in ranking], close])
    found = tuple(_quoted(index, place, score) for place, score in ranking[:limit])
    return Passages(locale=locale, found=found, nearest=None if found else _nearest(words, alike), meaning=how)


def _nearest(words: _ByWords, alike: list[tuple[int, float]]) -> Nearest | None:
    if alike:
        (place, score), by = alike[0], "meaning"
    elif words.best:
        place, score, by = words.best[0][0], words.covered, "words"
    else:
        return None
    row = words.index.passages[place].row
    return Nearest(kind=row.kind, ref=row.ref, title=row.title, score=round(score, 3), by=by)


def search_products(query: str, asins: Sequence[str], limit: int = 2) -> list[Passage]:
    """Of what is said of these products, by words. Their age ratings are the caller's to mind."""
    version = serving_version()
    rows = PassageRow.objects.at_version(version).filter(kind=PassageRow.Kind.PRODUCT, ref__in=asins).defer("vector")
    index = of_passages([count_words(row) for row in rows])
    index.version = version
    asked, words = asked_words(query)
    needed = max(1.0, GOOD_ENOUGH_ON_PRODUCT * len(asked))
    good = (
        (place, score)
        for place, score in index.by_words(words)
        if sum(index.holds(word, place) for word in asked) >= needed
    )
    return [_quoted(index, place, score) for place, score in islice(good, limit)]


def _quoted(index: HelpIndex, place: int, score: float) -> Passage:
    row = index.passages[place].row
    return Passage(
        id=str(row.pk),
        kind=row.kind,
        ref=row.ref,
        locale=row.locale,
        title=row.title,
        text=row.text,
        score=round(score, 5),
        url=_page_of(row),
        version=index.version,
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


class _Passing(Exception):
    """Found, and not to be kept: without the meaning that belongs to it, or in a version that is no longer in force."""

    def __init__(self, passages: Passages) -> None:
        super().__init__()
        self.passages = passages


async def asearch_passages(query: str, locale: str) -> Passages:
    """By words and meaning, through the policy cache. Raises what the database raises."""

    async def search() -> Passages:
        meaning, words = await asyncio.gather(meaning_of(query), in_database(_look_up, query, locale))
        found = await in_database(_answered, words, meaning, locale, 3)
        if not words.is_current or found.meaning not in ("none", "used"):
            raise _Passing(found)
        return found

    try:
        found = await policy_cache.aget_or_compute(FAQ_KIND, (question_hash(query, locale), locale), search)
    except _Passing as passing:
        return passing.passages
    return found or Passages(locale=locale)
