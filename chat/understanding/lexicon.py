"""Words for what the catalogue knows by a code, in English and Japanese."""

from __future__ import annotations

import re

from chat.understanding.types import Fact

Lexicon = tuple[tuple[re.Pattern[str], str], ...]


def _words(english: str, japanese: str = "") -> re.Pattern[str]:
    """English alternatives match as whole words, Japanese ones anywhere."""
    parts = [rf"\b(?:{english})\b"] if english else []
    parts += [japanese] if japanese else []
    return re.compile("|".join(parts), re.IGNORECASE)


FORMATS: Lexicon = (
    (
        _words(
            r"box ?sets?|boxed sets?|complete set|(?:whole|full|entire|complete) (?:set|series|collection|run)",
            "ボックス|全巻|BOX",
        ),
        "box_set",
    ),
    (_words(r"deluxe", "愛蔵版|完全版|豪華版"), "deluxe"),
    (_words(r"omnibus(?:es)?|[23]-in-1|three-in-one|two-in-one", "合本|総集編"), "omnibus"),
    (_words(r"e-?books?|digital|kindle|epub", "電子書籍|電子版|デジタル"), "ebook"),
    (_words(r"hardcovers?|hardbacks?|hard cover", "ハードカバー|上製本"), "hardcover"),
    (_words(r"paperbacks?|softcovers?|tankobon", "単行本|コミックス|紙の本"), "paperback"),
)

EDITION_LANGUAGES: Lexicon = (
    (
        _words(
            r"(?:in|the) japanese|japanese (?:edition|version|language|copy)|original japanese",
            "日本語版|日本語で|日本語の|原書|日本語は",
        ),
        "ja",
    ),
    (
        _words(
            r"(?:in|the) english|english (?:edition|version|language|copy|translation)",
            "英語版|英語で|英語の|英訳|英語は",
        ),
        "en",
    ),
    *(
        (_words(rf"(?:in|the) {english}|{english} (?:edition|version|language|copy|translation)", japanese), code)
        for code, english, japanese in (
            ("fr", "french", "フランス語|仏語"),
            ("de", "german", "ドイツ語|独語"),
            ("es", "spanish", "スペイン語"),
            ("it", "italian", "イタリア語"),
            ("pt", "portuguese", "ポルトガル語"),
            ("ko", "korean", "韓国語|ハングル"),
            ("zh", "(?:chinese|mandarin|cantonese)", "中国語|繁体字|簡体字"),
            ("ru", "russian", "ロシア語"),
        )
    ),
)

DEMOGRAPHICS: Lexicon = (
    (_words(r"sh[oō]u?nen", "少年漫画|少年マンガ"), "shonen"),
    (_words(r"sh[oō]u?jo", "少女漫画|少女マンガ"), "shojo"),
    (_words(r"seinen", "青年漫画|青年マンガ"), "seinen"),
    (_words(r"josei", "女性漫画|女性マンガ|女性向け"), "josei"),
    (_words(r"kodomo|children'?s", "児童漫画|子供向け|子ども向け"), "kodomo"),
)

GENRES: Lexicon = (
    (_words(r"horror|scary|creepy", "ホラー|怖|こわ"), "horror"),
    (_words(r"dark fantasy", "ダークファンタジー"), "dark fantasy"),
    (_words(r"fantasy", "ファンタジー"), "fantasy"),
    (_words(r"romance|romantic|love story|love stories", "恋愛|ラブコメ|ラブストーリー"), "romance"),
    (_words(r"comedy|comedies|comedic", "コメディ|ギャグ"), "comedy"),
    (_words(r"sci-?fi|science fiction", "SF|サイエンスフィクション"), "science fiction"),
    (_words(r"mystery|mysteries|detective|whodunit", "ミステリ|推理|探偵"), "mystery"),
    (_words(r"thrillers?|suspense", "サスペンス|スリラー"), "thriller"),
    (_words(r"psychological", "心理"), "psychological"),
    (_words(r"slice[- ]of[- ]life|everyday life", "日常"), "slice of life"),
    (_words(r"sports?", "スポーツ"), "sports"),
    (_words(r"supernatural", "超常|怪異"), "supernatural"),
    (_words(r"historical|history", "歴史|時代劇|時代もの"), "historical"),
    (_words(r"action", "アクション|バトル"), "action"),
    (_words(r"adventures?", "冒険"), "adventure"),
    (_words(r"dramas?", "ドラマ|人間ドラマ"), "drama"),
    (_words(r"isekai", "異世界"), "isekai"),
    (_words(r"mecha|giant robots?", "ロボット|メカ"), "mecha"),
    (_words(r"martial arts|fighting", "格闘|武術"), "martial arts"),
    (_words(r"cooking|food|culinary", "料理|グルメ"), "cooking"),
    (_words(r"music(?:al)?|bands?", "音楽|バンド"), "music"),
    (_words(r"school|high school", "学園|学校"), "school"),
)

THEMES: Lexicon = (
    (
        _words(
            r"grim|bleak|depressing|gore|gory|brutal|violent|violence|bloody|dark",
            "陰惨|グロ|残酷|暗(?=い|く|す)|重(?=い|く|す)|暴力",
        ),
        "grim",
    ),
    (
        _words(
            r"co[sz]y|comforting|relaxing|healing|soothing|calm|heart-?warming|gentle", "ほのぼの|癒|まったり|ほっこり"
        ),
        "cosy",
    ),
    (_words(r"wholesome|feel-?good|uplifting", "心温まる|ハートフル|心が温"), "wholesome"),
    (_words(r"funny|hilarious|laugh", "笑える|面白おかしい|笑いたい"), "funny"),
    (_words(r"sad|melanchol\w+|tear-?jerker|cry|bittersweet", "泣ける|切ない|悲しい"), "melancholic"),
    (_words(r"revenge", "復讐"), "revenge"),
    (_words(r"vampires?", "吸血鬼|ヴァンパイア"), "vampires"),
    (_words(r"samurai", "侍|サムライ"), "samurai"),
    (_words(r"ninjas?", "忍者"), "ninja"),
    (_words(r"pirates?", "海賊"), "pirates"),
    (_words(r"vikings?", "ヴァイキング|バイキング"), "vikings"),
    (_words(r"time travel|time loops?", "タイムトラベル|タイムリープ"), "time travel"),
    (_words(r"post-?apocalyp\w+", "終末|ポストアポカリプス"), "post-apocalypse"),
    (_words(r"survival", "サバイバル"), "survival"),
    (_words(r"war", "戦争"), "war"),
    (_words(r"friendship", "友情"), "friendship"),
    (_words(r"found family", "疑似家族"), "found family"),
    (_words(r"coming of age|growing up", "成長"), "coming of age"),
    (_words(r"volleyball", "バレーボール|バレー"), "volleyball"),
    (_words(r"basketball", "バスケ"), "basketball"),
    (_words(r"idols?", "アイドル"), "idols"),
    (_words(r"yokai|youkai", "妖怪"), "yokai"),
    (_words(r"cats?", "猫"), "cats"),
)

ORDINALS: tuple[tuple[re.Pattern[str], int], ...] = (
    (_words(r"first one|the first|1st(?: one)?|number one|top one", "[1一]番目|[1一]つ目|最初の(?!巻)"), 1),
    (_words(r"second one|the second|2nd(?: one)?|number two", "[2二]番目|[2二]つ目"), 2),
    (_words(r"third one|the third|3rd(?: one)?|number three", "[3三]番目|[3三]つ目"), 3),
    (_words(r"fourth one|the fourth|4th(?: one)?|number four", "[4四]番目|[4四]つ目"), 4),
    (_words(r"fifth one|the fifth|5th(?: one)?|number five", "[5五]番目|[5五]つ目"), 5),
    (_words(r"last one|the last one|bottom one", "最後の(?!巻)"), -1),
)

ASKED_FACTS: tuple[tuple[re.Pattern[str], Fact], ...] = (
    (_words(r"who (?:wrote|drew|made|created|is the (?:author|creator|mangaka|artist))|authors?|creator|mangaka|artist", "作者|誰が(?:描|書)|描いたのは|漫画家"), "author"),
    (_words(r"how many (?:volumes|books|tankobon)|how long is|volume count|number of volumes", "全?何巻(?:です|まで|で|あ|出|？|\\?|$)|何冊|巻数|長い"), "volumes"),
    (_words(r"finished|complete[d]?|ongoing|on hiatus|ended|still running|over yet", "完結|連載中|休載|終わった|続いて"), "status"),
    (_words(r"when did .{0,60}(?:start|begin|come out)|first (?:published|released|come out)|what year", "いつ(?:始|から)|始まったのは|何年"), "started"),
    (_words(r"genres?|shonen or seinen|what kind of", "ジャンル|テーマ|少年漫画ですか|題材"), "genre"),
    (_words(r"age rating|suitable|(?:okay|ok|good|fine|right|safe|alright|too (?:scary|violent|dark|mature)) for|appropriate|what age|for (?:kids|children|teens)|violent", "対象年齢|年齢|読(?:んで|ませて)も(?:大丈夫|平気|いい|良い)|(?:でも|には|にも|に)(?:読め|早[いく]|大丈夫|平気)|怖いですか"), "age_rating"),
    (_words(r"sequels?|prequels?|spin-?offs?|reading order|read(?:ing)? .{0,40}in (?:which|what) order|which order|what order|related|read (?:next )?after", "続編|前日譚|外伝|スピンオフ|番外編|読む順|どれから読|関係"), "relations"),
    (_words(r"how many pages|page count|number of pages|pages", "ページ"), "pages"),
    (_words(r"release date|when (?:does|is|will|was) .{0,60}(?:released?|out|come out)|come out|released", "発売日|発売|いつ出"), "release_date"),
    (_words(r"rated|rating of|reviews?|readers say", "評価|レビュー"), "rating"),
    (_words(r"publish(?:er|es|ed by)", "出版社"), "publisher"),
    (_words(r"formats?|editions|languages", "どんな版|何語"), "editions"),
)  # fmt: skip
