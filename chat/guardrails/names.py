"""No title, author or id that this turn's evidence does not hold."""

from __future__ import annotations

import re

from chat.guardrails.proof import Bare, Proof
from shop.text import fold
from shop.titles import mentions_of

_QUOTED = re.compile(
    r"“([^”]*)”|\"([^\"]*)\"|『([^』]*)』|「([^」]*)」|《([^》]*)》|〈([^〉]*)〉|‘([^’]*)’|«([^»]*)»|_([^_]+)_"
)
_CAPITAL = re.compile(r"(?<![\w'’])[A-Z][\w'’]*(?:-\w+)*")
_SHOUTED = re.compile(r"(?<![\w'’])(?:[A-Z]{4,}|[A-Z]+(?:-[A-Z]+)+)(?![\w'’])")
_SUBJECT = re.compile(
    r"^\W*([A-Z][\w'’]*)(?:,)? (?:is|was|has|had|follows|tells|stars|features|by|runs|ran|began|begins|offers|takes|would|will|might|"
    r"may|can|combines|blends|explores|remains|stands|makes|comes|continues|delivers|gives|and|or|also|fits|sounds|belongs)\b"
)
# Shorter names begin ordinary words.
SHORTEST_INSIDE = 6
_NO_NAMES = frozenset(
    "i i'm i'd i'll i've japan japanese english america american europe european tokyo manga assist ok okay dr mr ms mrs "
    "monday tuesday wednesday thursday friday saturday sunday january february march april june july august september "
    "october november december viking vikings edo meiji".split()
)
# What a sentence may begin with and go on "… is".
_PRONOUNS = frozenset(
    "it this that these those he she they there here what who both each everything nobody someone everyone readers fans "
    "reading if the a an and but so then one another i you we volume art artwork story pacing humour humor drama action "
    "tone also manga".split()
)


def unproven_name(read: Bare, proof: Proof) -> str:
    for match in _QUOTED.finditer(read.text):
        quoted = fold(next((group for group in match.groups() if group is not None), ""))
        if quoted and quoted not in proof.names:
            return f"unproven name {quoted!r}"
    for mention in mentions_of(proof.catalogue, read.unnamed):
        # Whatever of the shop is named and not proven: other titles, and those above the shopper's age.
        known = fold(mention.id) in proof.names if mention.kind == "author" else mention.id in proof.series
        if not known:
            return f"{mention.kind} outside the evidence: {mention.id}"
    return _unknown_capital(read.unnamed, proof)


def _unknown_capital(text: str, proof: Proof) -> str:
    """A capital inside a sentence makes a name, in Japanese anywhere."""
    if (shouted := _SHOUTED.search(text)) and not _is_known(shouted[0], proof):
        return f"unproven name {shouted[0]!r}"
    first = re.match(r"[\W_]*", text)
    start = first.end() if first else 0
    for match in _CAPITAL.finditer(text):
        if match.start() == start and proof.language == "en":
            if hidden := _begins_with_title(match[0], proof):
                return f"series outside the evidence: {hidden}"
            continue
        if not _is_known(match[0], proof):
            return f"unproven name {match[0]!r}"
    subject = _SUBJECT.match(text)
    if subject and subject[1].casefold() not in _PRONOUNS and not _is_known(subject[1], proof):
        return f"unproven name {subject[1]!r}"
    return ""


def _begins_with_title(word: str, proof: Proof) -> str:
    """ "Narutoverse": the id of a series whose name a longer word begins with."""
    word = fold(word)
    for end in range(SHORTEST_INSIDE, len(word)):
        kind, id = proof.catalogue.names.get(word[:end], ("", ""))
        if kind == "series" and id not in proof.series:
            return id
    return ""


def _is_known(word: str, proof: Proof) -> bool:
    known = word.casefold().replace("’", "'").removesuffix("'s")
    return all(part in proof.words or part in _NO_NAMES for part in known.split("-"))
