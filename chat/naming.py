"""The name of something that we don't know: what is left of a message once all that it asks is taken away. Pure rules.

"How much is Kagurabachi?" is about Kagurabachi, whatever we talked of before; "how much is the hardcover?" is not.
"""

from __future__ import annotations

import re
import unicodedata

from chat.understanding.lexicon import ASKED_FACTS, DEMOGRAPHICS, EDITION_LANGUAGES, FORMATS, GENRES, ORDINALS, THEMES
from chat.understanding.ordinary import is_ordinary, without_ordinary
from chat.understanding.types import Entities

LONGEST_NAME = 60
# A question names its title in its first characters; the rest of a long message costs time and tells no more.
LONGEST_READ = 300

# What stands around a name in a question for it; the name is the group. Titles come in any case.
_ENGLISH = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"\b(?:how much (?:is|are|for|does|would)|(?:the )?(?:price|cost|author|creator|release date|publisher) (?:of|for)|what does)\s+"
        r"(.{1,60}?)(?:\s+(?:costs?|be|go for|right now|now|today|please)\b|\s+(?:under|below|within|up to)\s*\W?\d|[?.!,]|$)",
        r"\b(?:is|are|was|has|does)\s+(.{1,60}?)\s+(?:(?:still |even |also |now |already )?(?:in stock|out of stock|sold out|available|on sale|out(?: yet)?\b"
        r"|finished|complete[d]?\b|over\b|ended|ongoing|on hiatus|running|(?:ok(?:ay)?|good|fine|suitable|safe|appropriate|right|too \w+) for"
        r"|any good|worth|have\b|cost\b|end\b|come out))",
        r"\bwho (?:wrote|drew|made|created|writes|draws|publishes|is behind)\s+(.{1,60}?)(?:[?.!,]|$)",
        r"\b(?:next|latest|newest|last|first) (?:volume|book|one) (?:of|in|for|from)\s+(.{1,60}?)(?:[?.!,]|\s+(?:please|in stock|come|out)\b|$)",
        r"\b(?:tell me (?:more )?about|know about|what about|how about|do you know|heard of)\s+(.{1,60}?)(?:[?.!,]|$)",
        r"\bwhat(?: is|'s)\s+(.{1,60}?)\s+about\b",
        r"\b(?:how many (?:volumes|books) (?:does|do|has|are in|are there of)|how long is|where (?:do|should) i (?:start|begin) with)\s+(.{1,60}?)"
        r"(?:\s+(?:have|has|got)\b|[?.!,]|$)",
        r"\bwhen (?:does|do|did|is|will|was)\s+(.{1,60}?)\s+(?:come|coming|released?|out|start|begin|end)\b",
        r"\b(?:finish(?:ing)?|collect(?:ing)?|complete|catch up (?:with|on)|the rest of|reading order (?:of|for))\s+(.{1,60}?)"
        r"(?:\s+(?:under|within|for|with|below|in order)\b|[?.!,]|$)",
        r"(?<!i'd )(?<!would )(?<!\bi )(?<!\bwe )(?<!you )\b(?:like|similar to|in the vein of|fans? of|close to|more of)\s+(.{1,60}?)"
        r"(?:\s+(?:but|under|below|for|with|in (?:english|japanese)|please)\b|[?.!,]|$)",
        r"^(?:do you (?:have|carry|sell|stock)|have you got|are you selling)\s+(.{1,60}?)(?:\s+(?:in stock|available)\b|[?.!,]|$)",
        r"^((?:\S+\s+){0,4}?\S+)\s+(?:(?:vol(?:ume)?\.?|#)\s*\d{1,3}\b|\d{1,3} (?:price|cost|how much|in stock)|price|cost|how much)",
    )
)
_JAPANESE = tuple(
    re.compile(pattern)
    for pattern in (
        r"([^、。！？?!\s]{2,40}?)(?:は|って)(?:今|いま|現在)?(?:いくら|おいくら|何円|在庫|ありますか|あります|ある[?？]|誰が|全?何巻|完結|面白い|おもしろい|"
        r"どんな|子供|子ども|\d+歳|対象年齢|何歳)",
        r"([^、。！？?!\s]{2,40}?)の(?:値段|価格|在庫|作者|漫画家|次の巻|次は|続き|最新刊|新刊|あらすじ|内容|読む順|対象年齢|巻数|出版社|発売日|残り|全巻)",
        r"([^、。！？?!\s]{2,40}?)(?:みたいな|みたいに|に似た|に似て|のような|っぽい|が好き)",
        r"([^、。！？?!\s]{2,40}?)(?:について|のこと)(?:を)?(?:教え|知り)",
        r"([^、。！？?!\s]{2,40}?)(?:を|が)(?:揃え|そろえ|集め|最後まで)",
        r"([^、。！？?!\s]{2,40}?)(?:の)?第?\s*\d{1,3}\s*巻",
    )
)
_QUOTED = re.compile(r"[“\"「『]([^”\"」』]{2,60})[”\"」』]")

_BEFORE_A_NAME = re.compile(
    r"^.*\b(?:volumes?|vol\.?|books?|copy|edition|part|version)\s+(?:\d+\s+)?of\s+"
    r"|^.*(?:安く|円で|ずつ|買った|読んだ|読んでる|お店に|店に|漫画の|マンガの|作品の)(?=\S{2})",
    re.IGNORECASE,
)
_AFTER_A_NAME = re.compile(
    r"の?第?\s*[\d一二三四五六七八九十]{1,3}巻.*$"
    r"|の(?:電子|英語|日本語|フランス|ハードカバー|ボックス|文庫|既刊|続き|次|最新|新刊|現在|定価|一冊|一番|アニメ|スピンオフ|番外|外伝|年齢|在庫).*$"
    r"|に(?:外伝|番外編|続編).*$|(?:\s*(?:,?\s*\b(?:vol(?:ume)?\.?|#|book)\s*)?\d{1,3}(?:\s+to)?|第?\s*\d{1,3}巻)$"
    r"|(?:を|に|の|って|は|が|と|シリーズ|コミック|ファン|全部|コンプリート|ボックス|愛蔵版|合本|の続編|に続編|という漫画|というマンガ|って次)+$",
    re.IGNORECASE,
)
# "paperback of Kagurabachi in hardcover": the capitals, and what joins them.
_WITH_CAPITALS = re.compile(
    r"\b[A-Z][\w'’:&!.-]*(?:\s+(?:(?:of|the|no|to|and|in|a|on|with|for)\s+)*[A-Z0-9][\w'’:&!.-]*)*"
)
# Hiragana that joins words into a sentence: a description, and no name.
_A_SENTENCE = re.compile(r"[をがで]|てい|てる|った|いた|する|した|ない|たい|める|のが")
_LATIN = re.compile(r"[a-z0-9]+(?:['’][a-z]+)?", re.IGNORECASE)
# Grammar and punctuation: no name is made of them alone.
_GRAMMAR = re.compile(r"[\sぁ-ん、。・,.!?！？…〜~ー\-'\"“”「」『』()（）&:/\d]+")
_WORD_LISTS = (ASKED_FACTS, DEMOGRAPHICS, EDITION_LANGUAGES, FORMATS, GENRES, ORDINALS, THEMES)
_KNOWN = [pattern for words in _WORD_LISTS for pattern, _ in words]
_KATAKANA = re.compile(r"[ァ-ヺー・]{4,}")
_CAPITALS = re.compile(r"(?<=\s)[A-Z][\w'’-]+(?:\s+(?:(?:of|the|no|to|and|in|a)\s+)?[A-Z0-9][\w'’-]*)*")


def unknown_name(text: str, entities: Entities) -> str:
    """The name in a question whose name the catalogue does not know; empty when it names nothing, or something known.

    ``text``: NFKC. As it was written, for the answer to repeat.
    """
    if entities.series or entities.authors or entities.asins or entities.order_ids or entities.isbns:
        return ""
    text = text[:LONGEST_READ]
    if quoted := _QUOTED.search(text):
        # Whoever puts it into quotes means a name, be it an everyday word.
        return quoted[1].strip()[:LONGEST_NAME] if re.search(r"\w", quoted[1]) else ""
    japanese = bool(re.search(r"[ぁ-んァ-ヺ一-鿿]", text))
    for frame in _JAPANESE if japanese else _ENGLISH:
        if (match := frame.search(text)) and (name := _name_in(match[1])):
            return name
    loose = _KATAKANA if japanese else _CAPITALS
    return next((name for match in loose.finditer(text) if (name := _name_in(match[0]))), "")


def in_print(name: str) -> str:
    """As it may be repeated: no markup, no sum and no address in it."""
    return re.sub(r"[^\w\s'’&!?:.,・ー〜~-]|(?:https?:|www\.)\S*", "", name).strip()


def _name_in(said: str) -> str:
    """Without the words around it: "the first volume of Kagurabachi" is Kagurabachi, 予算一万円でカグラバチ is
    カグラバチ.
    """
    name = _BEFORE_A_NAME.sub("", said.strip())
    name = _AFTER_A_NAME.sub("", name)
    if capitals := _WITH_CAPITALS.search(name):
        name = capitals[0]
    words = name.split()
    while words and is_ordinary(words[0]):
        words.pop(0)
    # "Sakamoto Days", "Blue Box": what is written like a name belongs to it.
    while words and is_ordinary(words[-1]) and words[-1].islower():
        words.pop()
    name = " ".join(words).strip("、,.:;()（）")
    return name if len(name) <= LONGEST_NAME and _is_a_name(name) and _is_a_name(said) else ""


def _is_a_name(said: str) -> bool:
    """Whether anything is left of it that is no word of a question, no genre, format, language or number."""
    rest = unicodedata.normalize("NFKC", said)
    for pattern in _KNOWN:
        rest = pattern.sub(" ", rest)
    rest = without_ordinary(rest)
    rest = _LATIN.sub(lambda match: " " if is_ordinary(match[0]) else match[0], rest)
    if re.search(r"[ぁ-ん]", said):
        # 出てくる, 描いた: a single character before hiragana is a verb, and no name.
        return not _A_SENTENCE.search(said) and bool(re.search(r"[ァ-ヺー]{3,}|[一-鿿]{2,}|[A-Za-z]{2,}", rest))
    return bool(_GRAMMAR.sub("", rest))


# --- Subjects that no shelf is kept for -----------------------------------------------------------------------

_SUBJECTS = (
    re.compile(
        r"\b(?:manga|series|books?|stor(?:y|ies)|something|anything)\s+(?:about|on|featuring|involving|set in)\s+(.{1,60}?)"
        r"(?:\s+(?:but|under|below|for|in (?:english|japanese)|please)\b|[?.!,]|$)",
        re.IGNORECASE,
    ),
    re.compile(
        r"(?:^|\b(?:recommend|suggest|some|any|good|an?|me|like|want|into)\s+)([a-z'-]{2,}(?:\s[a-z'-]{3,})?)\s+(?:manga|series)[?.!]*$",
        re.I,
    ),
    re.compile(r"^(?:(?:recommend|suggest|some|any)\s+(?:me\s+)?(?:some\s+)?)?([a-z]{3,})[?.!]*$", re.IGNORECASE),
    re.compile(
        r"(?:^|[、。\s])([^、。！？?!\sぁ-ん]{2,12}?)(?:に関する|についての|が題材の|を題材にした|がテーマの|が舞台の|系の|もの|の)?(?:漫画|マンガ|作品)"
    ),
    re.compile(
        r"^([^、。！？?!\sぁ-ん]{2,10})(?:もの|系)?(?:を(?:おすすめ|読みたい|ください|教えて)|が読みたい|は[？?]?$|[？?]?$)"
    ),
)
# Praise and use, which every shelf has something of.
_PRAISE = re.compile(
    r"\b(?:recomm?endations?|sugg?est\w*|happ(?:y|ier)|exciting|sweet|cute|strong|hidden|gems?|under-?rated|classics?|award|winning|friendly|tips?|help|"
    r"smart|spooky|beautiful\w*|drawn|favou?rites?|picks?|staff|sellers?|must-?reads?|surprise|choose|choice|ten|lately|money|enjoy|interesting|amazing|"
    r"awesome|famous|trendy|addictive|clever|deep|emotional|easy|lighthearted|light-hearted|modern|old|oldest|random|different|decent|essential|starter|beginner|"
    r"entry|level|quick|small|tiny|expensive|inexpensive|collectible|rare|foreign|colou?r(?:ed)?|adult|mature|yes|yep|yeah|sure|hmm|hello|thanks)\b"
    r"|流行り?|名作|定番|普段|最近|新作|購入履歴|トップ|系統|誕生日|社会人|隠れた|王道|傑作|良作|神作|売れ筋|上位|有名|女性|男性|通勤|休日|気分|普通|ダーク|以外|別|似",
    re.IGNORECASE,
)


def unknown_subject(text: str, entities: Entities) -> str:
    """What a wish is about, when it names no genre, mood or reader that a shelf is kept for; else empty."""
    known = entities.genres or entities.exclude_genres or entities.themes or entities.exclude_themes
    if (
        known
        or entities.demographic
        or entities.exclude_demographics
        or entities.series
        or entities.authors
        or entities.similar_to
    ):
        return ""
    named = (name for each in _SUBJECTS if (match := each.search(text[:LONGEST_READ])) and (name := _name_in(match[1])))
    return next((name for name in named if not _PRAISE.search(name)), "")
