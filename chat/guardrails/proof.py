"""What this turn's evidence proves, and a sentence as the guards read it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field

from chat.dialogue import Request, age_limit, price_limit
from chat.evidence import Evidence
from chat.slots import SLOT
from chat.understanding.types import Language
from shop.facts import ProductFacts, SeriesFacts
from shop.models import ages_up_to
from shop.text import fold
from shop.titles import TitleIndex

LIVE = frozenset({"price", "stock"})
# Combining accents of Latin letters; the voicing marks of kana are others.
_ACCENTS = re.compile("[\u0300-\u036f]")
_JAPANESE = "\u3041-\u30ff\u3400-\u9fff々"
_EDGE = re.compile(rf"(?<=[a-z])(?=[A-Z])|(?<=[{_JAPANESE}])(?=[A-Za-z\d])|(?<=[A-Za-z\d])(?=[{_JAPANESE}])")
_LETTER = re.compile(r"[^\W\d_]")
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """``slots``: (kind, id) that can be filled; ``names``: folded names of what the evidence holds; ``words``: every word
    of its names and texts, lower case; ``series``: ids; ``statuses``: how they stand; ``catalogue``: the names of the whole shop, to know the others;
    ``repeated``: runs of the prompt that no answer may hold (chat.prompts).
    """

    language: Language
    slots: frozenset[tuple[str, str]]
    names: frozenset[str]
    words: frozenset[str]
    series: frozenset[str]
    statuses: frozenset[str] = frozenset()
    within_budget: bool = False
    catalogue: TitleIndex = field(default_factory=TitleIndex)
    repeated: frozenset[str] = frozenset()
    masks: re.Pattern[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bare:
    """A sentence as the guards read it. ``text``: NFKC without accents, slots as spaces; ``unnamed``: the same without
    the names that are proven; ``slots``: (kind, id) in order."""

    sentence: str
    text: str
    unnamed: str
    slots: tuple[tuple[str, str], ...]

    @property
    def is_live(self) -> bool:
        return any(kind in LIVE for kind, _ in self.slots)


def bare(sentence: str, proof: Proof) -> Bare:
    text = plain(SLOT.sub(" ", sentence))
    unnamed = proof.masks.sub(" ", text) if proof.masks else text
    slots = tuple((match["kind"], match["id"]) for match in SLOT.finditer(sentence))
    return Bare(sentence=sentence, text=text, unnamed=unnamed, slots=slots)


def plain(text: str) -> str:
    """NFKC without what would hide a word from a rule: accents, and others written to its very edge."""
    decomposed = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", text))
    return _EDGE.sub(" ", unicodedata.normalize("NFC", _ACCENTS.sub("", decomposed)))


def may_be_shown(request: Request, rating: str) -> bool:
    """The age gate at release: not above the age that was told, and never an adult work unasked."""
    return rating in ages_up_to(age_limit(request.state))


def prove(request: Request, evidence: Evidence, catalogue: TitleIndex, repeated: frozenset[str] = frozenset()) -> Proof:
    """What may be said of this evidence to this shopper: nothing above their age is proven."""
    products = [each for each in evidence.products.values() if may_be_shown(request, each.age_rating)]
    series = [each for each in evidence.series.values() if may_be_shown(request, each.age_rating)]
    names = set(_names(products, series))
    texts = [*names, *(each.description for each in products), *(each.publisher for each in products)]
    texts += [text for each in series for text in (each.description, each.native_description)]
    return Proof(
        language=request.language,
        slots=frozenset(_slots(products, series, evidence)),
        names=frozenset(filter(None, map(fold, names))),
        words=frozenset(word.casefold() for text in texts for word in _WORD.findall(plain(text))),
        series=frozenset(each.id for each in series),
        statuses=frozenset(each.status for each in series),
        within_budget=bool(evidence.recommended or evidence.found) and price_limit(request.state) is not None,
        catalogue=catalogue,
        repeated=repeated,
        masks=_masks(names),
    )


def _names(products: Iterable[ProductFacts], series: Iterable[SeriesFacts]) -> Iterable[str]:
    for product in products:
        yield from (product.title, product.series, product.native_series, *product.authors, *product.genres)
    for each in series:
        yield from (each.title, each.native_title, each.romanized_title, *each.aliases)
        yield from (*each.authors, *each.native_authors, *each.genres, *each.themes)


def _slots(
    products: Iterable[ProductFacts], series: Iterable[SeriesFacts], evidence: Evidence
) -> Iterable[tuple[str, str]]:
    for product in products:
        yield from ((kind, product.asin) for kind in ("title", "price", "stock"))
        known = {"vol": product.volume, "pages": product.pages, "released": product.release_date}
        yield from ((kind, product.asin) for kind, value in known.items() if value is not None)
    for each in series:
        yield "series", each.id
        numbers = {"count": each.volume_count, "started": each.started}
        yield from ((kind, each.id) for kind, value in numbers.items() if value is not None)
    yield from (("passage", passage.id) for passage in evidence.passages)


def prove_summary(
    language: Language,
    *,
    said: Iterable[str],
    products: Iterable[ProductFacts],
    series: Iterable[SeriesFacts],
    catalogue: TitleIndex,
    repeated: frozenset[str] = frozenset(),
) -> Proof:
    """What a summary of a conversation may say: the names in it, and figures only as they were ``said`` there ("three
    weeks", 二回). No slot: there is nobody who would fill it.
    """
    products, series, said = list(products), list(series), [plain(text) for text in said]
    names = set(_names(products, series))
    figures = {match[0].strip() for text in said for match in _FIGURE.finditer(text)}
    return Proof(
        language=language,
        slots=frozenset(),
        names=frozenset(filter(None, map(fold, names))),
        words=frozenset(word.casefold() for text in (*names, *said) for word in _WORD.findall(plain(text))),
        series=frozenset(each.id for each in series),
        catalogue=catalogue,
        repeated=repeated,
        masks=_masks(names, figures),
    )


# A figure with what it counts.
_FIGURE = re.compile(
    r"\b(?:\d+|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|dozen|couple of|hundred|second|third|fourth)[ -][a-z]{2,}\b"
    r"|\b(?:twice|thrice|doubled?)\b"
    r"|[\d一二三四五六七八九十百千]+ ?(?:巻|冊|回|度|日|週間|[かヶカ]月|年|点|個|箱|時間|人|歳|件|つ)(?:目|前|後|分)?",
    re.IGNORECASE,
)


def _masks(names: Iterable[str], figures: Iterable[str] = ()) -> re.Pattern[str] | None:
    """Names as whole words, longest first. One that is all number proves no number."""
    worded = {plain(name) for name in names if len(_LETTER.findall(name)) > 1} | set(figures)
    if not worded:
        return None
    longest_first = sorted(worded, key=len, reverse=True)
    return re.compile("|".join(rf"{_edge(n[0])}{re.escape(n)}{_edge(n[-1])}" for n in longest_first), re.IGNORECASE)


def _edge(char: str) -> str:
    return r"\b" if char.isascii() and char.isalnum() else ""
