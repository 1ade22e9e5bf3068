"""The demo shop's twelve shoppers: who they are, and what they have bought so far (shop.demo.build)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DemoShopper:
    """``reads``: series id → the last volume they own, in their language."""

    customer_id: str
    name: str
    locale: str
    blurb: str
    blurb_ja: str
    reads: tuple[tuple[str, int], ...]


DEMO_SHOPPERS: tuple[DemoShopper, ...] = (
    DemoShopper("demo-aiko", "Aiko", "ja", "Reads on the train: quiet fantasy and good food.", "通勤電車で、静かな幻想譚とおいしい話を読む。", (("frieren", 4), ("delicious-in-dungeon", 3), ("mushishi", 2))),
    DemoShopper("demo-ben", "Ben", "en", "Likes his heroes haunted and his swords large.", "陰のある主人公と大きな剣が好き。", (("berserk", 5), ("vinland-saga", 3), ("claymore", 2))),
    DemoShopper("demo-chloe", "Chloe", "en", "Romance, fashion and a good cry.", "恋愛とファッション、そして泣ける話。", (("nana", 4), ("fruits-basket", 3), ("paradise-kiss", 2))),
    DemoShopper("demo-daichi", "Daichi", "ja", "Plays volleyball, reads volleyball.", "バレー部員で、読むのもバレー漫画。", (("haikyu", 6), ("slam-dunk", 3), ("blue-lock", 2))),
    DemoShopper("demo-emily", "Emily", "en", "Buys for a daughter of nine, and for herself.", "九歳の娘と、自分のために買う。", (("yotsuba", 4), ("cardcaptor-sakura", 2), ("chis-sweet-home", 3))),
    DemoShopper("demo-farid", "Farid", "en", "Thrillers, one volume a night.", "一晩に一冊、サスペンスを読む。", (("monster", 5), ("death-note", 4), ("20th-century-boys", 3))),
    DemoShopper("demo-grace", "Grace", "en", "Librarian; knows what teenagers really borrow.", "司書。十代が本当に借りる本を知っている。", (("demon-slayer", 4), ("spy-x-family", 5), ("my-hero-academia", 3))),
    DemoShopper("demo-haruto", "Haruto", "ja", "Started with One Piece and never stopped.", "ワンピースから始まり、今も読み続けている。", (("one-piece", 8), ("naruto", 4), ("hunter-x-hunter", 3))),
    DemoShopper("demo-ines", "Inês", "en", "Science fiction, the stranger the better.", "奇妙であればあるほど好きなSF読み。", (("akira", 3), ("blame", 2), ("planetes", 2))),
    DemoShopper("demo-jonas", "Jonas", "en", "Collects deluxe editions and horror.", "愛蔵版とホラーを集めている。", (("uzumaki", 2), ("tokyo-ghoul", 5), ("parasyte", 3))),
    DemoShopper("demo-kanae", "Kanae", "ja", "Cafés, cats and gentle afternoons.", "喫茶店と猫と、穏やかな午後。", (("natsumes-book-of-friends", 4), ("yokohama-kaidashi-kikou", 2), ("laid-back-camp", 3))),
    DemoShopper("demo-leo", "Leo", "en", "New here: bought one book so far.", "はじめての客。まだ一冊だけ。", (("chainsaw-man", 1),)),
)  # fmt: skip
