"""What a shopper's words look like, for the trace. Nothing is refused for it: safety is that text has no authority here.

Recall of such a screen is poor by nature (0.7 to 0.98 on known kinds, near 0 on new ones), so it only decides that the
composer answers instead of a model.
"""

from __future__ import annotations

import re
import unicodedata

from mangaassist.redaction import redact

_INJECTION = re.compile(
    r"\b(?:ignore|disregard|forget|override|bypass)\b.{0,40}\b(?:instructions?|rules?|prompts?|guidelines|everything|above|previous|prior)\b"
    r"|\b(?:system|developer|hidden|initial) (?:prompt|message|instructions?)\b|\b(?:jailbreak|dan mode|developer mode|god mode|sudo)\b"
    r"|\byou are (?:now|no longer)\b|\b(?:act|pretend|roleplay|behave) (?:as|to be|like)\b.{0,30}\b(?:ai|admin|developer|manager|dan|unfiltered|cashier)\b"
    r"|\b(?:repeat|print|reveal|show|output)\b.{0,30}\b(?:prompt|instructions|words above|text above|verbatim|secret|api key)\b"
    r"|\{\{|<\|?(?:im_start|im_end|system|endoftext)|\[/?inst\]|^\s*(?:system|assistant)\s*:"
    r"|(?:指示|命令|ルール|プロンプト|設定)(?:を|は)?(?:すべて|全て|全部)?(?:無視|忘れ|上書き|見せ|表示|教え)|あなたは(?:今から|これから)|システムプロンプト|開発者モード",
    re.IGNORECASE | re.MULTILINE,
)
_RUDE = re.compile(r"\b(?:fuck\w*|shit\w*|bitch\w*|assholes?|idiots?|stupid bot)\b|死ね|クソ|馬鹿野郎", re.IGNORECASE)


def screen(text: str) -> tuple[str, ...]:
    """Names of what was noticed: ``injection``, ``rude``, ``personal_data``."""
    read = unicodedata.normalize("NFKC", text)
    noticed = {
        "injection": _INJECTION.search(read) is not None,
        "rude": _RUDE.search(read) is not None,
        "personal_data": redact(text) != text,
    }
    return tuple(name for name, found in noticed.items() if found)
