"""What shoppers call a title: abbreviations, short forms, family names, in the demo shop."""

from __future__ import annotations

import pytest

from shop.demo.build import read_series
from shop.titles import find_mentions
from tests.shop.catalogue import import_lines

pytestmark = pytest.mark.django_db(transaction=True)

MEANT = {
    "JoJo": "jojo-stardust-crusaders",
    "tell me about JoJo's Bizarre Adventure": "jojo-stardust-crusaders",
    "ジョジョはありますか": "jojo-stardust-crusaders",
    "JoJo Part 7": "jojo-steel-ball-run",
    "Steel Ball Run 1": "jojo-steel-ball-run",
    "do you have AoT?": "attack-on-titan",
    "is SnK finished?": "attack-on-titan",
    "進撃の3巻": "attack-on-titan",
    "YYH vol 1": "yu-yu-hakusho",
    "how much is SxF 3": "spy-x-family",
    "HxH vol 2": "hunter-x-hunter",
    "hxh vol 2": "hunter-x-hunter",
    "hxh": "hunter-x-hunter",
    "what is jjk about?": "jujutsu-kaisen",
    "jjk": "jujutsu-kaisen",
    "aot": "attack-on-titan",
    "op 12": "one-piece",
    "hagaren": "fullmetal-alchemist",
    "ワンパンの1巻": "one-punch-man",
    "かぐや様は何巻まで？": "kaguya-sama",
    "do you have Kaguya-sama?": "kaguya-sama",
    "Frieren next volume": "frieren",
    "anything by Oda?": "Eiichiro Oda",
    "anything by oda?": "Eiichiro Oda",
    "Kubo": "Tite Kubo",
    "Battle Angel Alita 2": "battle-angel-alita",
    "Tokyo Ghoul": "tokyo-ghoul",
}

# Words of a sentence, not names.
NOT_MEANT = (
    "one of them, please",
    "the one in the middle",
    "One more question",
    "an op-ed on comics",
    "I WANT A CHEAP ONE FOR MY SON",
    "go on, please",
    "is it a go?",
    "no",
    "yes",
    "one",
    "ok",
)


def test_what_shoppers_call_them() -> None:
    assert import_lines(read_series())[1] == []
    wrong = {text: found for text, id in MEANT.items() if (found := ids_in(text)) != [id]}
    assert not wrong
    taken_for_names = {text: found for text in NOT_MEANT if (found := ids_in(text))}
    assert not taken_for_names


def ids_in(text: str) -> list[str]:
    return [mention.id for mention in find_mentions(text)]
