"""What a message takes back: "any price", "forget the age", 条件をリセット. Pure rules over NFKC text."""

from __future__ import annotations

import re


def _cue(english: str, japanese: str) -> re.Pattern[str]:
    return re.compile(rf"{english}|{japanese}", re.IGNORECASE)


# Whoever takes a limit back says so in few words.
LONGEST_READ = 300
LIMITS = frozenset(
    {
        "age", "budget", "series_budget", "format", "edition_language", "exclude_genres", "exclude_themes",
        "exclude_formats", "exclude_languages", "exclude_demographics", "status", "max_volumes", "order_by",
    }
)  # fmt: skip
# Everything that was wished for as well: "start over".
WISHES = frozenset({"liked", "genres", "themes", "demographic", "told"})

_DROP = r"\b(?:forget|drop|lift|ignore|clear|reset|remove|cancel|lose|skip|without)(?: about)?(?: (?:my|the|all|any|those|these|that|of))*"
_JA_DROP = r"(?:を|は|の(?:条件|制限)(?:を|は)?)?(?:外し|忘れ|消し|リセット|クリア|解除|なし(?:で|に)|やめ|取り消)"

_ALL = _cue(
    rf"{_DROP} (?:wish(?:es)?|filters?|constraints?|limits?|everything|conditions?)\b|\bno (?:limits?|filters?)\b",
    rf"(?:すべて|全部|全て)?(?:の)?(?:条件|絞り込み|フィルター?){_JA_DROP}|条件(?:なし|は忘れて)",
)
_OVER = _cue(
    r"\b(?:start|begin)(?:ing)? (?:all )?over\b|\bstart (?:again|afresh|from scratch)\b|^(?:clear|reset)(?: (?:it|all|everything))?(?: please)?[.!]*$",
    r"^リセット|最初から(?:やり直|お願い|探)|やり直(?:し|す)|(?:はじめ|初め|いち)から(?:やり直|探)",
)
_LIFTED: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        _cue(
            r"\bany age\b|\bfor (?:me|myself|adults?|grown-?ups)\b"
            r"|\bfor my (?:husband|wife|boyfriend|girlfriend|partner|mother|father|mom|dad|parents|boss|colleague)s?\b"
            rf"|{_DROP} ages?(?: limit| rating)?\b|\bage does ?n[o']t\b",
            r"(?:夫|妻|主人|旦那|彼氏|彼女|母|父|両親|同僚|上司)(?:に|へ|への|の|向け)|年齢は(?:気にし|問わ)|大人向け|自分用|年齢(?:制限)?" + _JA_DROP,
        ),
        "age",
    ),
    (
        _cue(
            r"\bno budget\b|\b(?:price|money|budget|cost) (?:does ?n[o']t|is ?n[o']t|is no)\b|\bany (?:price|budget)\b|\bno (?:price|budget) limit\b"
            rf"|{_DROP} (?:budget|price|cost)(?: limit)?\b",
            r"(?:予算|値段|価格)は(?:気にし|問わ|忘れ|なし|関係)|いくらでも|予算" + _JA_DROP,
        ),
        "budget",
    ),
    (
        _cue(
            rf"\bany format\b|\bformat does ?n[o']t\b|{_DROP} formats?\b",
            r"(?:形(?:式|態)?|版|判型)は(?:問わ|何でも)|形式" + _JA_DROP,
        ),
        "format",
    ),
    (
        _cue(
            rf"\b(?:any|either) languages?\b|\blanguages? does ?n[o']t\b|{_DROP} languages?\b",
            r"言語は(?:問わ|何でも)|何語でも|言語" + _JA_DROP,
        ),
        "edition_language",
    ),
    (
        _cue(rf"\bany length\b|\blength does ?n[o']t\b|{_DROP} length\b", r"(?:長さ|巻数)は(?:問わ|何でも|気にし)|巻数" + _JA_DROP),
        "max_volumes",
    ),
)  # fmt: skip
# What goes with a limit: no form wanted is no form refused either.
_WITH = {
    "budget": {"series_budget"},
    "format": {"exclude_formats"},
    "edition_language": {"exclude_languages"},
}


def lifted(text: str) -> frozenset[str]:
    """The constraints (fields of the state) that a message takes back; with :data:`WISHES` all that was wished for."""
    text = text[:LONGEST_READ]
    if _OVER.search(text):
        return LIMITS | WISHES
    if _ALL.search(text):
        return LIMITS
    names = {name for pattern, name in _LIFTED if pattern.search(text)}
    return frozenset(names.union(*(_WITH.get(name, set()) for name in names)))
