"""What was said in a chat, as markup for pages that need no scripts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from django import template
from django.utils.safestring import SafeString
from markdown_it import MarkdownIt

from mangaassist.names import in_trail, intent_name

register = template.Library()
register.filter("intent_name", intent_name)
register.filter("in_trail", in_trail)

# What the widget's words know: paragraphs, lists, bold and links. Tags in the text stay text; a link to anything but
# a page (javascript:, data:, …) stays text as well.
_WORDS = MarkdownIt("zero", {"html": False, "breaks": True}).enable(["list", "newline", "emphasis", "link"])


@register.filter
def chat_words(content: str) -> SafeString:
    """An answer's small Markdown as HTML."""
    return SafeString(_WORDS.render(content))  # nosec B703  # Markdown-it escapes every tag: html is off.


@register.filter
def card_links(cards: Iterable[Mapping[str, Any]] | None) -> list[tuple[str, str]]:
    """Cards as titles and addresses, the address "" where there is no page to go to."""
    links = []
    for card in cards or ():
        data = card.get("data") or {}
        title = data.get("title") or data.get("series") or data.get("id") or data.get("asin") or ""
        if title:
            links.append((str(title), _address(data.get("url"))))
    return links


def _address(url: object) -> str:
    return url if isinstance(url, str) and urlsplit(url).scheme in {"", "http", "https"} else ""
