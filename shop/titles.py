"""Finds the series and authors that a text names, in any script: exact names first, then small misspellings.

The names of the whole catalogue are held in memory and read again when the catalogue has changed.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Literal

from django.db.models import Count, Max
from rapidfuzz import fuzz, process

from caching.pictures import Picture
from shop.changes import ALL_SERIES_TAG
from shop.kana import by_ear, romaji
from shop.models import Series, SeriesTerm
from shop.text import fold

# Below this likeness (0-100) a misspelling is another word.
NEAR = 84
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")
# Hiragana next to another script is grammar ("NANAと") and a word of its own.
_WORD = re.compile(r"[^\W_ぁ-ん]+(?:['’][^\W_ぁ-ん]+)?|[ぁ-ん]+")
_KANA = re.compile(r"[ぁ-ゖァ-ヺー]{4,}")
SHORTEST_BY_EAR = 4
LONGEST_BY_EAR = 32
# Of a title's part before its colon, and of an author's family name.
SHORTEST_BEGINNING = 4
SHORTEST_FAMILY = 3
# Below this a family name is meant only when it is written like a name, or follows "by".
SURE_FAMILY = 5
# Titles that are everyday words: meant only when written like a name, or when nothing else is said.
EVERYDAY = frozenset(
    [
        "monster",
        "orange",
        "given",
        "nana",
        "gold",
        "slam",
        "another",
        "parasite",
        "basara",
        "pluto",
        "blame",
        "alice",
        "noir",
        "beck",
        "banana",
        "switch",
        "given",
        "drifters",
        "planetes",
        "real",
        "bakuman",
        "claymore",
        "trigun",
        "hellsing",
        "dorohedoro",
        "nodame",
        "emma",
        "cross",
        "game",
        "touch",
    ]
)


@dataclass(frozen=True, slots=True)
class Mention:
    """``id``: series id, or the author's name as the catalogue writes it. ``start``/``end``: offsets in NFKC text."""

    kind: Literal["series", "author"]
    id: str
    text: str
    start: int
    end: int
    exact: bool
    score: float


@dataclass(slots=True)
class TitleIndex:
    """Folded name → what it means."""

    names: dict[str, tuple[Literal["series", "author"], str]] = field(default_factory=dict)
    # First word → names beginning with it, longest first; first character for names without spaces.
    by_first: dict[str, list[str]] = field(default_factory=dict)
    fuzzy: list[str] = field(default_factory=list)
    # All that name series.
    by_series: list[str] = field(default_factory=list)
    # Romanised names as they sound, for titles that are typed in kana.
    by_ear: dict[str, str] = field(default_factory=dict)
    longest_words: int = 1


def _build() -> TitleIndex:
    index = TitleIndex()
    first_of_author: dict[str, str] = {}
    kinds = (SeriesTerm.Kind.TITLE, SeriesTerm.Kind.ALIAS, SeriesTerm.Kind.AUTHOR)
    rows = SeriesTerm.objects.filter(kind__in=kinds).order_by("id").values_list("kind", "series_id", "text", "folded")
    authors = dict(Series.objects.values_list("pk", "authors"))
    beginnings: dict[str, set[str]] = defaultdict(set)
    for kind, series_id, text, folded in rows:
        if kind == SeriesTerm.Kind.AUTHOR:
            name = _canonical_author(text, authors.get(series_id, []), first_of_author)
            index.names.setdefault(folded, ("author", name))
            # Family name alone: "Urasawa", "Oda".
            family = folded.split()[-1] if not _CJK.search(folded) else ""
            if len(family) >= SHORTEST_FAMILY and len(folded.split()) > 1:
                index.names.setdefault(family, ("author", name))
        elif len(folded) > 1:
            known = index.names.get(folded)
            if known is None or known[0] == "author" or kind == SeriesTerm.Kind.TITLE:
                index.names[folded] = ("series", series_id)
            _note_beginning(beginnings, text, series_id)
    for beginning, of in beginnings.items():
        # "Frieren" of "Frieren: Beyond Journey's End", when no other title begins so.
        if len(of) == 1 and index.names.get(beginning, ("author",))[0] == "author":
            index.names[beginning] = ("series", next(iter(of)))
    by_first: dict[str, list[str]] = defaultdict(list)
    for name in index.names:
        by_first[name[0] if _CJK.match(name) else name.split()[0]].append(name)
    index.by_first = {first: sorted(names, key=len, reverse=True) for first, names in by_first.items()}
    index.fuzzy = [name for name in index.names if len(name) >= 5 and not _CJK.search(name)]
    index.by_series = [name for name, (kind, _) in index.names.items() if kind == "series"]
    index.by_ear = {by_ear(name): name for name in index.fuzzy if index.names[name][0] == "series"}
    index.longest_words = max((len(name.split()) for name in index.fuzzy), default=1)
    return index


def _note_beginning(beginnings: dict[str, set[str]], title: str, series_id: str) -> None:
    beginning, colon, _ = unicodedata.normalize("NFKC", title).partition(":")
    folded = fold(beginning)
    if colon and len(folded) >= SHORTEST_BEGINNING and folded not in EVERYDAY:
        beginnings[folded].add(series_id)


def _canonical_author(text: str, authors: list[str], seen: dict[str, str]) -> str:
    """A name in Japanese letters means the same author as the first one in Latin letters of that series."""
    if _CJK.search(text) and len(authors) == 1:
        return authors[0]
    return seen.setdefault(fold(text), text)


_picture = Picture(
    ALL_SERIES_TAG,
    make=_build,
    rows_version=lambda: tuple(Series.objects.aggregate(n=Count("pk"), at=Max("updated_at")).values()),
)


def title_index() -> TitleIndex:
    return _picture.current()


def find_mentions(text: str) -> list[Mention]:
    """Longest names first, never overlapping, in the order of the text."""
    index = title_index()
    text = unicodedata.normalize("NFKC", text)
    words = [(match.start(), match.end(), fold(match[0])) for match in _WORD.finditer(text)]
    taken = [False] * (len(text) + 1)
    found = _find_cjk(index, text, taken) + _find_words(index, text, words, taken)
    if not any(mention.kind == "series" for mention in found):
        found += _find_by_ear(index, text, taken)
    if not any(mention.kind == "series" for mention in found):
        found += _find_misspelt(index, text, words, taken)
    return sorted(found, key=lambda mention: mention.start)


def mentions_of(index: TitleIndex, text: str) -> list[Mention]:
    """Exact names only, in a text that somebody else wrote: pure, and quick enough for every sentence."""
    text = unicodedata.normalize("NFKC", text)
    words = [(match.start(), match.end(), fold(match[0])) for match in _WORD.finditer(text)]
    taken = [False] * (len(text) + 1)
    return _find_cjk(index, text, taken) + _find_words(index, text, words, taken)


def _find_cjk(index: TitleIndex, text: str, taken: list[bool]) -> list[Mention]:
    """Names without spaces, anywhere in the text; middle dots and spaces in the text do not matter."""
    kept = [(position, char.casefold()) for position, char in enumerate(text) if char.isalnum() or char == "ー"]
    line = "".join(char[:1] for _, char in kept)
    found: list[Mention] = []
    for at, char in enumerate(line):
        if not _CJK.match(char):
            continue
        for name in index.by_first.get(char, ()):
            bare = name.replace(" ", "")
            if line.startswith(bare, at) and len(bare) > 1:
                start, end = kept[at][0], kept[at + len(bare) - 1][0] + 1
                if not any(taken[start:end]):
                    taken[start:end] = [True] * (end - start)
                    found.append(_mention(index, name, text, start, end, exact=True, score=1.0))
                break
    return found


def _find_words(index: TitleIndex, text: str, words: list[tuple[int, int, str]], taken: list[bool]) -> list[Mention]:
    found: list[Mention] = []
    at = 0
    # Folding may make two words of one ("sci-fi") or none; names are compared word by word.
    spoken = [word for _, _, word in words]
    while at < len(words):
        step = 1
        first = spoken[at].split()[0] if spoken[at] else ""
        for name in index.by_first.get(first, ()):
            size = len(name.split())
            if " ".join(" ".join(spoken[at : at + size]).split()[:size]) != name:
                continue
            start, end = words[at][0], words[min(at + size, len(words)) - 1][1]
            if any(taken[start:end]) or not _is_meant(index, name, text, start, end, spoken):
                continue
            taken[start:end] = [True] * (end - start)
            found.append(_mention(index, name, text, start, end, exact=True, score=1.0))
            step = size
            break
        at += step
    return found


def _is_meant(index: TitleIndex, name: str, text: str, start: int, end: int, words: list[str]) -> bool:
    """Everyday words are titles only when capitalised inside a sentence, quoted, or standing alone.

    Names of up to three letters ("ONE", "OP", "AoT") are meant in capitals, unless all is in capitals, or when nothing
    else is said; those without a vowel ("jjk") are no word of any sentence. Short family names are written like names.
    """
    if not name.isascii():
        return True
    kind, whose = index.names[name]
    if kind == "author" and len(name) < SURE_FAMILY and " " not in name and " " in whose:
        by = re.search(r"\b(?:by|from)\s+$", text[:start], re.IGNORECASE)
        return by is not None or (text[start].isupper() and (not text.isupper() or len(words) == 1))
    if len(name) <= 3:
        return _is_short_name_meant(name, text, start, end, words)
    if name not in EVERYDAY:
        return True
    if len(words) <= 2 or text[max(0, start - 1)] in "\"'“「『" or _CJK.search(text):
        # In a Japanese sentence a Latin word is a name.
        return True
    return text[start].isupper() and start > 0


def _is_short_name_meant(name: str, text: str, start: int, end: int, words: list[str]) -> bool:
    if sum(char.isupper() for char in text[start:end]) > 1:
        # A text in capitals says nothing, but for "AoT" in it.
        return not text.isupper() or len(words) == 1
    if len(name) == 3 and not _VOWEL.search(name):
        return True
    return name not in _SAID_ALONE and all(word == name or _OF_A_VOLUME.fullmatch(word) for word in words)


_VOWEL = re.compile(r"[aeiouy\d]")
_OF_A_VOLUME = re.compile(r"\d{1,3}|vol(?:ume)?s?|manga|please")
# Said alone these are no titles, whatever is called so.
_SAID_ALONE = frozenset("one two it me go no yes ok hi hey bye all any new the".split())


def _find_by_ear(index: TitleIndex, text: str, taken: list[bool]) -> list[Mention]:
    """The longest beginning of a run of kana that sounds like a romanised name; what follows it is grammar."""
    for run in _KANA.finditer(text):
        # No title is longer: a text of nothing but kana costs no more than a name.
        longest = min(run.end(), run.start() + LONGEST_BY_EAR)
        for end in range(longest, run.start() + SHORTEST_BY_EAR - 1, -1):
            name = index.by_ear.get(by_ear(romaji(text[run.start() : end])))
            if name is not None and not any(taken[run.start() : end]):
                taken[run.start() : end] = [True] * (end - run.start())
                return [_mention(index, name, text, run.start(), end, exact=True, score=1.0)]
    return []


def _find_misspelt(index: TitleIndex, text: str, words: list[tuple[int, int, str]], taken: list[bool]) -> list[Mention]:
    """The nearest name for runs of up to as many words as a title has; the best one only."""
    best: tuple[float, str, int, int] | None = None
    for size in range(min(index.longest_words, 5, len(words)), 0, -1):
        for at in range(min(len(words), 40) - size + 1):
            start, end = words[at][0], words[at + size - 1][1]
            run = " ".join(word for _, _, word in words[at : at + size])
            if len(run) < 5 or any(taken[start:end]) or run in _COMMON:
                continue
            near = process.extractOne(run, index.fuzzy, scorer=fuzz.ratio, score_cutoff=NEAR)
            if near is not None and (best is None or near[1] > best[0]):
                best = (near[1], near[0], start, end)
    if best is None:
        return []
    score, name, start, end = best
    return [_mention(index, name, text, start, end, exact=False, score=score / 100)]


_COMMON = frozenset(
    [
        "series",
        "volume",
        "volumes",
        "order",
        "orders",
        "manga",
        "there",
        "their",
        "about",
        "other",
        "similar",
        "something",
        "anything",
    ]
)


def _mention(index: TitleIndex, name: str, text: str, start: int, end: int, *, exact: bool, score: float) -> Mention:
    kind, id = index.names[name]
    return Mention(kind, id, text[start:end], start, end, exact, score)


def nearest_titles(query: str, *, limit: int) -> list[tuple[str, float]]:
    """(series id, likeness 0-1) of the names nearest to a whole query that nothing matches."""
    index = title_index()
    near = process.extract(fold(query), index.fuzzy, scorer=fuzz.WRatio, score_cutoff=NEAR, limit=limit)
    return [(index.names[name][1], score / 100) for name, score, _ in near if index.names[name][0] == "series"]


def nearest_name(text: str) -> tuple[str, str, float] | None:
    """(series id, its name, likeness 0-1) of the name nearest to a text, however far; None in an empty shop."""
    index = title_index()
    near = process.extractOne(fold(text), index.by_series, scorer=fuzz.ratio)
    return (index.names[near[0]][1], near[0], near[1] / 100) if near else None
