"""What is said to have said something: "ok", "hmm", "never mind", a thumb up. Pure rules over NFKC text."""

from __future__ import annotations

import re
import unicodedata

# Longer is no nod, whatever it is made of.
LONGEST = 60
# Groups that give nothing back: a text of nothing but these costs no more than it is long.
_WORDS = re.compile(
    r"(?>(?:oh|ah|well|ok|okay|k|yes|yeah|yep|yup|no|nope|nah|hm+|uh|um|er|never ?mind|no worries|all ?right|fine|sure"
    r"|cool|nice|great|good|perfect|awesome|got it|i see|understood|right|lol|haha|wow"
    r"|that'?s (?:all|it|fine|ok|okay)|nothing|nothing else)(?![a-z])\W*+)++"
    r"|(?>(?:はい|いいえ|いえ|うん|ううん|いや|ええ|えーと|えっと|う++[ー〜]*+ん?|ん[ー〜]*+|へ[えー]++|なるほど"
    r"|了解(?:です|しました)?+|(?:わ|分)かりました|わかった|大丈夫(?:です)?+|結構です|もういい(?:です)?+|やっぱり?いいです"
    r"|特に(?:ない|ありません)(?:です)?+|そうですか|OK(?:です)?+)\W*+)++",
    re.IGNORECASE,
)
# Of emoji, those that say that something is wrong.
_ANNOYED = re.compile("[👎😠😡🤬😤😢😭😞😒🙁☹]")


def is_a_nod(text: str) -> bool:
    """Whether it holds nothing to answer."""
    text = text.strip()
    if len(text) > LONGEST:
        return False
    if _WORDS.fullmatch(text):
        return True
    symbols = [char for char in text if not char.isspace()]
    # "So" symbols; their colour, how they are drawn and what joins them.
    only_symbols = all(unicodedata.category(char) in {"So", "Sk", "Mn", "Cf"} for char in symbols)
    return bool(symbols) and only_symbols and not _ANNOYED.search(text)
