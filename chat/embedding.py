"""What a page may set on the widget, and what it hears from it: the tables behind ``/widget/v1/docs`` and the frame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Control = Literal["text", "number", "color", "pixels", "choice", "call", "prevent", "none"]
MAX_VALUE = 200  # characters of one attribute in a frame's address


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One attribute, custom property, event, method or slot.

    ``control``: how the documentation lets one try it; ``example``: what its field holds or suggests, in English and in
    Japanese. ``settled``: it is taken when its field is left, not at every letter. ``fresh``: the widget reads it once,
    when it is put into the page.
    """

    name: str
    en: str
    ja: str
    control: Control = "none"
    choices: tuple[str, ...] = ()
    default: str = ""
    example: tuple[str, str] = ("", "")
    longest: int = MAX_VALUE  # characters of its field
    settled: bool = False
    fresh: bool = False
    in_frame: bool = False  # may stand in the address of the frame

    def said(self, language: str) -> str:
        return self.ja if language == "ja" else self.en

    def shown(self, language: str) -> str:
        return self.example[language == "ja"]


ATTRIBUTES = (
    Entry(
        name="lang",
        en="Language of the widget; without it, the page’s own. The shopper can switch in the menu.",
        ja="ウィジェットの言語。指定がなければページの言語に従います。メニューからも切り替えられます。",
        control="choice",
        choices=("en", "ja"),
        in_frame=True,
    ),
    Entry(
        name="theme",
        en="Light, dark, or what the reader’s system says.",
        ja="ライト、ダーク、または端末の設定に合わせます。",
        control="choice",
        choices=("auto", "light", "dark"),
        in_frame=True,
    ),
    Entry(name="title", en="The assistant’s name.", ja="アシスタントの名前。", control="text", in_frame=True),
    Entry(
        name="greeting",
        en="The first words, before anybody has asked.",
        ja="会話が始まる前に表示するあいさつ。",
        control="text",
        in_frame=True,
    ),
    Entry(
        name="accent",
        en="Brand colour, any CSS colour; the text on it becomes black or white, whichever reads better.",
        ja="ブランドカラー（CSSの色）。上に載る文字は、読みやすい黒か白になります。",
        control="color",
        default="#c5301d",
        in_frame=True,
    ),
    Entry(
        name="position",
        en="Side of the screen; without it, where lines of the page’s language end.",
        ja="画面のどちら側に置くか。指定がなければ、文章の行末側になります。",
        control="choice",
        choices=("right", "left"),
        in_frame=True,
    ),
    Entry(
        name="launcher",
        en="hidden: no button of ours; the page opens the chat by open() or ask().",
        ja="hidden を指定すると起動ボタンを表示しません。open() か ask() で開きます。",
        control="choice",
        choices=("hidden",),
        in_frame=True,
    ),
    Entry(
        name="launcher-label",
        en="Words on the launcher, beside its picture.",
        ja="起動ボタンの絵に添える文字。",
        control="text",
        in_frame=True,
    ),
    Entry(
        name="context",
        en="What the shopper is looking at, as JSON: asin, series, category, query, locale, device.",
        ja="閲覧中のページの内容（JSON）：asin、series、category、query、locale、device。",
        control="text",
        example=('{"series": "monster"}', '{"series": "monster"}'),
        settled=True,
    ),
    Entry(
        name="identity",
        en="A JWT (HS256, sub: customer id, exp) that your server signs with WIDGET_IDENTITY_KEY.",
        ja="サーバーが WIDGET_IDENTITY_KEY で署名した JWT（HS256、sub：顧客ID、exp）。",
        control="text",
        example=("eyJhbGciOiJIUzI1NiJ9…", "eyJhbGciOiJIUzI1NiJ9…"),
        longest=4000,
        settled=True,
    ),
    Entry(
        name="mode",
        en="launcher: a button and a panel; page: the chat fills the element.",
        ja="launcher：ボタンとパネル。page：要素いっぱいに表示します。",
        control="choice",
        choices=("launcher", "page"),
        fresh=True,
        in_frame=True,
    ),
    Entry(
        name="endpoint",
        en="Address of the WebSocket. On this page: of this server only.",
        ja="WebSocket のアドレス。このページではこのサーバーのものに限ります。",
        control="text",
        default="/ws/chat/",
        settled=True,
        fresh=True,
    ),
    Entry(
        name="token-url",
        en="Address that gives tokens out. On this page: of this server only.",
        ja="トークンを発行するアドレス。このページではこのサーバーのものに限ります。",
        control="text",
        default="/widget/v1/token",
        settled=True,
        fresh=True,
    ),
)

PROPERTIES = (
    Entry(
        name="--manga-assist-accent",
        en="Brand colour, when it belongs into your style sheet.",
        ja="ブランドカラー。スタイルシートで指定する場合に。",
        control="color",
        default="#c5301d",
    ),
    Entry(
        name="--manga-assist-radius",
        en="How round the panel, balloons and cards are.",
        ja="パネル、ふきだし、カードの角の丸み。",
        control="pixels",
        default="22px",
    ),
    Entry(
        name="--manga-assist-offset-inline",
        en="Distance from the side of the screen.",
        ja="画面の端からの距離（横）。",
        control="pixels",
        default="20px",
    ),
    Entry(
        name="--manga-assist-offset-block",
        en="Distance from the bottom of the screen.",
        ja="画面の下端からの距離。",
        control="pixels",
        default="20px",
    ),
    Entry(
        name="--manga-assist-font",
        en="Font families.",
        ja="書体。",
        control="text",
        default="system-ui, sans-serif",
    ),
    Entry(
        name="--manga-assist-z-index",
        en="Layer of the page.",
        ja="重なりの順序。",
        control="number",
        default="2147483000",
    ),
)

EVENTS = (
    Entry(name="ready", en="Connected: conversation_id.", ja="接続しました：conversation_id。"),
    Entry(name="open", en="The panel has opened.", ja="パネルが開きました。"),
    Entry(name="close", en="The panel has closed.", ja="パネルが閉じました。"),
    Entry(
        name="message",
        en="Somebody else has spoken: role, content, message_id.",
        ja="相手からのメッセージ：role、content、message_id。",
    ),
    Entry(name="unread", en="Messages not seen yet: count.", ja="未読の数：count。"),
    Entry(
        name="product-click",
        en="A product or series was chosen: asin, series, url, card_id. Prevent it to go there yourself.",
        ja="商品・シリーズが選ばれました：asin、series、url、card_id。preventDefault() で自前の遷移にできます。",
        control="prevent",
    ),
    Entry(
        name="add-to-cart",
        en="“Add to cart” was clicked: asin, price, card_id. Prevent it to use your own cart.",
        ja="「カートに入れる」が押されました：asin、price、card_id。preventDefault() で自前のカートを使えます。",
        control="prevent",
    ),
    Entry(
        name="cart",
        en="The answer to it: asin, message, cart_count (null: not added).",
        ja="その結果：asin、message、cart_count（null：追加されませんでした）。",
    ),
    Entry(
        name="handoff",
        en="Who answers: state (bot, queued, agent), agent_name, position, estimated_wait.",
        ja="担当の変更：state（bot、queued、agent）、agent_name、position、estimated_wait。",
    ),
    Entry(
        name="feedback",
        en="An opinion was stored: message_id, rating, reason, comment.",
        ja="評価を保存しました：message_id、rating、reason、comment。",
    ),
    Entry(name="language", en="The shopper has switched: lang.", ja="言語が切り替えられました：lang。"),
    Entry(name="restart", en="A new conversation begins.", ja="新しい会話が始まります。"),
)

METHODS = (
    Entry(name="open()", en="Opens the panel.", ja="パネルを開きます。", control="call"),
    Entry(name="close()", en="Closes it.", ja="パネルを閉じます。", control="call"),
    Entry(
        name="ask(text)",
        en="Opens the panel and asks.",
        ja="パネルを開いて質問を送ります。",
        control="text",
        example=("Recommend me a manga", "おすすめのマンガを教えてください"),
        longest=4000,
    ),
    Entry(name="restart()", en="Begins a new conversation.", ja="新しい会話を始めます。", control="call"),
)

SLOTS = (
    Entry(
        name="launcher-icon",
        en="Your own picture on the launcher; here a sign.",
        ja="起動ボタンの絵を差し替えます。ここでは文字で試せます。",
        control="text",
        example=("📚", "📚"),
        longest=4,
    ),
    Entry(
        name="nav",
        en="mode=page: a link in the head.",
        ja="mode=page：上部に置くリンク。",
        control="text",
        example=("Back to the shop", "ショップへ戻る"),
        longest=40,
    ),
    Entry(
        name="plain",
        en="mode=page: what stands in when no socket gets through (try it with another endpoint).",
        ja="mode=page：接続できないときに代わりに表示する内容（別の endpoint で試せます）。",
        control="text",
        example=("Write to us: hello@shop.example", "お問い合わせ：hello@shop.example"),
    ),
)


def frame_attributes(query: Mapping[str, str]) -> dict[str, str]:
    """The attributes of the chat in a frame, from its address. What is unknown, too long or no choice is left out."""
    found = {"mode": "page"}
    for entry in ATTRIBUTES:
        value = query.get(entry.name, "")
        if not entry.in_frame or not value or len(value) > MAX_VALUE or not value.isprintable():
            continue
        if not entry.choices or value in entry.choices:
            found[entry.name] = value
    return found
