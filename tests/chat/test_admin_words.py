"""What operators read on chat's pages is there in Japanese."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.utils.translation import gettext, ngettext, override

PAGES = sorted((Path(settings.BASE_DIR) / "templates/admin/chat").glob("*.html"))
CODE = sorted((Path(settings.BASE_DIR) / "chat").glob("*.py"))
_BLOCK = re.compile(r"{% blocktranslate[^%]*%}(.*?){% endblocktranslate %}", re.DOTALL)


def _in_blocks(text: str) -> list[list[str]]:
    """As the template tag asks for them: variables as ``%(name)s``."""
    blocks = [re.split(r"{% plural %}", block) for block in _BLOCK.findall(text)]
    return [[re.sub(r"{{ (\w+) }}", r"%(\1)s", part.replace("%", "%%")) for part in parts] for parts in blocks]


@pytest.mark.parametrize("path", PAGES, ids=[path.stem for path in PAGES])
def test_a_page(path: Path) -> None:
    text = path.read_text()
    with override("ja"):
        missing = [words for _, words in re.findall(r"""{% translate (['"])(.*?)\1""", text) if gettext(words) == words]
        for one, *many in _in_blocks(text):
            is_there = ngettext(one, many[0], 2) != many[0] if many else gettext(one) != one
            missing += [] if is_there else [one]
    assert missing == []


@pytest.mark.parametrize("path", CODE, ids=[path.stem for path in CODE])
def test_code(path: Path) -> None:
    with override("ja"):
        said = re.findall(r'\b(?:_|gettext_lazy)\(\s*"([^"]+)"', path.read_text())
        assert [words for words in said if gettext(words) == words] == []
