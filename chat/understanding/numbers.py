"""Numbers as people write them: kanji numerals, ISBNs, amounts of money, dates of release. No I/O."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date, timedelta
from decimal import Decimal

_DIGITS = {"〇": 0, "一": 1, "二": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9}
_UNITS = {"十": 10, "百": 100, "千": 1000}
_KANJI = "[〇一二三四五六七八九十百千]+"
_COUNTED = re.compile(rf"(?<=第){_KANJI}(?=[巻集部])|{_KANJI}(?=[巻冊歳才円]|万円)|(?<=から){_KANJI}(?=巻)")
_WORDS = {
    word: number
    for number, word in enumerate(
        "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen".split(), 1
    )
}
_SPELLED = re.compile(
    rf"\b({'|'.join(_WORDS)})(?=[- ]years?[- ]old\b| (?:volumes?|books?)\b)|(?<=\bvolume )({'|'.join(_WORDS)})\b",
    re.IGNORECASE,
)


def with_digits(text: str) -> str:
    """Counted numerals as digits: 第十二巻 → 第12巻, 五千円 → 5000円, "eleven-year-old" → "11-year-old"."""
    text = _COUNTED.sub(lambda match: str(kanji_number(match[0])), text)
    return _SPELLED.sub(lambda match: str(_WORDS[(match[1] or match[2]).lower()]), text)


def kanji_number(numeral: str) -> int:
    """二十三 → 23, 百五 → 105, 二〇 → 20."""
    if not set(numeral) & set(_UNITS):
        return int("".join(str(_DIGITS[char]) for char in numeral))
    total = digit = 0
    for char in numeral:
        if char in _DIGITS:
            digit = _DIGITS[char]
        else:
            total += (digit or 1) * _UNITS[char]
            digit = 0
    return total + digit


# --- ISBN -------------------------------------------------------------------------------------------------

_ISBN = re.compile(r"(?<![\dA-Za-z-])(?:97[89][- ]?)?(?:\d[- ]?){9}[\dXx](?![\dA-Za-z])")


def isbns_of(text: str) -> tuple[tuple[str, ...], str]:
    """(ISBN-13s whose check digit is right, the text without them); ISO 2108: ISBN-10 counts modulo 11, 13 modulo 10."""
    found: list[str] = []

    def take(match: re.Match[str]) -> str:
        isbn = isbn13(match[0])
        if not isbn:
            return match[0]
        found.append(isbn)
        return " " * len(match[0])

    rest = _ISBN.sub(take, text)
    return tuple(dict.fromkeys(found)), rest


def with_isbns_masked(text: str) -> str:
    """Every ISBN with a right check digit as ``<num>``, hyphens and all."""
    return _ISBN.sub(lambda match: "<num>" if isbn13(match[0]) else match[0], text)


def isbn13(written: str) -> str:
    """The ISBN-13 of an ISBN-10 or -13 as written; empty if the check digit is wrong."""
    bare = re.sub(r"[- ]", "", written).upper()
    if len(bare) == 10:
        values = [10 if char == "X" else int(char) for char in bare]
        if sum(value * weight for value, weight in zip(values, range(10, 0, -1), strict=True)) % 11:
            return ""
        body = "978" + bare[:9]
        return body + str(-_weighed(body) % 10)
    return bare if len(bare) == 13 and bare.isdecimal() and _weighed(bare) % 10 == 0 else ""


def _weighed(digits: str) -> int:
    return sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(digits))


# --- Money ------------------------------------------------------------------------------------------------

_AMOUNT = r"(\d{1,3}(?:,\d{3})+(?:\.\d{1,2})?|\d+(?:[.,]\d{1,2}(?!\d))?)"
_SIGN = r"(?:us\$|usd|[$€£¥])"
_UNIT = r"(?:円|万円|千円|ドル|ユーロ|ポンド|dollars?|bucks|usd|yen|jpy|euros?|eur|pounds?|gbp|[€£$])"
_LIMITS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"\bbetween {_SIGN}?\s*[\d.,]+\s*{_UNIT}?\s*and\s*{_SIGN}?\s*{_AMOUNT}(?!\d)",
        rf"\b(?:under|below|less than|cheaper than|at most|up to|max(?:imum)?(?: of)?|within|no more than|not more than)\s*"
        rf"{_SIGN}?\s*{_AMOUNT}(?!\d|\s*(?:volumes?|books?|pages?|years?|days?|%))",
        rf"\bbudget\b(?: is| of|:)?\s*{_SIGN}?\s*{_AMOUNT}(?!\d)",
        rf"\b(?:have|got|spend|with|for)\s*(?:only |about )?(?:{_SIGN}\s*{_AMOUNT}|{_AMOUNT}\s*{_UNIT})(?!\d)",
        rf"予算(?:は|が)?\s*{_SIGN}?\s*{_AMOUNT}(?!\d)",
        rf"{_SIGN}?\s*{_AMOUNT}\s*{_UNIT}?\s*(?:以下|以内|未満|まで(?!に)|より安|or less|max\b)",
        rf"{_AMOUNT}\s*{_UNIT}(?:で(?!す)|しか|あれば|の予算|くらいで|ぐらいで)",
    )
)
_CURRENCIES = (
    ("JPY", re.compile(r"[¥円]|yen|jpy", re.IGNORECASE)),
    ("EUR", re.compile(r"€|eur|ユーロ", re.IGNORECASE)),
    ("GBP", re.compile(r"£|pound|gbp|ポンド", re.IGNORECASE)),
    ("USD", re.compile(r"[$]|dollar|usd|buck|ドル", re.IGNORECASE)),
)


_ASKED_IN = re.compile(
    r"\b(?:in|to|into)\s+(us dollars?|dollars?|usd|yen|jpy|euros?|eur|pounds?|gbp)\b"
    r"|(日本円|円|ドル|ユーロ|ポンド)(?:だと|では|に(?:直|換算)|換算|建て|で(?:いくら|おいくら|何|の(?:値段|価格)))",
    re.IGNORECASE,
)


def currency_asked(text: str) -> str:
    """The currency (ISO 4217) in which a price is asked for: "how much is it in euros?", ユーロだといくら."""
    match = _ASKED_IN.search(text)
    return next((code for code, sign in _CURRENCIES if sign.search(match[1] or match[2])), "") if match else ""


def price_limit_of(text: str) -> tuple[Decimal | None, str, str]:
    """(the most that may be spent, its currency or "", the text without it)."""
    for pattern in _LIMITS:
        match = pattern.search(text)
        if match is None:
            continue
        written = next(group for group in match.groups() if group)
        after = text[match.end() : match.end() + 9]
        said = match[0] + re.match(rf"\s*{_UNIT}?", after, re.IGNORECASE)[0]  # type: ignore[index]
        currency = next((code for code, sign in _CURRENCIES if sign.search(said)), "")
        digits = written.replace(",", ".") if re.fullmatch(r"\d+,\d{1,2}", written) else written.replace(",", "")
        times = 10_000 if "万円" in said else 1_000 if "千円" in said else 1
        return Decimal(digits) * times, currency, text[: match.start()] + " " + text[match.end() :]
    return None, "", text


# --- Dates ------------------------------------------------------------------------------------------------

Span = tuple[date | None, date | None]
_YEAR = r"((?:19|20)\d\d)(?!\d)"
_BEFORE = re.compile(rf"\b(?:before|prior to|older than)\s+{_YEAR}|{_YEAR}年?(?:より前|以前|まで)", re.IGNORECASE)
_AFTER = re.compile(rf"\b(?:after|later than|newer than)\s+{_YEAR}|{_YEAR}年?より(?:後|新し)", re.IGNORECASE)
_SINCE = re.compile(rf"\b(?:since|from)\s+{_YEAR}(?!s)|{_YEAR}年?(?:以降|から)", re.IGNORECASE)
_IN_YEAR = re.compile(rf"\b(?:in|of|released|published)\s+{_YEAR}(?!s)|{_YEAR}年", re.IGNORECASE)
_DECADE = re.compile(r"\b(?:19|20)?(\d)0'?s\b|(?:19|20)?(\d)0年代", re.IGNORECASE)
_MONTH_NAMES = {
    name: number
    for number, name in enumerate(
        "january february march april may june july august september october november december".split(), 1
    )
}
_MONTH = re.compile(
    rf"\b(?:in|of|released|for)\s+({'|'.join(_MONTH_NAMES)})(?:,?\s+((?:19|20)\d\d))?\b"
    r"|(?:((?:19|20)\d\d)年)?(\d{1,2})月(?:に|の|発売|刊)",
    re.IGNORECASE,
)
_DAYS = ((re.compile(r"\bnext week\b|来週", re.IGNORECASE), 7), (re.compile(r"\bthis week\b|今週", re.IGNORECASE), 0), (re.compile(r"\blast week\b|先週", re.IGNORECASE), -7))  # fmt: skip
_COMING = re.compile(
    r"\b(?:upcoming|coming soon|forthcoming|not (?:yet )?out yet|future releases?|soon to be released)\b"
    r"|\b(?:any|what|which|your|list of|see|show me) (?:\w+ )?pre-?orders?\b(?! (?:work|polic|price))"
    r"|予約(?:できる|可能な)(?:漫画|マンガ|本|作品|もの)|予約受付中|近日(?:発売|刊行)|発売予定|これから(?:出|発売)",
    re.IGNORECASE,
)
_NEW = re.compile(
    r"\b(?:new|latest|newest|recent) (?:releases?|arrivals?|publications?)\b|\b(?:recently|newly|just) (?:released|published|out|came out)\b"
    r"|新刊|最近(?:出|発売|刊行)",
    re.IGNORECASE,
)
# So many days a book counts as new.
_NEW_DAYS = 90
_MONTHS = ((re.compile(r"\bnext month\b|来月", re.IGNORECASE), 1), (re.compile(r"\bthis month\b|今月", re.IGNORECASE), 0), (re.compile(r"\blast month\b|先月", re.IGNORECASE), -1))  # fmt: skip
_YEARS = ((re.compile(r"\bnext year\b|来年", re.IGNORECASE), 1), (re.compile(r"\bthis year\b|今年", re.IGNORECASE), 0), (re.compile(r"\blast year\b|去年|昨年", re.IGNORECASE), -1))  # fmt: skip


def release_dates_of(text: str, today: date) -> Span:
    """(on or after, before): "before 2020" → (None, 2020-01-01), 来月 → the first days of the next and its next month.

    "Upcoming" is from tomorrow on, "new releases" the last 90 days; a week begins on Monday.
    """
    if match := _BEFORE.search(text):
        year = _first_group(match)
        # 以前 and まで take the year in.
        return None, date(year + (1 if match[0].endswith(("以前", "まで")) else 0), 1, 1)
    if match := _AFTER.search(text):
        return date(_first_group(match) + 1, 1, 1), None
    if match := _SINCE.search(text):
        return date(_first_group(match), 1, 1), None
    if (match := _MONTH.search(text)) and (span := _month_said(match, today)):
        return span
    if match := _IN_YEAR.search(text):
        return date(_first_group(match), 1, 1), date(_first_group(match) + 1, 1, 1)
    if match := _DECADE.search(text):
        tens = _first_group(match)
        first = (2000 if tens < 4 else 1900) + tens * 10
        return date(first, 1, 1), date(first + 10, 1, 1)
    first_of_month = today.replace(day=1)
    for pattern, months in _MONTHS:
        if pattern.search(text):
            first_day = _month_on(first_of_month, months)
            return first_day, _month_on(first_day, 1)
    for pattern, years in _YEARS:
        if pattern.search(text):
            return date(today.year + years, 1, 1), date(today.year + years + 1, 1, 1)
    monday = today - timedelta(days=today.weekday())
    for pattern, days in _DAYS:
        if pattern.search(text):
            return monday + timedelta(days=days), monday + timedelta(days=days + 7)
    if _COMING.search(text):
        return today + timedelta(days=1), None
    if _NEW.search(text):
        return today - timedelta(days=_NEW_DAYS), today + timedelta(days=1)
    return None, None


def _month_said(match: re.Match[str], today: date) -> Span | None:
    """ "in March 2024", 2024年3月の; without a year that of today."""
    name, year, year_ja, month_ja = match.groups()
    month = _MONTH_NAMES[name.lower()] if name else int(month_ja)
    if not 1 <= month <= 12:
        return None
    first = date(int(year or year_ja or today.year), month, 1)
    return first, _month_on(first, 1)


def _first_group(match: re.Match[str]) -> int:
    return int(next(group for group in match.groups() if group))


def _month_on(first: date, months: int) -> date:
    """The first day of the month before, the same, or the month after."""
    if months < 0:
        return (first - timedelta(days=1)).replace(day=1)
    return first + timedelta(days=monthrange(first.year, first.month)[1]) if months else first
