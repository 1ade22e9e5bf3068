"""Words that belong to a question in a bookshop, and to no name: what is left without them may be a name (chat.naming)."""

from __future__ import annotations

import re

_ENGLISH = frozenset(
    (
        "a about adult adults affordable after again age aged all already also altogether am an and anime another any "
        "anybody anyone anything are art artwork as asin ask at author authors availability back be been before begin "
        "beginning being best bestseller bestsellers better big bit book books both bought box boy boyfriend boys "
        "brother bucks budget but buy buying by called can carry cart cent cents chapter chapters character characters "
        "charge cheap cheaper cheapest cheaply child children collect collecting collection comes comic comics complete "
        "completed continue cool copies copy correct cost costs could count cover covers current currently dad damage "
        "daughter day days delivery describe details did digital do does doing dollar dollars done dont each economical "
        "edition editions either else end ending english enough entire euro euros even ever every everyday everyone "
        "everything extra family far father feel few fewer fiction fifth figure film find finish finished first five "
        "follow following follows for format formats four fourth friend friends from full fun game genre get gets "
        "getting gift gifts girl girlfriend girls give go going good got great had happen happens has have having he "
        "her here hers hiatus highest him his hot how husband i id idea ideas if ill im in include included includes "
        "cantonese chinese french german italian korean mandarin portuguese russian spanish "
        "info information inside into is isbn isnt issue issues it item items its ive japanese just kid kids kind "
        "kindle know language last latest least left less let lets light like likes list little long longer look "
        "looking lookup lot love lowest make manga mangas many max may maybe me mean missing mom moment mood more most "
        "mother movie much mum must my myself name need nephew new newest next nice niece no none not nothing novel "
        "novels now number of off ok okay old omnibus on once one ones ongoing only or order ordered ordering orders "
        "other others our out over own owned page pages part parts pay people person picks place please plot pls plz "
        "popular pound pounds premise preorder pretty previous price prices proper publish published purchase question "
        "rating read reader readers reading really recent recommend release released remaining rest restock review "
        "reviews right run said sale same say says search season second see sell selling sequence series set sets shelf "
        "shelves ship shipped shipping shop short shorter should show similar simple single singles sister size so some "
        "somebody someone something son sort special spend spoiler spoilers standalone start still stock stopped store "
        "stories story stuff style such suggest suggestion suggestions suit sum suppose sure synopsis take tax teen "
        "teenager teens tell than that thats the their theirs them themselves then there these they thing things third "
        "this those three through title titles to today together tomorrow tone too top total translated translation "
        "trending trim try two u under until up ur us version versions very vibe vol vols volume volumes want was wat "
        "way we week weeks well were what what's whatever whats when where which who whole whom whose why wife will "
        "with within without wont work works worth would year years yen yes yet you young your yours yourself "
    ).split()
)
# Longer ones first: 最新刊 before 新刊.
_JAPANESE = (
    "ペーパーバック ソフトカバー キャラクター アーティスト ライトノベル オペレーター エディション "
    "フォーマット ベストセラー キャンペーン おもしろい プレゼント スピンオフ タイミング ストーリー "
    "ランキング コミックス クレジット キャンセル アカウント パスワード バージョン オンライン フルカラー "
    "コミック シリーズ タイトル いちばん 対象年齢 おすすめ イチオシ イチ押し ネタバレ クーポン ポイント "
    "オススメ ジャンル イラスト コンビニ ログイン サービス サポート スタッフ デジタル ポスター ファイル "
    "オーバー プライス コーナー ストレス ちょっと どちら どっち そちら こちら わたし マンガ 最新刊 "
    "ところ 雰囲気 主人公 出版社 面白い 新しい 楽しい 大好き 子ども 男の子 女の子 小学生 中学生 高校生 "
    "初心者 ギフト セット 新装版 アニメ ゲーム ドラマ カバー サイズ キャラ カード カート サイト アプリ "
    "ベスト テーマ ラスト シーン ノベル ページ ファン リスト メール カラー 編集部 決まり 日本語 セール "
    "どんな なにか みんな とても すごく もっと ように ような ユーロ ポンド これ それ あれ この その "
    "あの どれ どの ここ 自分 友達 友人 彼女 彼氏 息子 漫画 作品 作者 作家 題名 書籍 小説 続き "
    "新刊 全部 全巻 残り 一番 最初 最後 ほか 同じ もの こと やつ 感じ 物語 内容 絵柄 表紙 値段 "
    "価格 在庫 予算 注文 配送 送料 返品 巻数 人気 話題 安い 高い 古い 短い 長い 好き 子供 大人 "
    "学生 今日 明日 映画 料金 金額 定価 現在 両方 総額 合計 特典 形式 続巻 前回 一覧 画集 仕様 "
    "発送 順序 順番 予定 情報 全員 冊目 電子 英語 割引 お店 何か 誰か 少し いい よい 良い ドル 私 "
    "僕 俺 妻 夫 母 父 娘 弟 妹 兄 姉 甥 姪 本 巻 次 他 別 話 絵 今 第 皆 前 後 版 紙 店 "
    "円 リセット クリア フィルター フィルタ スタート "
).split()
_JAPANESE_WORDS = re.compile(
    "|".join(_JAPANESE)
    + r"|発売日?|ハードカバー版?|税込み?|税抜き?|文庫版?|再?入荷|フランス語?|中国語?|韓国語?|ドイツ語?|スペイン語?|カテゴリー?|[〇一二三四五六七八九十百千万\d]+(?:円|ドル|ユーロ|ポンド|歳|才|冊|巻|番目|つ目|人|代)?"
)


def without_ordinary(text: str) -> str:
    """The text with every ordinary Japanese word replaced by a space."""
    return _JAPANESE_WORDS.sub(" ", text)


def is_ordinary(word: str) -> bool:
    """Whether an English word belongs to a question: its possessive and its contraction as well."""
    plain = re.sub(r"['’]", "", word).lower()
    stem = re.sub(r"['’]s$", "", word.lower())
    return bool({plain, stem} & _ENGLISH) or len(plain) < 2 or plain.isdigit()
