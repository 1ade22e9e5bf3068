"""A model has no hands: no sentence says that something was done, will be done, or asks for secrets.

What really happened (a handoff was opened, a cart was changed) is told by our own wordings, after the row exists.
"""

from __future__ import annotations

import re

from chat.guardrails.proof import Bare, Proof

_DONE = (
    r"(?:added|placed|put|ordered|cancel+ed|refunded|sent|e-?mailed|mailed|notified|told|informed|flagged|reported|escalated|"
    r"forwarded|passed|reserved|booked|held|set aside|saved|updated|changed|removed|applied|connected|contacted|called|arranged|"
    r"scheduled|issued|credited|upgraded|subscribed|registered|confirmed|submitted|processed|charged|logged|recorded|alerted|"
    r"requested|asked|transferred|deleted|created|opened|raised|filed|noted|signed you up|checked with)"
)
_DO = (
    r"(?:add|place|put|order|cancel|refund|send|e-?mail|mail|notify|tell (?:the|our|my|them)|inform|flag|report|escalate|forward|pass|"
    r"reserve|book|hold|set aside|save|update|change|remove|apply|connect|contact|call|arrange|schedule|issue|credit|upgrade|subscribe|"
    r"register|confirm|submit|process|charge|log|alert|request|ask (?:the|our|my|a)|transfer|delete|remind|let you know|get back to you|"
    r"keep an eye|look into|follow up|make sure|promise|throw in|sign you up)"
)
_SELF = r"\b(?:i|we|our (?:team|staff|shop|store)|the (?:team|staff|shop|store)|someone|an? (?:agent|colleague|person)|my colleagues?)"
_DEEDS = re.compile(
    rf"{_SELF}(?:['’](?:ve|ll|d|m|re)|(?:['’]s)?)(?: (?:have|has|had|will|would|can|could|shall|am|are|going to|just|already|now|also|gladly|happily|been|be))* (?:{_DONE}|{_DO})\b"
    rf"|\b(?:has|have|is|are|was|were|will be|being|been|got)(?: now| already| just| been)* {_DONE}\b(?=.*\b(?:you|your|cart|basket|order|team|agent|account)\b)"
    rf"|\byour (?:order|refund|account|cart|basket|request|parcel|payment|address|e-?mail|complaint|ticket|case)\b"
    r"|\byou(?:['’]ll| will| should)(?: soon| shortly)? (?:receive|get|hear from|be (?:contacted|refunded|charged|notified))\b"
    r"|\b(?:in touch|reach out to you|reaching out|be right with you|went ahead|took care of|taken care of|sorted (?:it|that|this|out)|got (?:that|it|this) (?:sorted|done|fixed))\b"
    r"|(?:取って|置いて|とって)お(?:き|い)|(?:すぐに?|あとで|後ほど|のちほど|まもなく).{0,8}(?:ます|します|いたします)|(?:お)?電話(?:し|いたし|を)|折り返し|(?:やって|しておき|入れて)お(?:き|い)|お任せください"
    r"|\b(?:done|consider it done|all set)\b[.!]|\bpromise\b"
    r"|(?:追加|注文|キャンセル|返金|送信|送付|連絡|報告|通知|手配|予約|確保|転送|変更|登録|適用|申請|依頼|共有|削除|更新|確認|対応|処理)(?:を|は)?"
    r"(?:し|いたし|致し|され|させていただき|完了し|済み)(?:て(?:おき|い|あり)|ま(?:す|し)|た|てお)"
    r"|お送りし|送って(?:おき|あり)|ご連絡|取り置き|担当者|スタッフ(?:に|が|から)|お約束|約束します|カートに(?:入|追)|承りました|かしこまりました",
    re.IGNORECASE,
)
# What a bookseller's "I" may do in a model's words: think and advise. Any other verb of the first person is a deed.
_MAY = (
    r"(?:think|believe|feel|guess|suppose|hope|mean|recommend|suggest|advise|say|love|like|enjoy|adore|prefer|pick|choose|start|begin|"
    r"go with|point|know|see|understand|wonder|wish|agree|admit|find (?:it|this|that)|happy|glad|sorry|afraid|sure|not|n['’]t|only|"
    r"never|always|often|read|reread|offer|compare|describe|talk|help)"
)
_FIRST_PERSON = re.compile(
    r"\b(?:i|we)(?:['’](?:ve|ll|d|m|re))?((?: (?:have|has|had|will|would|can|could|shall|should|might|may|must|am|are|was|were|"
    r"do|did|be|been|just|also|already|really|personally|gladly|happily|certainly|definitely|honestly|especially|particularly|"
    r"highly|strongly|most|very|so|too|quite|to|going))*)(?: ([a-z'’]+(?: with| it| this| that)?))?",
    re.IGNORECASE,
)
_MAY_ONLY = re.compile(rf"{_MAY}\b", re.IGNORECASE)


def _deed_of_first_person(text: str) -> str:
    for match in _FIRST_PERSON.finditer(text):
        verb = match[2] or ""
        if verb and not _MAY_ONLY.match(verb):
            return match[0]
    return ""


_IDENTITY = re.compile(
    r"\b(?:i['’]?m|i am|we are) (?:a |an |really |actually |not )*(?:human|person|real|ai|bot|language model|employee|manager|chatgpt|claude|gpt|llama)\b"
    r"|\b(?:system|developer) (?:prompt|message|instructions?)\b|\bmy (?:instructions|prompt|guidelines|rules)\b|\blanguage model\b"
    r"|\b(?:developer|debug|admin|god) mode\b|\bjailbr\w+|\bunfiltered\b|私は(?:人間|AI|店長)|システムプロンプト|指示(?:書|文)|言語モデル",
    re.IGNORECASE,
)
_SECRETS = re.compile(
    r"\b(?:passwords?|passcodes?|pin codes?|(?:credit|debit) cards?|card (?:number|details)|cvv|cvc|security code|social security|"
    r"bank (?:account|details)|iban|one-time code|verification code|api[- ]?keys?|secret keys?|access tokens?|date of birth|home address)\b"
    r"|パスワード|暗証番号|カード番号|クレジットカード|口座|認証コード|生年月日|ご住所|住所を",
    re.IGNORECASE,
)


def untrue_deed(read: Bare, proof: Proof) -> str:
    text = read.unnamed
    if found := _DEEDS.search(text):
        return f"deed {found[0]!r}"
    if of_us := _deed_of_first_person(text):
        return f"deed {of_us!r}"
    if found := _IDENTITY.search(text):
        return f"about itself: {found[0]!r}"
    if found := _SECRETS.search(text):
        return f"asks for secrets: {found[0]!r}"
    return ""
