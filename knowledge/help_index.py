"""The help of one language in memory: words and vectors of its passages, and how well they fit a question.

Okapi BM25 (Robertson et al., TREC-3) with k1 = 1.2, b = 0.5 over our own tokens, words of the title counting more;
beside it the cosine between vectors, where a model makes them. A shop has tens to thousands of passages of help: they
are held per locale, of one version of the index.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache

import numpy as np

from caching.pictures import Picture
from knowledge.backends.base import Floats
from knowledge.embedding import VECTOR, embedder_in_use
from knowledge.index import serving_version
from knowledge.lexicon import STOP_WORDS, expand, subject_of
from knowledge.models import LOCALES, Passage, corpus_tag
from shop.text import fold, query_tokens

K1 = 1.2
B = 0.5
TITLE_WEIGHT = 3
_HIRAGANA = re.compile("[\u3041-\u309f]")
# Rows that one query reads.
SLICE = 500


@dataclass(frozen=True, slots=True, eq=False)
class Counted:
    """A passage and how often each of its words stands in it. Rows never change: it is good for as long as they are."""

    row: Passage
    counts: Counter[str]
    length: int


@dataclass(slots=True)
class HelpIndex:
    """``version``: of the index. ``vectors``: a row each for ``embedded``, places among the passages; all of ``model``,
    the one that is in use."""

    version: int = 0
    model: str = ""
    passages: list[Counted] = field(default_factory=list)
    # word → {place among the passages: how often it stands there}
    postings: dict[str, dict[int, int]] = field(default_factory=dict)
    vectors: Floats | None = None
    embedded: list[int] = field(default_factory=list)

    def holds(self, word: str, place: int) -> bool:
        return place in self.postings.get(word, ())

    def rarity(self, word: str) -> float:
        holding = len(self.postings.get(word, ()))
        return math.log(1 + (len(self.passages) - holding + 0.5) / (holding + 0.5))

    def by_words(self, words: Iterable[str]) -> list[tuple[int, float]]:
        """(place, BM25 score), best first."""
        count_of_all = len(self.passages)
        average = sum(each.length for each in self.passages) / count_of_all if count_of_all else 1.0
        scores: dict[int, float] = defaultdict(float)
        for word in words:
            rarity = self.rarity(word)
            for place, count in self.postings.get(word, {}).items():
                norm = K1 * (1 - B + B * self.passages[place].length / average)
                scores[place] += rarity * count * (K1 + 1) / (count + norm)
        return sorted(scores.items(), key=lambda item: -item[1])

    def by_meaning(self, vector: Floats, limit: int) -> list[tuple[int, float]]:
        """(place, cosine), the most alike first; none for a vector that is not like ours."""
        if self.vectors is None or self.vectors.shape[1:] != vector.shape:
            return []
        likeness = self.vectors @ vector
        best = np.argsort(-likeness, kind="stable")[:limit]
        return [(self.embedded[at], float(likeness[at])) for at in best.tolist()]


@cache
def help_index(locale: str) -> Picture[HelpIndex]:
    """Read again when another version is in force; passages that were read before are not counted again."""
    held = HelpIndex()

    def make() -> HelpIndex:
        nonlocal held
        held = _read(locale, held)
        return held

    return Picture(corpus_tag(locale), make=make, rows_version=lambda: (serving_version(), _model()))


def read_help() -> None:
    """Brings what this process holds of the help up to date. Raises what the database raises."""
    for locale, _ in LOCALES:
        help_index(locale).current()


def _model() -> str:
    embedder = embedder_in_use()
    return embedder.model if embedder else ""


def _read(locale: str, before: HelpIndex) -> HelpIndex:
    """A version's passages stay for minutes after it was replaced: the number is read first, and then what it has."""
    version, model = serving_version(), _model()
    rows = Passage.objects.at_version(version).of_help().filter(locale=locale)
    named = list(rows.order_by("kind", "ref", "place").values_list("pk", "digest"))
    known = {(each.row.pk, each.row.digest): each for each in before.passages}
    new = [pk for pk, digest in named if (pk, digest) not in known]
    for start in range(0, len(new), SLICE):
        for row in Passage.objects.filter(pk__in=new[start : start + SLICE]).defer("vector"):
            known[row.pk, row.digest] = count_words(row)
    index = of_passages([known[name] for name in named])
    index.version, index.model = version, model
    index.embedded, index.vectors = _vectors(index.passages, before, model)
    return index


def _vectors(passages: Sequence[Counted], before: HelpIndex, model: str) -> tuple[list[int], Floats | None]:
    """(places of the passages that have one, one row each). A model that suddenly has other dimensions is not mixed."""
    if not model:
        return [], None
    found: dict[int, Floats] = {}
    if before.model == model and before.vectors is not None:
        found = {before.passages[place].row.pk: row for place, row in zip(before.embedded, before.vectors, strict=True)}
    wanted = [each.row.pk for each in passages if each.row.vector_model == model and each.row.pk not in found]
    for start in range(0, len(wanted), SLICE):
        stored = Passage.objects.filter(pk__in=wanted[start : start + SLICE]).values_list("pk", "vector")
        found |= {pk: np.frombuffer(bytes(vector), dtype=VECTOR) for pk, vector in stored if vector}
    if not found:
        return [], None
    dimensions = Counter(len(vector) for vector in found.values()).most_common(1)[0][0]
    places = [
        place for place, each in enumerate(passages) if each.row.pk in found and len(found[each.row.pk]) == dimensions
    ]
    return places, np.stack([found[passages[place].row.pk] for place in places]) if places else None


def of_passages(passages: list[Counted]) -> HelpIndex:
    postings: dict[str, dict[int, int]] = defaultdict(dict)
    for place, passage in enumerate(passages):
        for word, count in passage.counts.items():
            postings[word][place] = count
    return HelpIndex(passages=passages, postings=dict(postings))


def count_words(row: Passage) -> Counted:
    counts = Counter(words_of(row.text))
    for word in words_of(f"{row.title} {row.category} {row.ref.rpartition('/')[0]}"):
        counts[word] += TITLE_WEIGHT
    return Counted(row, counts, sum(counts.values()))


# --- Words ------------------------------------------------------------------------------------------------------------


def asked_words(query: str) -> tuple[set[str], set[str]]:
    """(what the question is about, that and other words for it)."""
    other_words = set(words_of(expand(fold(query))))
    query = subject_of(query)
    asked = set(map(stem, _telling(query))) or other_words or set(words_of(query))
    return asked, asked | other_words


def words_of(text: str) -> list[str]:
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
