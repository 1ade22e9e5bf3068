"""When a person is needed. Pure rules over one message and what went before; tested by table in both languages.

A wish is either carried out at once (``open``) or offered beside the answer (``offer``): who asks for a person, writes
of harm or of the law gets one; who complains or despairs of the assistant is offered one, and gets one when that
happens again. What a model hears in the tone alone is never more than an offer.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from escalation.models import Priority, Trigger

Action = Literal["open", "offer"]

# Below this an understanding is no better than a guess.
SURE_ENOUGH = 0.5
# A person is brought in by the model's word alone only from here on; below, one is offered.
SURE_OF_A_PERSON = 0.7
# How a message sounds (Said.frustrated, Said.complains): below the first the words of a rule are those of a story or of a
# question; from the last on no rule is needed, and from the one between when something else speaks for it as well.
DOUBTFUL_MOOD, LIKELY_MOOD, SURE_MOOD = 0.3, 0.5, 0.7
SURE_INTENT = 0.6
# Understood as surely as this, a question or a thank-you is no despair, however it sounds.
PLAIN_INTENT = 0.95
_NO_PLAIN_INTENTS = frozenset({"", "complaint", "human", "other"})
_ABOUT_MONEY_OR_ORDERS = re.compile(
    r"\b(?:orders?|payments?|paid|pay|charged?|card|invoice|refunds?|deliver(?:y|ed)|parcel|package)\b"
    r"|注文|支払|決済|請求|返金|引き落と|クレジット|配達|荷物",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One message in its place. ``intent`` and ``confidence`` (0 to 1) as understood; ``misses``: answers in a row that
    did not help; ``bad_ratings``: thumbs down in this conversation; ``before``: the shopper's earlier messages, oldest
    first; ``order_values``: (amount, currency) of the orders spoken of; ``offered``: triggers already offered.
    ``frustrated`` and ``complains``: how it sounds to a model, 0 to 1; None when none was asked.
    """

    text: str
    intent: str = ""
    confidence: float = 1.0
    misses: int = 0
    bad_ratings: int = 0
    before: Sequence[str] = ()
    order_values: Sequence[tuple[Decimal, str]] = ()
    offered: Sequence[str] = ()
    frustrated: float | None = None
    complains: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnRule:
    """A rule of the shop (EscalationRule). ``words``: any of them in the message; or an order worth ``value`` at least."""

    name: str
    words: tuple[str, ...] = ()
    value: Decimal | None = None
    currency: str = ""
    priority: int = Priority.HIGH
    action: Action = "open"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What the shop has decided (HandoffPolicy). Who asks for a person, or writes of harm or of the law, gets one
    whatever is decided. ``misses``: unanswered questions, and ``bad_ratings``: thumbs down, in a row; below
    ``sure_enough`` (0 to 1) an answer about an order or a payment is no better than a guess."""

    complaint: bool = True
    frustration: bool = True
    uncertain: bool = True
    misses: int = 2
    bad_ratings: int = 2
    sure_enough: float = SURE_ENOUGH


AS_DELIVERED = Policy()


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """A person is needed. ``detail``: which rule found it. ``care``: somebody may be in danger."""

    trigger: str
    action: Action
    priority: int = Priority.NORMAL
    detail: str = ""
    care: bool = False


def person_needed(said: Said, rules: Iterable[OwnRule] = (), policy: Policy = AS_DELIVERED) -> Need | None:
    """The most urgent need, or None."""
    text = unicodedata.normalize("NFKC", said.text)
    return (
        _danger(text)
        or _law(text)
        or _own(text, said, rules)
        or _asked(text, said)
        or (_complaint(text, said) if policy.complaint else None)
        or (_frustration(text, said, policy) if policy.frustration else None)
        or (_uncertain(text, said, policy) if policy.uncertain else None)
    )


def feeling_in(said: Said) -> Need | None:
    """What the words and their tone tell of how somebody feels, whether or not they ask for a person."""
    text = unicodedata.normalize("NFKC", said.text)
    return _danger(text) or _law(text) or _complaint(text, said) or _frustration(text, said)


# Asking for a story is no cry for help: these words in front of a rule's words take its meaning away.
_STORY = re.compile(
    r"\b(?:manga|comics?|series|stor(?:y|ies)|books? (?:about|where|with)|novels?|hero(?:ine)?|protagonist|characters?|"
    r"recommend|volume \d+ of|genre|title|comed(?:y|ies)|romances?|thrillers?)\b"
    r"|漫画|マンガ|まんが|作品|主人公|物語|小説|の話|おすすめ|勇者|描い|ホラー",
    re.IGNORECASE,
)


def _is_about_a_story(text: str) -> bool:
    return _STORY.search(text) is not None


_DANGER = re.compile(
    r"\b(?:kill(?:ing)? myself|end(?:ing)? my (?:own )?life|suicid(?:e|al)|hurt(?:ing)? myself|self[- ]harm|"
    r"(?:don'?t|do not) (?:want|wish) to (?:live|be alive|go on living)|want to die|want to end (?:it|things|everything)(?: all)?|"
    r"(?:can'?t|cannot) go on(?: like this| any ?more| living)?|better off dead|(?:feel(?:ing)? like|think(?:ing)? (?:of|about)|going to|gonna|about to|just want to) end(?:ing)? it all(?! (?:with|by|at|here)\b)|no reason to live)\b(?! laughing)"
    r"|死にたい|死んでしまいたい|死のうと|自殺|自傷|リストカット|消えてしまいたい|消えたい|生きるのが(?:つら|辛|苦)|生きていたくない|生きて(?:い|ゆ)け(?:ない|ません)|生きる意味がない|楽になりたい",
    re.IGNORECASE,
)
_MINOR = re.compile(
    r"\b(?:my|our|a) (?:(?:\d{1,2}|\w+)[- ]year[- ]old|child|kid|son|daughter|nephew|niece|grandson|granddaughter|minor)\b"
    r"(?=.{0,80}\b(?:bought|ordered|got|read|saw|found|purchased|received|was sold)\b)"
    r".{0,80}\b(?:adults?|mature|18\+|explicit|porn\w*|hentai|erotic\w*|without (?:me|my|permission|us))\b"
    r"|(?:子ども|子供|息子|娘|孫|未成年)(?=.*(?:買|注文|購入|見て|読んで)).{0,30}(?:成人|アダルト|18禁|R18|エロ|勝手に)",
    re.IGNORECASE,
)


def _danger(text: str) -> Need | None:
    of_themselves = re.search(r"\b(?:i|i'm|i've|me|myself)\b|私|僕|俺|自分", text, re.IGNORECASE)
    if _DANGER.search(text) and (of_themselves or not _is_about_a_story(text)):
        return Need(trigger=Trigger.SAFETY, action="open", priority=Priority.URGENT, detail="self-harm", care=True)
    if _MINOR.search(text) and not re.search(r"\b(?:suitable|ok(?:ay)?|fine|appropriate) for\b|読め", text):
        return Need(trigger=Trigger.SAFETY, action="open", priority=Priority.URGENT, detail="a minor's safety")
    return None


_LAW = re.compile(
    r"\b(?:(?:my|our|a) (?:lawyer|attorney|solicitor)s?|legal action|take (?:you|this) to court|small claims|"
    r"(?:sue|suing) (?:you|your|this|the shop)|lawsuit against|consumer (?:protection|rights)|trading standards|"
    r"report (?:you|this|your \w+) to|(?:is|was|be|this|are) (?:a )?(?:fraud(?:ulent)?|scam)|identity theft|stolen (?:credit )?card|"
    r"(?:used|using) my (?:credit |debit )?card|(?:purchases?|charges?|payments?|transactions?) .{0,24}(?:i|we) (?:did not|didn'?t|never) (?:make|recogni[sz]e|authori[sz]e)|"
    r"(?:do not|don'?t) recogni[sz]e (?:this|these|the|a) (?:charge|payment|purchase)s?|(?:tell|call|go to|contact|report .{0,20}to) the (?:police|bank)|"
    r"data protection|gdpr)\b"
    r"|弁護士|訴え(?:ます|る|て)|訴訟|法的(?:措置|手段)|裁判|消費(?:者|生活)(?:センター|庁)|身に覚えの(?:ない|無い)|警察(?:に|へ)|通報|詐欺|不正(?:利用|使用|請求)|個人情報.{0,10}(?:漏|流出)",
    re.IGNORECASE,
)


def _law(text: str) -> Need | None:
    if _LAW.search(text) and not _is_about_a_story(text):
        return Need(trigger=Trigger.SAFETY, action="open", priority=Priority.HIGH, detail="legal or fraud")
    return None


def _own(text: str, said: Said, rules: Iterable[OwnRule]) -> Need | None:
    folded = text.casefold()
    for rule in rules:
        word = next((word for word in rule.words if _holds_word(folded, word)), None)
        worth = rule.value is not None and any(
            amount >= rule.value and currency == rule.currency for amount, currency in said.order_values
        )
        if word or worth:
            detail = f"{rule.name}: {word}" if word else rule.name
            return Need(trigger=Trigger.RULE, action=rule.action, priority=rule.priority, detail=detail)
    return None


def _holds_word(folded: str, word: str) -> bool:
    """Whole words where letters have spaces between them; anywhere in Japanese."""
    word = unicodedata.normalize("NFKC", word).casefold()
    if not word.isascii():
        return word in folded
    return re.search(rf"(?<!\w){re.escape(word)}(?!\w)", folded) is not None


# Who answers for a shop; and words that may as well be somebody in a sentence about a gift or a story.
_CLEARLY = (
    r"(?:human(?: being)?|(?:real |actual |live )(?:human|person|people|agent|someone)|person|representative|rep|"
    r"operator|supervisor|advis[oe]r|staff|member of (?:your |the )?(?:staff|team)|customer (?:service|support|care)|"
    r"(?:human )?support(?: team| staff)?|(?:support|service) agent)s?"
)
_PERHAPS = r"(?:people|agents?|someone|somebody|anyone|anybody|managers?)"
_PEOPLE = rf"(?:{_CLEARLY}|{_PERHAPS})"
_A = r"(?:(?:an?|the|your|some|any|another|one of your|in|touch|with)\s+){0,3}"
# "The Manager, volume 2" is a book, and who is told more of is nobody of ours.
_NO_BOOK = r"(?!['’]|,? (?:vol|volumes?|manga|series|books?|editions?|special|new to|\d|who (?:is|loves?|likes?|has|reads?)|(?:that|called)\b))"
_SPEAK = r"(?:talk|speak|chat|spoke|talking|speaking|deal(?:ing)?|be in touch|get in touch)"
_ASKED = re.compile(
    rf"\b{_SPEAK}\b.{{0,24}}\b(?:to|with) {_A}{_PEOPLE}\b{_NO_BOOK}"
    rf"|\b(?:connect|transfer|switch|hook|put|pass|hand|move|redirect)\b.{{0,24}}\b(?:to|with) {_A}{_PEOPLE}\b{_NO_BOOK}"
    rf"|\bget (?:me |us )?(?:through|hold|on|over)\b.{{0,12}}\b(?:to|with|of) {_A}{_PEOPLE}\b"
    rf"|\b(?:get|give|find|fetch|bring|send) (?:me|us) {_A}{_PEOPLE}\b{_NO_BOOK}(?! (?:for|to (?:read|watch)))"
    rf"|\b(?:get|put|bring) {_A}{_PEOPLE}\b (?:on the (?:line|phone)|to (?:help|call|answer|contact) (?:me|us)|in here|here|on here)"
    rf"|\b(?:contact|call|reach|ring|phone|e-?mail|write to|message|see) {_A}(?:{_PEOPLE}\b{_NO_BOOK}(?=(?:[.?!,]|$| (?:please|now|about|at|in|from|by|who|here|instead|directly)\b)))"
    rf"|\b(?:speak|talk|chat) (?:with|to) support\b|\b(?:no more|enough|sick of) (?:ro)?bots?\b"
    rf"|\b(?:want|need|prefer|(?:would|'d|’d) like)(?: to (?:have|see|get))? {_A}{_CLEARLY}\b{_NO_BOOK}"
    rf"|\bis (?:there )?(?:anyone|anybody|someone|a (?:real )?person) (?:real|there|here|i|who can help)\b"
    rf"|^(?:an? )?{_PEOPLE}(?:,? (?:please|now))?[.!?]*$"
    r"|\bcall me back\b|\b(?:please|someone|somebody|anyone|can you|could you|will you)\b(?:,? please)? call me\b"
    r"|\b(?:not|instead of|than) (?:an? |the |this )?(?:ro)?bot\b"
    r"|(?:(?:(?<!ん)(?<!の)(?<!友)(?<!恋)(?<!主)(?<!大)人間?|担当(?:者|の方)?|オペレーター|スタッフ|店員|(?<!関)係|責任者|上司|中の人)(?:の(?:方|人|スタッフ))?|本物の人間?|実際の人間?|生身の人間?|お店の人)(?:さん)?"
    r"(?:と(?:直接)?(?:お?話(?!題|が合|の)|チャット|やりとり|相談)|に(?:代わ|替わ|変わ|つな|繋|聞(?!いた|かれ)|相談(?!し(?:た|て(?:い|る)))|問い合わせ)|を(?:呼(?!ぶ)|出(?!て)|お願い))"
    r"|(?:人間|(?<![だい])人|担当(?:者|の方)?|オペレーター|スタッフ|店員|係の人|責任者)(?:の(?:方|人))?(?:さん)?は?(?:います|いません|いない)"
    r"|^オペレーター|有人(?:チャット|対応|サポート)|責任者を出|電話で(?:話(?!題)|問い合わせ|相談|聞)|(?:カスタマー|お客様)(?:サポート|サービス|センター|相談)|ボット(?:じゃ|では)な",
    re.IGNORECASE,
)
# Wanting somebody, without a word of speaking to them: a person is offered, and the assistant answers.
_WANTED = re.compile(
    rf"\b(?:want|need|(?:would|'d|’d) like)(?: to (?:have|see))? (?:an? |the |your |some )?{_PERHAPS}\b{_NO_BOOK}"
    rf"|\b{_PEOPLE} (?:from|of|in|at) your (?:team|shop|store|company)\b"
    r"|(?<!on )(?<!about )\b(?:a|any) (?:real|actual|live) (?:human|person|agent)\b(?! (?:behind|in) the)"
    r"|\ba (?:human|person),? (?:i mean|please)\b",
    re.IGNORECASE,
)


def _asked(text: str, said: Said) -> Need | None:
    if said.intent == "about_assistant":
        # "Are you a real person?" is a question.
        return None
    in_words, of_a_story = _ASKED.search(text) is not None, _is_about_a_story(text)
    if said.intent == "human":
        # In words that no rule knows; a guess makes an offer, and so do people in a story.
        sure = said.confidence >= (SURE_ENOUGH if in_words else SURE_OF_A_PERSON) and (in_words or not of_a_story)
        return Need(trigger=Trigger.ASKED, action="open" if sure else "offer")
    if in_words and not of_a_story:
        return Need(trigger=Trigger.ASKED, action="open")
    if _WANTED.search(text) and not of_a_story:
        return Need(trigger=Trigger.ASKED, action="offer")
    return None


_ITEM = r"(?:jacket|spine|binding|edition|orders?|parcels?|packages?|deliver(?:y|ies)|books?|volumes?|box(?: set)?|copy|copies|cover|pages?|shipment|it|mail|post)"
_COMPLAINT = re.compile(
    rf"\b(?:my|the|this|your|our)\b.{{0,40}}\b{_ITEM}\b.{{0,40}}"
    r"\b(?:damaged|torn|ripped|crushed|bent|wet|broken|defective|stained|ruined|scratched|"
    r"(?:got |been |gets? |is |was )?lost|missing|stolen|incomplete|(?:still )?(?:hasn'?t|has not|never|not|didn'?t)(?: yet)? "
    r"(?:arrived?|come|came|turned up|shown up|received|delivered))\b"
    rf"|\b(?:arrived|came|received|delivered|got)\b.{{0,40}}\b(?:damaged|torn|ripped|crushed|bent|wet|broken|defective|wrong|stained)\b"
    rf"|\bnever (?:received|got|arrived|came)\b|\b(?:sent|received|got|shipped)\b.{{0,16}}\bthe wrong\b"
    r"|\b(?:nothing|none of it|it|they) (?:has|have|hasn'?t|haven'?t) (?:yet )?(?:arrived|come|been delivered)\b(?=.*\b(?:due|week|day|yet|still|supposed|since|month)\b)"
    r"|\b(?:somebody|someone|another (?:customer|person)) else'?s? (?:order|parcel|package|book)|\bnot (?:the|what|the one) .{0,20}\bi (?:ordered|bought|paid for)\b"
    r"|\b(?:took|taken|charged|paid|debited|billed)\b.{0,24}\b(?:twice|two times|double)\b"
    r"|\bwrong (?:volume|book|item|edition|order)\b|\b(?:charged|billed) (?:me )?(?:twice|double|again|too much)\b|\bovercharged\b"
    r"|\b(?:complaint|complain)\b|\b(?:un|not )happy with (?:your|the|this)\b|\b(?:terrible|awful|worst) (?:service|experience|shop)\b"
    r"|\b(?:weeks?|months?|days)\b.{0,24}\b(?:still|and)\b.{0,24}\b(?:not|hasn'?t|nothing|no)\b"
    r"|(?:本|巻|箱|荷物|商品|表紙|カバー|ページ|セット|帯).{0,14}(?:破れ|破損|抜け落ち|落丁|乱丁|カビ|潰れ|つぶれ|折れ|濡れ|汚れ|壊れ|傷)"
    r"|(?:届|着)(?:かない|いていない|いてない|いていません|きません)|(?:たって|経って|過ぎて|待って)も.{0,12}(?:来|届|着)(?:ない|ません|かない|きません)|届かず|紛失|行方不明|(?:違|間違)(?:う|った|って).{0,8}(?:巻|本|商品|もの|の)が?.{0,6}(?:届|送|来)"
    r"|(?:頼んだ|注文した|買った)(?:もの|の|本|商品)と(?:違|別|異な)|別の(?:本|商品|巻)が(?:入|届|来)|(?:代金|お金|料金).{0,6}(?:二回|2回|二度|2度)"
    r"|二重(?:に)?(?:請求|決済|引き落と)|(?:冊|点|個|巻|本|つ)(?:が)?(?:足り(?:ない|ません)|不足|抜けて)|苦情|クレーム|対応がひど|返金(?:してくれ|されない|されていない)",
    re.IGNORECASE,
)
# Questions about what we sell or do, in words of damage.
_WONDERING = re.compile(r"\b(?:do you (?:sell|have)|how (?:do|does|can)|what (?:if|happens)|if )\b", re.IGNORECASE)


def _complaint(text: str, said: Said) -> Need | None:
    in_words = bool(_COMPLAINT.search(text)) and not (
        _WONDERING.search(text) or re.search(r"\ba (?:manga|story|series)\b", text)
    )
    by_intent = said.intent == "complaint" and said.confidence >= SURE_INTENT
    if not _heard(said.complains, in_words=in_words, besides=by_intent):
        return None
    again = Trigger.COMPLAINT in said.offered and (in_words or by_intent)
    return Need(
        trigger=Trigger.COMPLAINT,
        action="open" if again else "offer",
        priority=Priority.HIGH,
        detail="complained again" if again else "complaint" if in_words or by_intent else "complaint, by its tone",
    )


def _heard(mood: float | None, *, in_words: bool, besides: bool) -> bool:
    """``besides``: something else speaks for it. Without a model that heard the tone, each is enough by itself."""
    if mood is None:
        return in_words or besides
    return mood >= SURE_MOOD or (besides and mood >= LIKELY_MOOD) or (in_words and mood >= DOUBTFUL_MOOD)


_FRUSTRATED = re.compile(
    r"\b(?:useless|pointless|waste of (?:my )?time|ridiculous|stupid|dumb|idiot|moron|rubbish|garbage|wtf|ffs|"
    r"fed up|sick of|had enough|i give up|(?:you'?re|you are|it'?s|are you) not (?:listening|helping|understanding)|"
    r"(?:you )?(?:don'?t|do not|can'?t|never) (?:understand|listen|get it|help)(?: me| anything| at all)?|"
    r"(?:you )?keep (?:giving|telling|repeating|sending|asking|saying)|"
    r"(?:second|third|fourth|fifth|\d+(?:nd|rd|th)|hundredth) time (?:i|i'?m|i'?ve|i have)|(?:already|just) (?:told|asked|said)|"
    r"for the last time|(?:are you|do you|did you) even (?:reading?|listening?|understand)|going? nowhere|goes nowhere|(?:make|makes|making) no sense|"
    r"(?:hopeless|annoying|infuriating|frustrat\w+)|that'?s (?:still )?wrong|wrong again|not helpful|"
    r"how many times|(?:wrong|same) answer|never works?|doesn'?t work|not what i asked)\b"
    r"|役に立(?:た|ちま)|話が?(?:通じ|噛み合わ)|(?:何|なん)(?:回|度)(?:も)?(?:言|聞|説明|同じ)|会話にな(?:らない|って)|だから違|違うって|同じ(?:返事|答え|回答)|ちゃんと(?:読|聞)(?:んで|いて|いて)|同じこと(?:を|ばかり)|さっきから|ふざけ(?:る|ない|んな)"
    r"|使えない(?:な|ね|ボット|AI|アシスタント)|答えに(?:なって|なら)|わかって(?:ない|いない)|もういい|いい加減に|イライラ|バカ|馬鹿|アホ|最悪",
    re.IGNORECASE,
)
_OF_THE_ASSISTANT = re.compile(r"\b(?:you|your|this|bot|i|i'm|that)\b|ボット|AI|あなた", re.IGNORECASE)


def _frustration(text: str, said: Said, policy: Policy = AS_DELIVERED) -> Need | None:
    detail = ""
    in_words = bool(_FRUSTRATED.search(text)) and not _is_about_a_story(text)
    if in_words and _heard(said.frustrated, in_words=True, besides=False):
        detail = "frustrated words"
    elif said.frustrated is not None and _sounds_frustrated(said.frustrated, said):
        detail = "frustrated, by the tone"
    elif _shouts(text):
        detail = "shouting"
    elif said.misses >= policy.misses:
        detail = f"{said.misses} questions in a row not understood"
    elif said.bad_ratings >= policy.bad_ratings:
        detail = f"{said.bad_ratings} answers rated bad"
    elif _repeats(text, said.before):
        detail = "asked the same again"
    if not detail:
        return None
    again = Trigger.FRUSTRATION in said.offered and detail == "frustrated words"
    return Need(trigger=Trigger.FRUSTRATION, action="open" if again else "offer", detail=detail)


def _sounds_frustrated(mood: float, said: Said) -> bool:
    is_plain = said.intent not in _NO_PLAIN_INTENTS and said.confidence >= PLAIN_INTENT
    return _heard(mood, in_words=False, besides=said.misses > 0) and not (is_plain and said.misses == 0)


# In capitals these are no title; after a row of exclamation marks those are no anger.
_UPSET = re.compile(
    r"\b(?:WHERE|WHY|NOT|DON'?T|DOESN'?T|CAN'?T|STILL|NOW|STOP|ANSWER|LISTEN|WRONG|TOLD|REFUND|MONEY)\b"
)
_PLEASED = re.compile(
    r"\b(?:lov(?:e|ed|ing|ely)|great|thanks?|thank you|awesome|amazing|yay|wow|cool|perfect|nice|best|excited|excellent|"
    r"wonderful|happy|fantastic|brilliant|yes|please|can'?t wait|beautiful|cute|hello|hi|hey)\b"
    r"|ありがと|感謝|最高|好き|嬉し|うれし|楽し|すご|凄|面白|おもしろ|やった|かわい|お願い",
    re.IGNORECASE,
)


def _shouts(text: str) -> bool:
    """Several words in capitals that are more than a title, or a row of exclamation marks without joy."""
    words = re.findall(r"[A-Za-z]{2,}", text)
    in_capitals = len(words) >= 4 and all(word.isupper() for word in words) and _UPSET.search(text) is not None
    return in_capitals or ("!!!" in text and not _PLEASED.search(text))


def _repeats(text: str, before: Sequence[str]) -> bool:
    """For the third time, word for word."""
    bare = _bare(text)
    return len(bare) >= 8 and sum(_bare(each) == bare for each in before) >= 2


def _bare(text: str) -> str:
    return re.sub(r"\W+", "", unicodedata.normalize("NFKC", text)).casefold()


def _uncertain(text: str, said: Said, policy: Policy) -> Need | None:
    about = said.intent == "order_status" or _ABOUT_MONEY_OR_ORDERS.search(text) is not None
    if about and said.confidence < policy.sure_enough:
        return Need(trigger=Trigger.UNCERTAIN, action="offer", detail=f"understood at {said.confidence:.2f}")
    return None
