"""No rude or hurtful word, no other language than the shopper's, no words of the prompt."""

from __future__ import annotations

import re
from collections.abc import Iterator

from chat.guardrails.proof import Bare, Proof

_RUDE = re.compile(
    r"\b(?:fuck\w*|shit\w*|bitch\w*|assholes?|bastards?|cunts?|sluts?|whores?|retard(?:ed|s)?|morons?|idiots?|imbeciles?|stupid|dumb|"
    r"nigg\w+|fagg?\w*|kill yourself|go die|hentai|porn\w*)\b"
    r"|死ね|くたばれ|クソ|糞|バカ野郎|馬鹿野郎|間抜け|ブス|キモい|エロ|ポルノ",
    re.IGNORECASE,
)
_JAPANESE = re.compile("[\u3041-\u30ff\u3400-\u9fff]")
_LATIN_WORD = re.compile(r"[A-Za-z]{2,}")
# Runs this long are no coincidence.
RUN_WORDS = 6
RUN_CHARS = 16


def bad_manners(read: Bare, proof: Proof) -> str:
    if found := _RUDE.search(read.unnamed):
        return f"rude word {found[0]!r}"
    in_japanese = _JAPANESE.search(read.unnamed) is not None
    if proof.language == "en" and in_japanese:
        return "another language"
    if proof.language == "ja" and not in_japanese and len(_LATIN_WORD.findall(read.unnamed)) > 2:
        return "another language"
    if proof.repeated and any(run in proof.repeated for run in runs(read.text)):
        return "words of the prompt"
    return ""


def runs(text: str) -> Iterator[str]:
    """Runs of words, or of characters where there are no spaces: what two texts share when one repeats the other."""
    words = re.findall(r"[a-z']+", text.casefold())
    yield from (" ".join(words[at : at + RUN_WORDS]) for at in range(len(words) - RUN_WORDS + 1))
    line = "".join(_JAPANESE.findall(text))
    yield from (line[at : at + RUN_CHARS] for at in range(len(line) - RUN_CHARS + 1))
