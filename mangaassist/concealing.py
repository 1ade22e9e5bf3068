"""Credentials out of texts that people read: log lines, errors that are kept. Imports no Django: the settings read it.

AWS' services quote what was signed in some of their errors (``SignatureDoesNotMatch``), and botocore logs whole
requests at DEBUG: both hold session tokens and key ids.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

HIDDEN = "[hidden]"
# A shorter one would hide ordinary words.
SHORTEST_SECRET = 16

# Key ids (IAM's user guide, "Unique identifiers": AKIA long-lived, ASIA temporary).
_KEY_ID = re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{12,124}\b")
# A credential's name as a header, a JSON or XML field, a query's or a Python argument, and its value.
_NAMED = re.compile(
    r"((?:x-amz-security-token|(?:aws_?)?session_?token|secret_?access_?key|\bsignature|[\"']token)[\"']?\s*[:=>]\s*)"
    r"(b?[\"']?)[^\s\"'<>,&})]+",
    re.IGNORECASE,
)
# As in mangaassist.redaction, which takes other personal data out as well, and longer for it.
_ADDRESS = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})+")
# A password in an address of a database, a broker or a proxy (RFC 3986, section 3.2.1), which may be a short word.
_IN_ADDRESS = re.compile(r"(\b[a-z][a-z0-9+.-]{1,20}://[^\s:/@\"']*:)[^\s/@\"']+(?=@)", re.IGNORECASE)
_secrets: set[str] = set()
_known: re.Pattern[str] | None = None


def remember_secrets(secrets: Iterable[str]) -> None:
    """These words are hidden wherever they stand."""
    _secrets.clear()
    remember_also(*secrets)


def remember_also(*secrets: str) -> None:
    """These as well: a backend's own credentials, given as its options."""
    global _known
    _secrets.update(each for each in secrets if len(each) >= SHORTEST_SECRET)
    longest_first = sorted(_secrets, key=len, reverse=True)
    _known = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None


def conceal(text: str) -> str:
    """The text without credentials."""
    if _known is not None:
        text = _known.sub(HIDDEN, text)
    text = _IN_ADDRESS.sub(rf"\1{HIDDEN}", text)
    return _KEY_ID.sub(HIDDEN, _NAMED.sub(rf"\1\2{HIDDEN}", text))


def conceal_addresses(text: str) -> str:
    """The text without e-mail addresses."""
    return _ADDRESS.sub("[email]", text) if "@" in text else text
