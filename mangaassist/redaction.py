"""Personal data out of free text, before it is logged, exported or shown to a model.

Rules over NFKC text: e-mail, payment cards (Luhn), phone numbers (Google's libphonenumber), Japan's My Number
(check digit of the ministerial ordinance), postal codes with 〒. Order numbers, ISBNs, ASINs and prices stay.
"""

from __future__ import annotations

import re
import unicodedata

import phonenumbers

_EMAIL = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})+")
_CARD = re.compile(r"(?<![\d-])(?:\d[ -]?){13,18}\d(?![\d-])")
_MY_NUMBER = re.compile(r"(?<![\d-])\d{4}[ -]?\d{4}[ -]?\d{4}(?![\d-])")
_POSTAL = re.compile(r"〒\s?\d{3}-?\d{4}")
_KEPT = re.compile(r"\b(?:[A-Z]{2,4}-\d{4,}|MD[A-Z0-9]{6,}|B0[A-Z0-9]{8}|97[89][- ]?(?:\d[- ]?){9}\d)\b")
_SEVEN_DIGITS = re.compile(r"(?:\d\D{0,3}){7}")
REGIONS = ("US", "JP")


def redact(text: str) -> str:
    """The text with ``[email]``, ``[card]``, ``[my number]``, ``[phone]`` and ``[address]`` in place of such data."""
    text = unicodedata.normalize("NFKC", text)
    text = _EMAIL.sub("[email]", text)
    if not _SEVEN_DIGITS.search(text):
        return text
    kept: list[str] = []

    def keep(match: re.Match[str]) -> str:
        kept.append(match[0])
        return chr(0xE000 + len(kept) - 1)

    text = _KEPT.sub(keep, text)
    text = _POSTAL.sub("[address]", text)
    text = _CARD.sub(lambda m: "[card]" if _is_card(m[0]) else m[0], text)
    text = _MY_NUMBER.sub(lambda m: "[my number]" if _is_my_number(m[0]) else m[0], text)
    text = _redact_phones(text)
    return "".join(kept[ord(char) - 0xE000] if 0xE000 <= ord(char) < 0xE000 + len(kept) else char for char in text)


def _digits(text: str) -> list[int]:
    return [int(char) for char in text if char.isdecimal()]


def _is_card(text: str) -> bool:
    """Luhn's check (ISO/IEC 7812-1)."""
    digits = _digits(text)[::-1]
    doubled = (d * 2 - 9 if d > 4 else d * 2 for d in digits[1::2])
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0


def _is_my_number(text: str) -> bool:
    """Check digit: 11 − Σ P(n)·Q(n) mod 11, with Q(n) = n + 1 for n ≤ 6, else n − 5."""
    *body, check = _digits(text)
    total = sum(p * (n + 1 if n <= 6 else n - 5) for n, p in enumerate(reversed(body), start=1))
    remainder = total % 11
    return check == (0 if remainder <= 1 else 11 - remainder)


def _redact_phones(text: str) -> str:
    for region in REGIONS:
        found = list(phonenumbers.PhoneNumberMatcher(text[:10_000], region))
        for match in reversed(found):
            text = f"{text[: match.start]}[phone]{text[match.end :]}"
    return text
