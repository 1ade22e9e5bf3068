"""What narrows a wish beside genre and price: complete or running, how long, in which order. Rules over NFKC text."""

from __future__ import annotations

import re
from dataclasses import dataclass

from chat.understanding.types import Order

# "Something short", when no number is said.
SHORT_VOLUMES = 10
LONGEST_READ = 300

_THING = r"(?:manga|series|stor(?:y|ies)|ones?|titles?|comics?|works?|books?)"
_COMPLETE = re.compile(
    r"\b(?:completed|finished|concluded)\s+(?:\w+\s+){0,2}" + _THING + r"\b|\bcomplete (?:manga|series|stories)\b"
    r"|(?:^|\b(?:an?|some|any|only|short|recommend|suggest|good|great|best|nice|already|fully|me|please)\s+)(?:completed|finished)\b"
    r"(?!\s+(?:set|collection|box|reading|it|them|volume|<))"
    r"|\b(?:that|which|must|should|has to|have to|to)(?:'s| is| are| be|'re)\s+(?:already |all )?(?:completed?|finished|over|done)\b"
    r"|完結(?:済|した|してる|している|する(?!まで)|もの|作品|漫画|マンガ)|で完結",
    re.IGNORECASE,
)
_RUNNING = re.compile(
    r"\b(?:ongoing|still running|still going|unfinished)\s+(?:\w+\s+){0,2}"
    + _THING
    + r"\b|連載中の(?:漫画|マンガ|作品|もの)",
    re.IGNORECASE,
)
_FEWER_THAN = re.compile(
    r"\b(?:less|fewer) than\s+(\d{1,3})\s+(?:volumes?|books?|vols?)\b|\bunder\s+(\d{1,3})\s+(?:volumes?|books?|vols?)\b"
    r"|(\d{1,3})巻未満",
    re.IGNORECASE,
)
_AT_MOST = re.compile(
    r"\b(?:at most|up to|max(?:imum)?(?: of)?|no more than|not more than|within|around|about)\s+(\d{1,3})\s+(?:volumes?|books?|vols?)\b"
    r"|\b(\d{1,3})\s+(?:volumes?|books?|vols?)\s+(?:or (?:less|fewer)|max(?:imum)?|at most|long)\b"
    r"|(\d{1,3})巻(?:以内|以下|(?:くらい|ぐらい|程度|ほど|前後|まで)(?:で|の(?:漫画|マンガ|作品|もの)))",
    re.IGNORECASE,
)
_SHORT = re.compile(
    r"\bshort(?:er)?\s+(?:\w+\s+){0,2}"
    + _THING
    + r"\b|\bsomething (?:short|quick)\b|\b(?:not|nothing|no)\s+(?:too |so |that |very |really )?long\b|n['o]?t (?:want |like )?(?:anything |it )?(?:to be )?(?:too |so |that |very )?long\b"
    r"|\bquick read\b|短(?:い|め|編)|サクッと|すぐ読み?終|長くな|長すぎな",
    re.IGNORECASE,
)
_ORDERS: tuple[tuple[re.Pattern[str], Order], ...] = (
    (
        re.compile(
            r"\b(?:best|highest|top)[- ](?:rated|reviewed|rating)|\bbest (?:reviews|ratings)\b|評価(?:の|が)(?:一番|いちばん|最も)?高|高評価|評判の(?:いい|良い)",
            re.IGNORECASE,
        ),
        "rating",
    ),
    (
        re.compile(
            r"\b(?:newest|brand[- ]new|most recent|latest)\s+(?:manga|series|titles?|releases?|arrivals?|comics?|books)\b|\bnew (?:releases|arrivals)\b"
            r"|(?:一番|いちばん|最も)?新しい(?:漫画|マンガ|作品|シリーズ|の)|新作|最新の(?:漫画|マンガ|作品)",
            re.IGNORECASE,
        ),
        "newest",
    ),
    (
        re.compile(
            r"\b(?:cheapest|least expensive|lowest[- ]priced?)(?:\s+(?:manga|series|titles?|books?|comics?|of (?:those|these|them)|you have))?[\s?.!]*$"
            r"|\b(?:cheapest|least expensive)\s+(?:manga|series|titles?|comics?)\b|(?:一番|いちばん|最も)安い(?:漫画|マンガ|作品|の)|安い順",
            re.IGNORECASE,
        ),
        "cheapest",
    ),
)


@dataclass(frozen=True, slots=True)
class Narrowing:
    """``status``: complete, ongoing or empty. ``max_volumes``: of the whole series."""

    status: str = ""
    max_volumes: int | None = None
    order: Order = ""


def narrowing_of(text: str) -> tuple[Narrowing, str]:
    """(what narrows, the text without the number of volumes: that is no volume's number)."""
    text, beyond = text[:LONGEST_READ], text[LONGEST_READ:]
    status = "complete" if _COMPLETE.search(text) else "ongoing" if _RUNNING.search(text) else ""
    order: Order = next((name for pattern, name in _ORDERS if pattern.search(text)), "")
    most: int | None = None
    rest = text
    for pattern, less in ((_FEWER_THAN, 1), (_AT_MOST, 0)):
        if (match := pattern.search(rest)) and most is None:
            most = int(next(group for group in match.groups() if group)) - less
            rest = rest[: match.start()] + " " + rest[match.end() :]
    if most is None and _SHORT.search(text):
        most = SHORT_VOLUMES
    return Narrowing(status, most, order), rest + beyond
