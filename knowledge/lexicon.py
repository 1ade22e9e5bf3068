"""Words that say nothing in a question about the shop, and other words for the same matter."""

from __future__ import annotations

import re

STOP_WORDS = frozenset(
    "a an and any are as at be by can could d do does for from get have how i if in is it long many me much my of on or"
    " our please s so that the there they this to was we what when where which who will with would you your"
    " は が を に へ と で も の か な ね よ です ます"
    # What is said of any subject: "return policy", "information about returns".
    " about policy policies rule rules term terms condition conditions info information detail details"
    " question questions tell explain know give work works".split()
)

# The same in Japanese, where a question has no spaces between its words.
_OF_ANY_SUBJECT = re.compile("ポリシー|規約|規定|条件|ルール|詳細|詳しく|情報(?<!個人情報)")

# What shoppers say → what articles say.
_SAME: tuple[tuple[tuple[str, ...], str], ...] = (
    (("send back", "sending back", "sending things back", "give back"), "return returns"),
    (("manga", "comic", "volume"), "book"),
    (("opened", "unwrapped", "unsealed", "already read"), "unread seal"),
    (("ship free", "free shipping", "free delivery", "deliver free"), "shipping cost free"),
    (("postage", "delivery cost", "shipping cost"), "shipping cost"),
    (("shipping rate", "shipping fee", "shipping charge", "delivery fee", "delivery charge"), "shipping cost much"),
    (
        ("deliver to", "ship to", "abroad", "overseas", "worldwide", "canada", "germany", "europe"),
        "international shipping",
    ),
    (("how long", "how many days", "when will it arrive"), "shipping time delivery days"),
    (("deliver", "delivery"), "shipping"),
    (("money back",), "refund"),
    (("cancellation", "cancelling", "canceling"), "cancel order changes"),
    (("pickup", "collect in store"), "pick up shop"),
    (("second hand", "secondhand", "pre owned"), "used new only"),
    (("privacy policy", "data protection"), "data account delete"),
    (("broken", "torn", "defective", "damage"), "damaged"),
    (("paypal", "credit card", "pay by", "pay with"), "payment methods"),
    (("wrap", "wrapping", "present"), "gift"),
    (("preorder", "pre order"), "pre order preorder"),
    (("kindle", "device", "download"), "ebook"),
    (("loyalty", "points", "rewards"), "membership points"),
    (("lost", "missing", "never arrived"), "missing parcel"),
    (("どのくらい", "何日", "日数", "いつ届"), "配送 発送 営業日"),
    (("送って", "海外", "アメリカ"), "海外 配送"),
    (("破れ", "傷", "壊れ", "破損", "折れ", "汚れ", "濡れ"), "破損 写真 返送 不要"),
    (("ラッピング", "包装", "プレゼント"), "ギフト 包装"),
    (("プライバシー",), "個人情報 扱い"),
)  # fmt: skip


def subject_of(query: str) -> str:
    """A question without what could be said of any subject, or as it is when nothing else is in it."""
    return _OF_ANY_SUBJECT.sub(" ", query).strip() or query


def expand(folded: str) -> str:
    """Further words for a folded question."""
    return " ".join(more for said, more in _SAME if any(each in folded for each in said))
