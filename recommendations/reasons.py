"""Why something is recommended, in the shopper's language; and the shelves' titles."""

from __future__ import annotations

_TITLES = {
    "en": {
        "continue": "Continue reading",
        "discover": "Picked for you",
        "similar": "Similar to {title}",
        "popular": "Popular right now",
    },
    "ja": {
        "continue": "続きを読む",
        "discover": "あなたへのおすすめ",
        "similar": "『{title}』に似た作品",
        "popular": "いま人気の作品",
    },
}

_REASONS = {
    "en": {
        "read": "Because you read {because}",
        "viewed": "Because you looked at {because}",
        "similar": "Similar to {because}",
        "personal": "Picked for you from what you have read and looked at",
        "wish": "A favourite among readers of {because}",
        "popular": "Popular with our readers right now",
        "trending": "More and more of our readers are finding it this week",
        "new": "A discovery few have made yet, close to {because}",
        "new.unnamed": "A discovery few have made yet, close to what you like",
        "next": "Volume {volume} of {title} comes next for you",
        "next.pre_order": "Volume {volume} of {title} is coming soon and can be pre-ordered",
    },
    "ja": {
        "read": "{because}を読んだあなたに",
        "viewed": "{because}をご覧になったあなたに",
        "similar": "{because}が好きな方に",
        "personal": "これまでの読書と閲覧からあなたに選びました",
        "wish": "ご希望のジャンルで読者に人気の作品",
        "popular": "いま読者に人気の作品",
        "trending": "今週、読者が急増中の作品",
        "new": "{because}に近い、まだ知る人の少ない作品",
        "new.unnamed": "お好みに近い、まだ知る人の少ない作品",
        "next": "『{title}』の続き、第{volume}巻です",
        "next.pre_order": "『{title}』第{volume}巻は近日発売、ご予約いただけます",
    },
}


def shelf_title(locale: str, name: str, *, title: str = "") -> str:
    return _TITLES[locale][name].format(title=title)


def sentence(
    locale: str, code: str, *, because: tuple[str, ...] = (), title: str = "", volume: int | None = None
) -> str:
    """``because``: titles of series, or for a wish the wished words; without any a reason names none."""
    if code == "new" and not because:
        code = "new.unnamed"
    if code in ("read", "viewed", "similar", "wish") and not because:
        code = "popular" if code == "wish" else "personal"
    return _REASONS[locale][code].format(because=_joined(locale, because), title=title, volume=volume)


def _joined(locale: str, names: tuple[str, ...]) -> str:
    return "".join(f"『{name}』" for name in names) if locale == "ja" else " and ".join(names)
