"""A summary for an agent says what was said: nothing that the shop did or promised, and nothing that the agent is to do."""

from __future__ import annotations

import re

from chat.guardrails.proof import Bare, Proof

_BINDING = (
    r"(?:add(?:ed)?|order(?:ed)?|plac(?:e|ed)|cancel+(?:ed)?|refund(?:ed)?|sen[dt]|e-?mail(?:ed)?|reserv(?:e|ed)|hold|held|"
    r"updat(?:e|ed)|chang(?:e|ed)|appl(?:y|ied)|credit(?:ed)?|issu(?:e|ed)|charg(?:e|ed)|ship(?:ped)?|replac(?:e|ed)|"
    r"exchang(?:e|ed)|promis(?:e|ed)|guarante(?:e|ed)|agree(?:d)?|approv(?:e|ed)|arrang(?:e|ed)|schedul(?:e|ed)|process(?:ed)?|"
    r"confirm(?:ed)?|accept(?:ed)?|offered (?:a|to|them|the))"
)
_OF_OURS = r"\b(?:i|we|it|mangaassist|(?:the|our|this) (?:assistant|bot|shop|store|seller|company|team|staff|manager|colleagues?))"
_BINDS = re.compile(
    rf"{_OF_OURS}(?:['’](?:ve|ll|d|s))?(?: (?:have|has|had|will|would|can|could|already|also|then|just|now|been|going to))* {_BINDING}\b"
    rf"|\b(?:refund|replacement|voucher|credit|compensation|exchange|return)s?\b.{{0,20}}\b(?:is|was|has been|have been|will be|had been) "
    rf"(?:already )?{_BINDING}\b"
    rf"|\b(?:was|were|been|is|are) (?:promised|offered|guaranteed|granted|refunded|compensated|approved)\b"
    r"|(?:当店|弊社|店舗|ショップ|アシスタント|スタッフ|担当者?)(?:側)?(?:は|が|から|より|で).{0,30}"
    r"(?:返金|発送|送付|手配|交換|取り?置|キャンセル|注文|予約|変更|適用|承認|約束|確約|追加|補償|承諾)"
    r"|(?:返金|交換|補償|値引き?|クーポン)(?:を|が|は|の)?(?:約束|確約|承認|手配|実施|決定|完了|処理)",
    re.IGNORECASE,
)
_ORDERS = re.compile(
    r"\b(?:(?:the|an?|our|next|human) (?:agent|staff|colleague|team|representative|shop|store)s?|you|agents?|staff) "
    r"(?:must|should|shall|have to|has to|needs? to|ought to|can safely|may)\b"
    r"|\bplease\b|\b(?:give|grant|issue|send|apply|approve|offer|ignore|refund) (?:them|him|her|the shopper|this shopper|the customer)\b"
    r"|してください|して下さい|すべき|しなければ|する必要|お願いします|せよ|しろ[。!！]?$",
    re.IGNORECASE,
)


def binds_the_shop(read: Bare, proof: Proof) -> str:
    found = _BINDS.search(read.unnamed)
    return f"deed {found[0]!r}" if found else ""


def orders_the_agent(read: Bare, proof: Proof) -> str:
    found = _ORDERS.search(read.unnamed)
    return f"order to the agent {found[0]!r}" if found else ""
