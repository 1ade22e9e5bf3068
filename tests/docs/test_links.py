"""What the documentation points to is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.pages import PAGES, ROOT, headings, prose

LINK = re.compile(r"\]\(([^)\s]+)\)")
# A path of ours in the middle of a sentence, with a folder before it: `chat/turn.py`, docs/redis.md.
PATH = re.compile(
    r"(?<![\w/.<…*])((?:docs|deploy|tests|bench|widget|mangaassist|chat|shop|caching|knowledge|partners|"
    r"recommendations|escalation|storefront|static|templates)/[\w./-]*\.(?:md|py|js|yaml|yml|json|toml|conf|gz|sh|jpg))\b"
)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_and_named_files_exist(page: Path) -> None:
    missing = []
    for link in LINK.findall(prose(page)):
        if "://" in link or link.startswith("mailto:"):
            continue
        address, _, anchor = link.partition("#")
        target = (page.parent / address).resolve() if address else page
        if not target.exists() or (anchor and anchor not in headings(target)):
            missing.append(link)
    missing += [path for path in PATH.findall(page.read_text(encoding="utf-8")) if not (ROOT / path).exists()]
    assert not missing


def test_every_page_is_reached_from_the_readme() -> None:
    seen, ahead = set[Path](), [ROOT / "README.md"]
    while ahead:
        page = ahead.pop()
        if page in seen:
            continue
        seen.add(page)
        links = [link.partition("#")[0] for link in LINK.findall(prose(page)) if "://" not in link]
        for target in [(page.parent / link).resolve() for link in links if link]:
            if target.is_dir():
                ahead += target.glob("*.md")
            elif target.suffix == ".md":
                ahead.append(target)
    assert [str(page.relative_to(ROOT)) for page in PAGES if page not in seen] == []
