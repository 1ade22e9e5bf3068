"""How old the reader is: what is said outright, a school year, or words for children. Pure rules over NFKC text."""

from __future__ import annotations

import re

# "8-year-old", "aged 8", "8 yo", 8歳
_SAID = re.compile(
    r"(?<![\d.$€£¥])(\d{1,2})\s*[- ]?\s*(?:(?:years?|yrs?)[- ]?\s*olds?|y\.?/?o\b|year[- ]olds?)\b"
    r"|\b(?:aged?|ages)\s+(\d{1,2})\b"
    r"|(?<!\d)(\d{1,2})\s*(?:歳|才|さい(?!ん))",
    re.IGNORECASE,
)
_READER = (
    r"(?:i|he|she|they|(?:my|our|the|his|her)\s+(?:(?:little|big|older|younger|youngest|oldest|eldest|baby|twin)\s+)*"
    r"(?:son|daughter|kid|child|boy|girl|brother|sister|nephew|niece|cousin|grandson|granddaughter|grandchild|"
    r"godson|goddaughter|student|pupil|teen(?:ager)?|friend|girlfriend|boyfriend|wife|husband|partner))"
)
# What makes a number no age: "I'm 3 volumes in", "she is 15 chapters behind", "my son is 2nd".
_NO_AGE = (
    r"(?![\d.,]*\d|\s*(?:%|percent|vol|book|chapter|page|copies|copy|dollar|buck|euro|yen|pound|usd|eur|minute|hour|day|week|"
    r"month|km|mile|cm|kg|st\b|nd\b|rd\b|th\b|of\b|more\b|behind\b|ahead\b|in\b|into\b|\$|€|£|¥|円|巻))"
)
# "I'm 15", "my daughter is 9", "my son turns 12", "she's almost 10"
_IS = re.compile(
    rf"\b{_READER}\s*(?:['’](?:m|s|re)|\s(?:am|is|are|turns?|just turned|turned|will be|is turning|becomes))\s+"
    rf"(?:(?:only|just|almost|about|around|nearly|turning|like|now)\s+)*(\d{{1,2}})\b{_NO_AGE}",
    re.IGNORECASE,
)
_LEADING = re.compile(r"^\s*(?:im|m|f)\s*,?\s*(\d{1,2})\b" + _NO_AGE, re.IGNORECASE)
# School years: the age at which a year begins, in Japan and in the United States.
_PRIMARY_JA, _MIDDLE_JA, _HIGH_JA = 6, 12, 15
_YEAR_JA = re.compile(
    r"(小学校?|小|中学校?|中|高校|高)\s*([1-6一二三四五六])\s*(?:年生?|(?=の|に|で|男|女|です|だ|[、。\s]|$))"
)
_KANJI_DIGITS = {char: at for at, char in enumerate("一二三四五六", start=1)}
_ORDINALS = {
    "first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8,
    "ninth": 9, "tenth": 10, "eleventh": 11, "twelfth": 12,
}  # fmt: skip
_GRADE = re.compile(
    rf"\b(?:(\d{{1,2}})(?:st|nd|rd|th)|({'|'.join(_ORDINALS)}))[- ]grade(?:rs?)?\b|\bgrade\s+(\d{{1,2}})\b",
    re.IGNORECASE,
)
_GRADE_BEGINS_AT = 5
# A word for somebody young, and the age that is taken for it: the youngest that it usually means.
_YOUNG = (
    (re.compile(r"\b(?:toddler|preschool\w*|kindergart\w+|nursery)\b|幼児|園児|幼稚園|保育園", re.IGNORECASE), 4),
    (re.compile(r"\b(?:kids?|child(?:ren)?|primary school\w*|elementary school\w*)\b|子供|子ども|こども|キッズ|小学生", re.IGNORECASE), 10),
    (
        re.compile(
            r"\b(?:little|younger|baby) (?:brother|sister|cousin)\b|\b(?:middle school\w*|tweens?|teen(?:ager)?s?|nephew|niece)\b"
            r"|中学生|ティーン|甥|姪|めい(?:っ子|に)|おい(?:っ子|に)",
            re.IGNORECASE,
        ),
        13,
    ),
    (re.compile(r"\b(?:high school (?:student|kid|boy|girl)\w*|high[- ]?schoolers?)\b|高校生", re.IGNORECASE), 16),
)  # fmt: skip
# Without one of these, "manga about children" is a subject and no reader.
_FOR_SOMEONE = re.compile(
    r"\b(?:for|to) (?:(?:a|an|my|our|some|the|his|her|two|three) )?|\b(?:my|our) |\bgift\b|\bpresent\b|\bi(?:'m| am)\b"
    r"|\bkids?['’]? (?:manga|books?|series|comics?|section)|向け|の子|息子|娘|に(?:おすすめ|合う|贈|あげ|読ませ|プレゼント|何か|は|も)|でも読め|です",
    re.IGNORECASE,
)
_SUBJECT = re.compile(
    r"\b(?:about|set in|starring|featuring|with) (?:(?:a|an|the|some|young) )*$|^(?:が主人公|の話|もの)"
)
OLDEST = 99


def age_of(rest: str) -> tuple[int | None, str]:
    """(years, the text without the number). ``rest``: with titles, order numbers and prices already out of the way."""
    match = _SAID.search(rest) or _IS.search(rest) or _LEADING.search(rest)
    if match is not None:
        said = int(next(group for group in match.groups() if group))
        return (said if 0 < said <= OLDEST else None), rest[: match.start()] + " " + rest[match.end() :]
    school = _school_year(rest)
    if school is not None:
        return school
    if _FOR_SOMEONE.search(rest):
        for pattern, age in _YOUNG:
            word = pattern.search(rest)
            if word and not (_SUBJECT.search(rest[: word.start()]) or _SUBJECT.match(rest[word.end() :])):
                return age, rest
    return None, rest


def _school_year(rest: str) -> tuple[int, str] | None:
    match = _YEAR_JA.search(rest)
    if match is not None:
        year = _KANJI_DIGITS.get(match[2]) or int(match[2])
        begins = {"小": _PRIMARY_JA, "中": _MIDDLE_JA, "高": _HIGH_JA}[match[1][0]]
        return begins + year - 1, rest[: match.start()] + " " + rest[match.end() :]
    match = _GRADE.search(rest)
    if match is not None:
        year = _ORDINALS[match[2].casefold()] if match[2] else int(match[1] or match[3])
        return _GRADE_BEGINS_AT + year, rest[: match.start()] + " " + rest[match.end() :]
    return None
