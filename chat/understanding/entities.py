"""What a message names: titles, authors, volumes, formats, limits, references. Rules over NFKC text; no I/O."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from datetime import date

from chat.understanding.ages import age_of
from chat.understanding.lexicon import (
    ASKED_FACTS,
    DEMOGRAPHICS,
    EDITION_LANGUAGES,
    FORMATS,
    GENRES,
    ORDINALS,
    THEMES,
    Lexicon,
)
from chat.understanding.narrowing import narrowing_of
from chat.understanding.numbers import (
    currency_asked,
    isbns_of,
    price_limit_of,
    release_dates_of,
    with_digits,
    with_isbns_masked,
)
from chat.understanding.types import Entities, Fact, Language
from shop.titles import Mention

FindMentions = Callable[[str], Iterable[Mention]]

# Not \b: in Japanese there is no boundary around it ("注文MA-10052は").
_ORDER = re.compile(r"(?<![A-Za-z\d])[A-Z]{2,4}-\d{4,}(?!\d)", re.IGNORECASE)
_ORDER_NUMBER = re.compile(
    r"(?:order|purchase|注文(?:番号)?)\s*(?:no\.?|number|#|番号)?\s*[:：#]?\s*(\d{4,})", re.IGNORECASE
)
# As the shop writes them, or anything that is called one.
_ASIN = re.compile(
    r"\b(?:B0[A-Z0-9]{8}|MD[A-Z0-9]{6,})\b|\b(?i:asin)\b\s*(?:is|は|:|#)?\s*([A-Za-z0-9_-]*\d[A-Za-z0-9_-]*)"
)
_TO = r"\s*(?:to|-|–|〜|~|through|thru|until|up to)\s*"
_NUMBER = r"\d{1,3}(?!\d|\s*%)"
_AND = r"\s*(?:,\s*and\b|,|\band\b|&|\+|\bplus\b)\s*(?:vol(?:ume)?s?\.?\s*)?"
_RUN = rf"{_NUMBER}(?:{_TO}{_NUMBER})?"
# "volumes 1 to 4 and 7"; without the word only where there are several: "I have 1 to 4 and 7", never "I have 3".
_VOLUME_LIST = re.compile(
    rf"(?:\bvol(?:ume)?s?|\bbooks?)\.?\s*(?P<named>{_RUN}(?:{_AND}{_RUN})*)"
    rf"|\b(?:have|own|read|got|sold|lost)\s+(?P<had>{_NUMBER}(?:{_TO}{_NUMBER}|\s+(?:and|&)\s+{_NUMBER}|,\s+{_RUN})(?:{_AND}{_RUN})*)",
    re.IGNORECASE,
)
_VOLUME_RANGE_JA = re.compile(r"(\d{1,3})\s*巻?\s*(?:から|〜|~|-|–)\s*(\d{1,3})(?=\s*巻|\s*[、,と]\s*\d{1,3}\s*巻)")
_ONE_RUN = re.compile(rf"(\d{{1,3}})(?:{_TO}(\d{{1,3}}))?", re.IGNORECASE)
_VOLUME = re.compile(
    r"(?:\bvol(?:ume)?s?\.?|\bbook|\bpart|\bnumber|第|#)\s*(\d{1,3})(?!\d|\s*%)|(\d{1,3})\s*(?:巻|冊目|集)",
    re.IGNORECASE,
)
_EDITION_NUMBER = re.compile(
    r"(?:\bomnibus|\bbox(?:ed)? ?set|\bdeluxe(?: edition)?|\b[23]-in-1|合本(?:版)?|ボックス(?:セット)?|愛蔵版|完全版)\s*(?:edition\s*)?の?"
    r"(?:,?\s*vol(?:ume)?\.?|number|no\.?|#|part|book|第)?\s*(\d{1,2})(?!\d|\s*(?:%|巻分|冊分|円)|\s*(?:volumes|books)\b)\s*巻?",
    re.IGNORECASE,
)
_FIRST_VOLUMES = re.compile(
    r"\bfirst\s+(\d{1,2})\s+(?:volumes|books)\b|(?:最初|はじめ)の(\d{1,2})(?:巻|冊)", re.IGNORECASE
)
_STANDALONE = re.compile(r"^\D{0,12}?(\d{1,3})\D{0,4}$")
_AFTER_TITLE = re.compile(rf"^\s*(?:#|no\.?\s*)?({_RUN}(?:{_AND}{_RUN})*)", re.IGNORECASE)
_REFERS = re.compile(
    r"\b(?:it|its|it's|this|that|these|those|them|they|the one|that one|this one|the book|the series|same)\b"
    r"|それ|これ|あれ|その|この|同じ",
    re.IGNORECASE,
)
_SIMILAR = re.compile(
    r"\b(?:like|similar|vein of|fan of|fans of|reminds?|along the lines|resembl\w+|more of)\b"
    r"|みたいな|みたいに|に似た|似て|のような|っぽい|好きなら|が好き|好きな人|近い|ファン",
    re.IGNORECASE,
)
# "I'd like Berserk", "do you have … like": wanting, not comparing.
_NOT_SIMILAR = re.compile(r"\b(?:i(?:'d| would)|would you|i'd also) like\b", re.IGNORECASE)
_NEGATION = re.compile(
    r"\b(?:not?|without|less|isn't|aren't|except|but no|nothing|never|no more|don't want|avoid)\s+(?:too\s+|so\s+|any\s+|more\s+|very\s+|in\s+|as\s+|an?\s+|the\s+)?$",
    re.IGNORECASE,
)
# "Not Naruto, Bleach": a title that is put aside for another one.
_TITLE_REFUSED = re.compile(
    r"(?:^|[,;.!?]|\b(?:no|but|and|mean|meant)\b)\s*not\s+$|\b(?:instead of|rather than)\s+$", re.IGNORECASE
)
_TITLE_REFUSED_JA = re.compile(r"^[」』]?(?:のほう|の方)?(?:じゃな|ではな|でな)く")
_NEGATION_AFTER_JA = re.compile(
    r"^(?:漫画|もの|系|な(?:話|の))?(?:以外|じゃな|ではな|でな|なし|は(?:苦手|嫌|いや|いらない|要らない|不要|なし)|抜き|くない|すぎな|すぎず|が苦手|控えめ)"
)


def entities_of(
    text: str, language: Language, find_mentions: FindMentions, today: date | None = None
) -> tuple[Entities, str]:
    """(entities, the text with what was found replaced by ``<title>``, ``<author>``, ``<num>``).

    ``today``: what "next month" is told from; without it such words say nothing.
    """
    text = unicodedata.normalize("NFKC", text)
    mentions = sorted(find_mentions(text), key=lambda mention: mention.start)
    isbns, rest = isbns_of(_blank(text, mentions))
    order_ids, rest = _order_ids(rest)
    asins = tuple(dict.fromkeys(match[1] or match[0] for match in _ASIN.finditer(text)))
    # Positions are no longer those of the text where a numeral became shorter or longer.
    rest = with_digits(rest)
    released_from, released_before = release_dates_of(rest, today) if today else (None, None)
    max_price, currency, rest = price_limit_of(rest)
    age, rest = age_of(rest)
    narrowing, rest = narrowing_of(rest)
    edition_number, rest = _edition_number(rest)
    volumes, rest = _volumes(rest, text, mentions)
    ordinal = _ordinal(rest)
    genres, without_genres = _polar(rest, GENRES)
    themes, without_themes = _polar(rest, GENRES, THEMES)
    formats, without_formats = _polar(rest, FORMATS)
    languages, without_languages = _polar(rest, EDITION_LANGUAGES)
    demographics, without_demographics = _polar(rest, DEMOGRAPHICS)
    if narrowing.status and not mentions and not re.search(r"\bbox|\bset\b|ボックス|セット", rest, re.IGNORECASE):
        # "A short complete series" is no box.
        formats = tuple(each for each in formats if each != "box_set")
    standalone = _STANDALONE.match(rest.strip()) if not volumes else None
    entities = Entities(
        series=_series_meant(text, mentions),
        authors=tuple(dict.fromkeys(m.id for m in mentions if m.kind == "author")),
        asins=asins,
        order_ids=order_ids,
        genres=genres,
        exclude_genres=without_genres,
        themes=themes,
        exclude_themes=without_themes,
        demographic=next(iter(demographics), ""),
        exclude_formats=without_formats,
        exclude_languages=without_languages,
        exclude_demographics=without_demographics,
        status=narrowing.status,
        max_volumes=narrowing.max_volumes,
        order=narrowing.order,
        volumes=volumes,
        edition_number=edition_number,
        isbns=isbns,
        released_from=released_from,
        released_before=released_before,
        format=next(iter(formats), ""),
        language=next(iter(languages), ""),
        max_price=max_price,
        currency=currency,
        asked_currency="" if max_price is not None else currency_asked(rest),
        age=age,
        ordinal=ordinal,
        refers_back=bool(_REFERS.search(rest)),
        similar_to=bool(_SIMILAR.search(rest)) and not _NOT_SIMILAR.search(rest),
        bare_number=int(standalone[1]) if standalone and ordinal is None else None,
        facts=_facts(rest),
    )
    return entities, _masked(text, mentions)


# --- Titles and numbers -----------------------------------------------------------------------------------


def _series_meant(text: str, mentions: list[Mention]) -> tuple[str, ...]:
    """The series named, less those that are put aside for others."""
    named = [mention for mention in mentions if mention.kind == "series"]
    kept = [
        mention
        for mention in named
        if not (_TITLE_REFUSED.search(text[: mention.start]) or _TITLE_REFUSED_JA.search(text[mention.end :]))
    ]
    return tuple(dict.fromkeys(mention.id for mention in kept or named))


def _blank(text: str, mentions: Iterable[Mention]) -> str:
    """Titles out of the way, so that "Monster" is no monster and "Death Note 3" no death."""
    chars = list(text)
    for mention in mentions:
        chars[mention.start : mention.end] = "\u0001" * (mention.end - mention.start)
    return "".join(chars)


def _masked(text: str, mentions: Iterable[Mention]) -> str:
    parts, last = [], 0
    for mention in mentions:
        if mention.start < last:
            continue
        parts += [text[last : mention.start], "<title>" if mention.kind == "series" else "<author>"]
        last = mention.end
    masked = with_isbns_masked("".join([*parts, text[last:]]))
    return re.sub(r"(?:[A-Za-z]{2,4}-)?\d+", "<num>", masked)


def _order_ids(rest: str) -> tuple[tuple[str, ...], str]:
    found = [match[0].upper() for match in _ORDER.finditer(rest)]
    rest = _ORDER.sub(" ", rest)
    if not found:
        found = [f"MA-{match[1]}" for match in _ORDER_NUMBER.finditer(rest)]
        rest = _ORDER_NUMBER.sub(" ", rest)
    return tuple(dict.fromkeys(found)), rest


def _edition_number(rest: str) -> tuple[int | None, str]:
    """The number behind the name of a format; the name itself stays, it is still looked for."""
    match = _EDITION_NUMBER.search(rest)
    if match is None:
        return None, rest
    return int(match[1]), rest[: match.start(1)] + " " * len(match[1]) + rest[match.end() :]


def _volumes(rest: str, text: str, mentions: list[Mention]) -> tuple[tuple[int, ...], str]:
    found: list[int] = []
    for match in _VOLUME_RANGE_JA.finditer(rest):
        found += _run(match)
    rest = _VOLUME_RANGE_JA.sub(" ", rest)
    for match in _FIRST_VOLUMES.finditer(rest):
        found += range(1, int(match[1] or match[2]) + 1)
    rest = _FIRST_VOLUMES.sub(" ", rest)
    for match in _VOLUME_LIST.finditer(rest):
        found += _runs(match["named"] or match["had"])
    rest = _VOLUME_LIST.sub(" ", rest)
    found += [int(match[1] or match[2]) for match in _VOLUME.finditer(rest)]
    rest = _VOLUME.sub(" ", rest)
    if not found:
        # "Berserk 3", right behind a title.
        for mention in mentions:
            after = _AFTER_TITLE.match(text[mention.end :]) if mention.kind == "series" else None
            if after is not None:
                found += _runs(after[1])
                at = mention.end + after.start(1)
                rest = rest[:at] + " " * len(after[1]) + rest[at + len(after[1]) :] if len(rest) == len(text) else rest
    return tuple(dict.fromkeys(n for n in found if 0 < n <= 400)), rest


def _runs(listed: str) -> list[int]:
    """ "1 to 4 and 7" → 1, 2, 3, 4, 7."""
    return [volume for match in _ONE_RUN.finditer(listed) for volume in _run(match)]


def _run(match: re.Match[str]) -> Iterable[int]:
    first, last = int(match[1]), int(match[2] or match[1])
    return range(first, min(last, first + 200) + 1)


# --- Words ------------------------------------------------------------------------------------------------


def _polar(rest: str, *lexicons: Lexicon) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(wanted, refused) codes of the last lexicon: "horror", "not horror", "less grim", "ホラー以外".

    What stands inside a longer word of it or of those before is no word of its own: no "fantasy" and no "dark" in
    "dark fantasy".
    """
    wanted: list[str] = []
    refused: list[str] = []
    taken: list[tuple[int, int]] = []
    for place, lexicon in enumerate(lexicons):
        for pattern, code in lexicon:
            match = next((each for each in pattern.finditer(rest) if not _is_inside(each.span(), taken)), None)
            if match is None:
                continue
            taken.append(match.span())
            if place == len(lexicons) - 1:
                negated = _NEGATION.search(rest[: match.start()]) or _NEGATION_AFTER_JA.match(rest[match.end() :])
                (refused if negated else wanted).append(code)
    return tuple(dict.fromkeys(wanted)), tuple(dict.fromkeys(refused))


def _is_inside(span: tuple[int, int], taken: list[tuple[int, int]]) -> bool:
    return any(start <= span[0] and span[1] <= end and span != (start, end) for start, end in taken)


def _ordinal(rest: str) -> int | None:
    return next((place for pattern, place in ORDINALS if pattern.search(rest)), None)


def _facts(rest: str) -> tuple[Fact, ...]:
    return tuple(dict.fromkeys(fact for pattern, fact in ASKED_FACTS if pattern.search(rest)))
