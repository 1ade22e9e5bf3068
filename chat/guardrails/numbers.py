"""No number outside a slot or a proven name: digits of any script, numerals, number words, money."""

from __future__ import annotations

import re
import unicodedata

from chat.guardrails.proof import Bare, Proof

_COUNTED = (
    r"(?:volumes?|vols?\b|books?|cop(?:y|ies)|editions?|parts?|seasons?|days?|weeks?|months?|years?|hours?|minutes?|"
    r"percent|left|remaining|dollars?|hundred|thousand|million)"
)
_WORDS = re.compile(
    r"\b(?:zero|two|three|four|five|six|seven|eight|nine|tens?|eleven|twelve|dozens?|twice|thrice|doubled?|tripled?|"
    r"third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|eleventh|twelfth|couple of|umpteen)\b"
    # Also glued to other words, where no other word holds them.
    r"|(?:three|four|five|six|seven|(?<!w)(?<!h)(?<!fr)(?<!sl)eight|eleven|twelve|hundred|thousand|million|billion|dozen)"
    r"|(?:thir|fif|eigh|nine)teen|(?:twent|thirt|fort|fift|sixt|sevent|eight|ninet)(?:y|ie)"
    rf"|\b(?:one|second|single|a|an|half an?) {_COUNTED} (?:left|remaining|ago|away)\b|\b(?:one|second)[ -]{_COUNTED}"
    r"|\bnumber one\b|\b(?:vol(?:ume)?s?|books?|parts?|chapters?)\.? +[ivxlcdm]+\b"
    # Romanised Japanese counting
    r"|(?:hyaku|byaku|pyaku)\b|\b(?:ichi|ni|san|yon|go|roku|nana|hachi|kyuu?|juu?|sen|man)[ -](?:en|kan|satsu)\b"
    r"|ひゃく|びゃく|ぴゃく|(?:いち|に|さん|よん|ご|ろく|なな|はち|きゅう|じゅう|せん|まん)(?:えん|かん|さつ)|ひとつ|ふたつ|みっつ|よっつ|いつつ",
    re.IGNORECASE,
)
_ROMAN = re.compile(r"\b(?:[IVXLCDM]{2,}|i{2,3}|iv|vi{1,3}|ix|xi{1,3}|xi?v|xx+)\b")
_MONEY = re.compile(
    r"dollar|bucks|\bbuck\b|\b(?:usd|jpy|eur|gbp|cents?|yen|euros?|pounds?|quid|fivers?|tenners?|pence|penn(?:y|ies)|dimes?|nickels?)\b"
    r"|ドル|ユーロ|ポンド|ワンコイン|小銭|(?<!楕)円(?![満盤環卓熟形陣])|えんです|パーセント|割(?:引|り引)",
    re.IGNORECASE,
)
# Ordinary words that hold a numeral and count nothing.
_NO_NUMBER = re.compile(
    "一緒|一番|一方|一気|一度|一見|一部|一族|一味|一般|一風|一途|一緒|一杯|一筋|一歩|一瞬|唯一|統一|同一|万一|万能|万人|十分|十字|"
    "百合|千葉|八百屋|七転八起|三角|四季|四角|五感|六感|二度と|無二|一人|二人|世界一|第一"
)


def number_outside_slot(read: Bare, proof: Proof) -> str:
    text = _NO_NUMBER.sub(" ", read.unnamed)
    for char in text:
        # Also 一二三, Ⅳ and ½: whatever Unicode calls a number.
        if char.isnumeric():
            return f"number {char} outside a slot"
        if unicodedata.category(char) == "Sc":
            return "money outside a slot"
    if _MONEY.search(text):
        return "money outside a slot"
    if found := _WORDS.search(text) or _ROMAN.search(text):
        return f"number word {found[0]!r}"
    return ""
