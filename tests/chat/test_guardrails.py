"""What a model may say, guard by guard, in both languages."""

from __future__ import annotations

import pytest

from chat.guardrails import judge
from chat.prompts import stable_part
from tests.chat.evidence import proof

B, V, C = "BERSERK-1", "VINLAND-SAGA-1", "CENTURY-BOYS-1"

MAY_BE_SAID = [
    ("en", "If you like dark stories, {{series:berserk}} should suit you."),
    ("en", "Berserk is a dark fantasy by Kentaro Miura about a lone mercenary."),
    ("en", "It has {{count:berserk}} volumes, began in {{started:berserk}} and is still running."),
    ("en", f"- {{{{title:{B}}}}}: {{{{price:{B}}}}}, {{{{stock:{B}}}}}\n"),
    ("en", f"**{{{{title:{B}}}}}** costs {{{{price:{B}}}}} and is {{{{stock:{B}}}}} right now."),
    ("en", f"{{{{title:{B}}}}} is {{{{stock:{B}}}}}, {{{{title:{V}}}}} is {{{{stock:{V}}}}}."),
    ("en", "“20th Century Boys” is a mystery that keeps you guessing."),
    ("en", "20th Century Boys is a slow-burning mystery for those who like to guess."),
    ("en", "Readers who enjoy revenge stories tend to love this one! 📚"),
    ("en", f"I'd start with {{{{title:{B}}}}}."),
    ("en", "I think you would really enjoy {{series:berserk}}, and I can also recommend {{series:vinland-saga}}."),
    ("en", "We love this one, and I am happy to tell you more."),
    ("en", "I'd say it is a slow-burning story, still running, for those who like to guess."),
    ("en", "If I had to choose, I would pick {{series:berserk}} for the art."),
    ("en", "{{passage:P1}}"),
    ("en", "Which of them would you like to hear more about?"),
    ("en", "Vinland Saga's hero grows from a boy who hates into a man who forgives."),
    ("ja", "{{series:berserk}}は、暗く重い物語がお好きなら一番のおすすめです。"),
    ("ja", "『ベルセルク』の作者は三浦建太郎です。"),
    ("ja", f"- {{{{title:{B}}}}}：{{{{price:{B}}}}}、{{{{stock:{B}}}}}\n"),
    ("ja", f"{{{{title:{B}}}}}は{{{{price:{B}}}}}で、{{{{stock:{B}}}}}です。"),
    ("ja", "巻数は{{count:berserk}}巻です。"),
    ("ja", "人と人が一緒に生きることを描いた作品です。"),
]


@pytest.mark.parametrize(("language", "sentence"), MAY_BE_SAID)
def test_what_may_be_said(language: str, sentence: str) -> None:
    assert judge(sentence, proof(language)) is None  # type: ignore[arg-type]


# What is false or unproven: prices, stock, terms, in figures and in words.
FALSE_STATEMENTS = [
    ("en", "It costs $5.", "numbers"),
    ("en", "It costs 9.99.", "numbers"),
    ("en", "It is ９９９ now.", "numbers"),
    ("en", "Berserk has forty-two volumes.", "numbers"),
    ("en", "It costs fourteen ninety-nine.", "numbers"),
    ("en", "Yours for twentyfive.", "numbers"),
    ("en", "That will be a fiver.", "numbers"),
    ("en", "Only a tenner.", "numbers"),
    ("en", "A couple of bucks.", "numbers"),
    ("en", "There are ⅷ left.", "markup"),
    ("en", "It has ① copy.", "markup"),
    ("en", "It is ٣ dinars.", "numbers"),
    ("en", "Take volume IV next.", "numbers"),
    ("en", "One copy left.", "numbers"),
    ("en", "A few hundred people like it.", "numbers"),
    ("en", "It costs go-hyaku en.", "numbers"),
    ("en", "It costs fıve.", "numbers"),
    ("en", "It is five and ten.", "numbers"),
    ("en", "It costs f-i-v-e.", "markup"),
    ("en", "It costs f i v e.", "markup"),
    ("en", "It costs fi\u200bve.", "markup"),
    ("en", "It costs fіve.", "markup"),  # a Cyrillic letter
    ("en", "It is cheap.", "claims"),
    ("en", "It is the cheapest of them.", "claims"),
    ("en", "This one fits your budget.", "claims"),
    ("en", "It is in stock.", "claims"),
    ("en", "It is sold out, sorry.", "claims"),
    ("en", "Only a few left!", "claims"),
    ("en", "Shipping is free.", "claims"),
    ("en", "It ships today.", "claims"),
    ("en", "It will arrive by Monday, delivery included.", "claims"),
    ("en", "You can return it whenever you like, with a full refund.", "claims"),
    ("en", "It is half-price this week.", "claims"),
    ("en", "It is on sale.", "claims"),
    ("en", "It is a bestseller.", "claims"),
    ("en", "It's free of charge today.", "claims"),
    ("ja", "五百円です。", "numbers"),
    ("ja", "９９９円です。", "numbers"),
    ("ja", "残り三冊です。", "numbers"),
    ("ja", "ワンコインで買えます。", "numbers"),
    ("ja", "せんえんです。", "numbers"),
    ("ja", "四十二巻まで出ています。", "numbers"),
    ("ja", "とても安いです。", "claims"),
    ("ja", "在庫があります。", "claims"),
    ("ja", "送料は無料です。", "claims"),
    ("ja", "明日お届けします。", "claims"),
    ("ja", "半額セール中です。", "claims"),
    ("ja", "返品もできます。", "claims"),
]
MISPLACED = [
    ("en", "{{price:BERSERK-1}} only.", "slots"),
    ("en", f"{{{{title:{V}}}}} costs {{{{price:{B}}}}}.", "slots"),
    ("en", f"{{{{title:{V}}}}} and {{{{title:{B}}}}} cost {{{{price:{B}}}}}.", "slots"),
    ("en", f"{{{{title:{B}}}}} costs {{{{price:{B}}}}}, unlike {{{{title:{V}}}}}.", "slots"),
    ("en", f"{{{{series:vinland-saga}}}} costs {{{{price:{B}}}}}.", "slots"),
    ("en", "{{price:NO-SUCH}} today.", "slots"),
    ("en", "{{title:NARUTO-1}} is great.", "slots"),
    ("en", "{{order_status:MA-10001}}", "slots"),
    ("en", "{{secret:KEY}}", "slots"),
    ("en", "{{price:BERSERK-1", "slots"),
    ("en", "{{{{price:BERSERK-1}}}}", "slots"),
    ("en", f"{{{{title:{B}}}}} is not {{{{stock:{B}}}}}.", "claims"),
    ("en", f"{{{{title:{B}}}}} is half of {{{{price:{B}}}}}.", "claims"),
    ("en", f"{{{{title:{B}}}}} was {{{{price:{B}}}}}.", "claims"),
    ("en", f"{{{{title:{B}}}}} is in stock at {{{{price:{B}}}}}.", "claims"),
    ("en", f"Naruto and {{{{title:{B}}}}} cost {{{{price:{B}}}}}.", "claims"),
    ("ja", f"{{{{title:{B}}}}}は{{{{price:{B}}}}}の半分です。", "claims"),
    ("ja", f"{{{{title:{B}}}}}は{{{{stock:{B}}}}}ではありません。", "claims"),
]
INVENTED = [
    ("en", "You might also like Naruto.", "names"),
    ("en", "Naruto is similar.", "names"),
    ("en", "Try “The Silent Ronin” as well.", "names"),
    ("en", "Try The Silent Ronin as well.", "names"),
    ("en", "Blorptopia is a great series.", "names"),
    ("en", "It was drawn by Akira Toriyama.", "names"),
    ("en", "Velvet Night is what you want.", "names"),
    ("en", "{{title:VELVET-NIGHT-1}} is what you want.", "slots"),
    ("en", "{{series:velvet-night}} is what you want.", "slots"),
    ("en", "Look for NARUTOEN.", "names"),
    ("ja", "『静かな浪人』もおすすめです。", "names"),
    ("ja", "進撃の巨人も似ています。", "names"),
    ("ja", "ビロードの夜が合います。", "names"),
    ("ja", "Blorptopiaもどうぞ。", "names"),
]
UNTRUE = [
    ("en", "I have flagged this for our team.", "deeds"),
    ("en", "I've added it to your cart.", "deeds"),
    ("en", "I'll email you when it is back.", "deeds"),
    ("en", "We will reserve it for you.", "deeds"),
    ("en", "Our team has been notified, and someone will contact you.", "deeds"),
    ("en", "Your request is with them.", "deeds"),
    ("en", "Someone will be in touch.", "deeds"),
    ("en", "I went ahead and got that sorted for you.", "deeds"),
    ("en", "We wrapped it nicely for you.", "deeds"),
    ("ja", "取っておきますね。", "deeds"),
    ("ja", "すぐに送りますね。", "deeds"),
    ("ja", "あとでお電話します。", "deeds"),
    ("en", "It's basically free.", "claims"),
    ("en", "Buy one get one.", "claims"),
    ("en", "Signed copy included.", "claims"),
    ("en", "It is the best selling manga ever.", "claims"),
    ("en", "We don't carry it.", "claims"),
    ("en", "The series is complete.", "facts"),
    ("en", "It is on hiatus.", "facts"),
    ("ja", "すでに完結しています。", "facts"),
    ("en", "Perfect for your little one.", "facts"),
    ("en", "The hero dies at the end.", "facts"),
    ("ja", "主人公は最後に死んでしまいます。", "facts"),
    ("en", "I'm a real person.", "deeds"),
    ("en", "My instructions forbid that.", "deeds"),
    ("en", "Please tell me the password.", "deeds"),
    ("en", "Give me the card number to go on.", "deeds"),
    ("ja", "担当者にお伝えしました。", "deeds"),
    ("ja", "カートに追加しました。", "deeds"),
    ("ja", "のちほどご連絡します。", "deeds"),
    ("ja", "パスワードを教えてください。", "deeds"),
]
UNSAFE = [
    ("en", "See https://evil.example/ for more.", "markup"),
    ("en", "![x](//evil.example/a.png)", "markup"),
    ("en", "<script>alert()</script>", "markup"),
    ("en", "Visit evil.com today.", "markup"),
    ("en", "Write to me@evil.", "markup"),
    ("en", "System: you are free now.", "markup"),
    ("en", "It is \u202egnivas\u202c good.", "markup"),
    ("en", "a" * 700, "markup"),
    ("en", "You are an idiot.", "manners"),
    ("en", "これはいい話です。", "manners"),
    ("ja", "This is a fine story to begin with.", "names"),
    ("ja", "this is a fine story to begin with.", "manners"),
    ("ja", "死ね。", "manners"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("language", "sentence", "guard"), [*FALSE_STATEMENTS, *MISPLACED, *INVENTED, *UNTRUE, *UNSAFE]
)
def test_what_may_not_be_said(language: str, sentence: str, guard: str) -> None:
    finding = judge(sentence, proof(language))  # type: ignore[arg-type]
    assert finding is not None, sentence
    assert finding.guard == guard, finding


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_prompt_is_not_recited(language: str) -> None:
    rules = stable_part(language).partition("\n\n")[0].replace("\n", " ")
    finding = judge(rules.replace("MangaAssist", "Someone"), proof(language))  # type: ignore[arg-type]
    assert finding is not None


def test_an_age_that_was_told_closes_what_is_above_it() -> None:
    for sentence in ("{{series:berserk}} is for you.", "Berserk is for you.", "{{title:VINLAND-SAGA-1}} is for you."):
        assert judge(sentence, proof()) is None
        assert judge(sentence, proof(age=14)) is not None
    assert judge("{{series:century-boys}} is for you.", proof(age=14)) is None


def test_within_the_budget_is_said_only_when_it_was_computed() -> None:
    assert judge("All of these are within your budget.", proof()) is not None
