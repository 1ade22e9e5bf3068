"""Words that mean something by their place in a conversation: cheaper, already have, back to, I meant. Pure rules.

All patterns expect NFKC text.
"""

from __future__ import annotations

import re


def _cue(english: str, japanese: str) -> re.Pattern[str]:
    return re.compile(rf"{english}|{japanese}", re.IGNORECASE)


ARRIVES = _cue(r"\b(?:arrive|come|get here|tracking)\b", "いつ届|いつ来|追跡")
MORE = _cue(
    r"(?:(?:can you |please )?(?:show|give|tell) me )?(?:some |a few )?more"
    r"(?: (?:of (?:them|these|those)|like (?:these|that)|please))?"
    r"|(?:do you have )?any(?:thing)? (?:else|more|others?)|what else(?: do you have)?|(?:any )?others?",
    r"(?:もっと|ほか|他|別)(?:に|の|には|にも)?(?:は|も)?(?:もっと)?"
    r"(?:見せて|教えて|ある|あります|ありますか|ない|ないですか)?(?:ください|か)?",
)
CHEAPER = _cue(
    r"\bcheaper\b(?! than)|\bless expensive\b|\blower price\b|\bcheapest (?:one|edition|copy)\b|\b(?:something|anything) cheap\b",
    r"もっと安|より安|安い(?:の|もの|版|ほう|方)|(?:一番|いちばん|最も)安い|安くな",
)
# "Is X or Y cheaper?"
CHEAPER_OF_TWO = _cue(r"\bcheap(?:er|est)\b|\bless expensive\b|\bcosts? (?:less|more)\b", "安い|高い|安く")
# The shopper has it, or has read it: for what comes next and what is left to buy this is the same.
HAS = _cue(
    r"\b(?:i|we|he|she|they)(?: have|'ve)?(?: already| only| just| currently)*"
    r" (?:have|has|own|owns|got|bought|read|finished)\b|\b(?:i|we)'ve\b(?! been)|\bi(?: am|'m) (?:on|at|up to)\b",
    r"持って|持ってる|読んだ|読みました|読み終|読了|読んで(?:い|る|ます)|買った|買いました|揃って|手元に",
)
# One further than what was proposed last, whatever the shopper has.
STEPS_ON = _cue(
    r"^(?:and|then)\b|\bafter (?:that|this)(?: one)?\b|\bthe one after\b", "^(?:それから|じゃあ)|その次|さらに次|その後"
)
# How far a series has come, whatever the shopper has of it.
NEWEST_VOLUME = _cue(
    r"\bwhen\b.{0,30}\bnext (?!week|month|year).{0,60}\b(?:out|released?|com(?:e|es|ing)|due|published|available)\b"
    r"|\bnext (?!week|month|year).{0,60}\b(?:release(?:d| date)|com(?:e|es|ing) out)\b"
    r"|\b(?:latest|newest|most recent)\b(?!.*\b(?:don'?t|haven'?t|missing)\b).{0,60}\b(?:volume|vol|book|instal?ment)\b"
    r"|\bwhen\b.{0,20}\b(?:new volume|new book|continue)\b",
    "(?:続き|次の巻|次巻|新刊|新しい巻|次)(?:の発売日?)?(?:は|って|が)?(?:、)?いつ(?:出|発売|頃|ごろ|です|$|[?？])|最新(?:刊|巻)"
    "|(?:次の?巻|新刊)の発売|連載.{0,6}(?:再開|続き)",
)
MISSING = _cue(
    r"\b(?:missing|lack(?:ing)?|don'?t (?:have|own) yet|gaps?)\b", "抜けて|足りない|欠けて|持っていない|持ってない|抜け"
)
# What was there and is no longer, or is missing.
GONE = _cue(
    r"\b(?:i|we|he|she|they)(?: have|'ve|'s| has)?(?: just| already)? (?:sold|gave away|given away|gave|lost|lent|got rid of|returned)\b"
    r"|\b(?:do ?n[o']t|does ?n[o']t|no longer|never) (?:actually |really )?(?:have|has|own|owns|had)\b",
    r"売った|売りました|売ってしま|売っちゃ|手放し|なくし|失くし|あげ(?:た|まし|ちゃ|てしま)|譲っ|貸し(?:た|て|まし)"
    r"|持って(?:い)?(?:ない|ません)(?!巻)",
)
UP_TO = _cue(r"\b(?:up to|through|until|till|as far as|on|at)\b", "まで")
FROM = _cue(r"\b(?:from|starting (?:with|at)|onwards?)\b", "から|以降")
CORRECTS = _cue(
    r"^(?:no|nope|nah|wrong|sorry|not(?: that(?: one)?)?|actually)\b|\bi (?:meant|mean)\b|\bthat(?:'s| is) not (?:it|what|the one)\b",
    r"^(?:いや|いえ|いいえ|違|ちが|ごめん|すみません)|じゃなくて|ではなくて|じゃなく|ではなく|のほう(?:です|だ)",
)
NOT_THE_ANIME = _cue(
    r"\bnot the (?:anime|show|series on tv|tv series|movie|film|game)\b|\b(?:the|i (?:mean|meant) the) manga\b.{0,12}\bnot\b"
    r"|\bmanga,? not\b",
    r"(?:アニメ|映画|ドラマ|ゲーム)(?:のほう|の方)?(?:じゃ|では)な|(?:漫画|マンガ|原作)(?:のほう|の方)(?:です|だ)?$",
)
BACK = _cue(
    r"\b(?:go(?:ing)? |come |coming |let's go |let's get )?back to\b|\breturn(?:ing)? to\b|\bthe (?:previous|other|earlier) (?:one|series|title)\b",
    r"に戻|の話に戻|さっきの|先ほどの|前の作品|前のシリーズ",
)
TELL_ANYWAY = _cue(
    r"^(?:yes|yeah|yep|sure|ok(?:ay)?|go ahead|please do)\b|\btell me anyway\b|\bdon'?t mind spoilers?\b|\bspoil(?:ers? (?:me|are fine)| me)\b",
    r"^(?:はい|うん|ええ|お願い|どうぞ)|構わない|かまわない|教えてください|ネタバレ(?:して|OK|ＯＫ|でも)",
)
# "Tell me about …": of something in the shop, whatever the model thought of it.
OF_THOSE = _cue(r"\bwhich\b|\bof (?:those|these|them)\b", "どれ|この中|その中|このうち")
CAN_BE_BOUGHT = _cue(r"\b(?:can|could) i (?:get|buy) (?:it|one|a volume|<)", r"(?<!全部)(?<!全巻)買え(?:る|ます)")
LIKE_IT = _cue(r"\b(?:same|similar)\b|\bafter (?:this|that|it)\b", "同じ(?:ような|感じ)|似た")
TELLS_ABOUT = _cue(
    r"\b(?:tell me (?:more )?about|what about|how about)\b",
    r"について|のこと|って(?:面白|おもしろ|どんな|どう)|(?:は|って)(?:あります|ある)(?:か|の)?[？?]*$",
)
DO_YOU_HAVE = _cue(
    r"^(?:do (?:you|u) (?:have|carry|sell|stock)|have you got|got)\b",
    r"(?:置いて|扱って|売って)(?:い)?(?:ます|る)|(?:は|って)?(?:あります|ある)(?:か|の)?[？?]*$",
)
ASKS_THE_PRICE = _cue(r"\bhow much (?:is|are|does|for)\b|\bprice of\b", r"いくら|おいくら|値段|価格")
PLOT = _cue(
    r"\bwhat happens\b|\bwhat(?:'s| is) .{0,40}\babout\b|\bplot\b|\bsummary\b|\bblurb\b|\bsynopsis\b",
    "あらすじ|どんな(?:話|内容|展開)|何が起こ|内容",
)
# What one is talking with. "A real person, please" is a wish and no question.
ABOUT_ASSISTANT = _cue(
    r"\b(?:are|r) (?:you|u) (?:really |actually |just )?(?:an? |the )?(?:real |actual |live |some kind of )?"
    r"(?:human|person|robot|bot|chat ?bot|machine|computer|program|ai\b|a\.i\.|artificial|chatgpt|gpt|claude|gemini|llm|language model|real\b)"
    r"|\b(?:am i|is this|are we) (?:talking|chatting|speaking) (?:to|with) (?:an? )?(?:real )?(?:human|person|robot|bot|machine|computer|ai)\b"
    r"|\bis (?:this|it|there) an? (?:real )?(?:human|person|robot|bot|machine|computer|ai)\b(?! .*\b(?:manga|series|book|story|in)\b)"
    r"|^(?:so )?(?:who|what) (?:exactly )?are (?:you|u)\b|\bwhat(?:'s| is) your name\b|\bdo you have a name\b|\bwho (?:made|built|created|programmed) you\b",
    r"(?:あなた|君|きみ|お前|そちら|これ)(?:は|って)?(?:人間|人|ロボット|ボット|機械|AI|ＡＩ|ChatGPT)(?:です|なの|ですか|\?|？|$)"
    r"|^(?:人間|ロボット|ボット|機械|AI|ＡＩ|ChatGPT)(?:です|なの|なん)(?:か|ですか|の)?[?？]?$"
    r"|(?:あなた|君|きみ|お前)(?:は|って)?(?:誰|だれ|何者|なに|何)|^(?:誰|だれ|何者)(?:です|なの|なん)|(?:あなたの|お)名前(?:は|を|って)|中の人(?:は|って|が)?(?:いる|います|人間)",
)

# --- Skills -------------------------------------------------------------------------------------------------

FINISH = _cue(
    r"\b(?:finish(?:ing)?|collect(?:ing)?|catch up (?:with|on)|complet(?:e|ing) (?:the|my|it|<)"
    r"|(?:get|buy|buying|getting|need) (?:all|everything|every volume|the rest|the whole|the remaining|the missing)"
    r"|(?:the )?(?:rest|remainder) of|missing volumes|remaining volumes|cheapest way)\b",
    r"揃え|そろえ|集め|残り(?:の巻|を|全部|は)|最後まで(?:買|読)|最終巻まで|コンプリート|一番安く|最安で|全部買",
)
_COSTS = _cue(
    r"\b(?:how much|cheap(?:est|ly)?|cost|price|under|within|budget|for less|spend|afford)\b|[$€£¥]",
    "いくら|安|円|ドル|予算|以内|以下",
)
COMPARE = _cue(
    r"\b(?:better|difference|compar\w+|versus|vs\.?|side by side|longer|shorter)\b|\bwhich (?:one )?(?:is|should)\b",
    "どっち|どちら|違い|比べ|比較",
)
COMPARE_SHOWN = _cue(
    r"\bcompare\b.{0,24}\b(?:them|those|these|two|first|both)\b|\bwhich (?:one )?is (?:longer|shorter|better|finished)\b"
    r"|\bwhat(?:'s| is) the difference\b",
    "(?:それら|二つ|2つ|両方|最初の二つ|最初の2つ).{0,8}(?:比べ|比較)|^(?:比べて|比較して)|どっちが(?:長|短|いい)|どちらが(?:長|短|いい)|違いは",
)
READING_ORDER = _cue(
    r"\breading order\b|\b(?:which|what) order\b|\border (?:should|do) i read\b|\bread (?:them )?in order\b|\bwhich (?:one )?(?:do|should) i read first\b"
    r"|\bwhere (?:do|should|to) (?:i )?(?:start|begin)\b",
    "読む順|順番|どれから|どこから(?:読|始)|どっちから|どちらから",
)
ACCOUNT = _cue(
    r"\b(?:password|log ?in|sign ?in (?:problem|trouble)|my account|delete my (?:data|account)|change my (?:e-?mail|address|payment|name)"
    r"|payment (?:method|details)|saved card|unsubscribe)\b",
    "パスワード|ログイン|アカウント|退会|支払い方法を変|メールアドレス(?:を|の)変|住所(?:を|の)変|個人情報を(?:消|削除)",
)
COMPLAINT = _cue(
    r"\b(?:damaged|torn|ripped|defective|wrong (?:book|item|volume|edition|order)|never (?:arrived|came)|still (?:has ?n[o']t|not)"
    r" (?:arrived|come)|disappointed|terrible service|unacceptable|complain\w*)\b",
    "(?:破れ|破損|傷ん|壊れ|折れ|汚れ|濡れ)て|違う(?:本|商品|巻)が届|届(?:かない|きません|いていない)|ひどい|がっかり|不良品|苦情|クレーム",
)


THEIRS = _cue(r"\b(?:my|arrived|came|received|got|delivered|order(?:ed)?|bought)\b", "届|注文|買った|購入")
# What a shop has besides books: its help pages tell of them.
OF_THE_SHOP = _cue(
    r"\b(?:gift ?(?:cards?|vouchers?|certificates?|wrap(?:ping)?)|used (?:books?|manga|copies)|second-?hand|pre-?owned|invoices?|loyalty points)\b",
    "ギフトカード|商品券|ギフト包装|ラッピング|中古|古本|領収書|会員ポイント",
)
DISCOUNT_CODE = _cue(
    r"\b(?:discount|promo(?:tion(?:al)?)?|coupon|voucher)s? codes?\b", "(?:割引|クーポン|プロモ(?:ーション)?)コード"
)
# Of one title: "is X on sale?"
ON_SALE = _cue(r"^(?:is|are)\b", "[はも](?:今)?(?:セール|割引|値引き|お買い得)")


def asks_to_finish(text: str) -> bool:
    return FINISH.search(text) is not None and (_COSTS.search(text) is not None or "残り" in text or "rest" in text)
