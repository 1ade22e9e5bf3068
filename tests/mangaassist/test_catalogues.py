"""The Japanese catalogues together: Django merges them, so that a word of one page would show on all the others."""

from __future__ import annotations

import ast
import re
import struct
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

import django
import pytest
from django.apps import apps
from django.conf import settings
from django.utils.translation.template import templatize

BASE = Path(settings.BASE_DIR)
APPS = sorted(
    Path(app.path) for app in apps.get_app_configs() if Path(app.path).is_relative_to(BASE) and ".venv" not in app.path
)
OURS = sorted({path for folder in (BASE / "locale", *APPS) for path in folder.rglob("ja/LC_MESSAGES/django.po")})
DJANGO = sorted(Path(django.__file__).parent.rglob("locale/ja/LC_MESSAGES/django.po"))
CODE = sorted({path for folder in APPS for path in folder.rglob("*.py") if "migrations" not in path.parts})
PAGES = sorted(
    {path for folder in (BASE, *APPS) for path in (folder / "templates").rglob("*") if path.suffix in {".html", ".txt"}}
)

# As gettext writes them into a compiled file: context, EOT, msgid, NUL, plural.
Key: TypeAlias = str
_FIELD = re.compile(r'^(msg\w+(?:\[\d+\])?) (".*")$')
_PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w*\}")
_STRING = r"""u?(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
_CALL = re.compile(rf"\b(_|n?p?gettext)\(({_STRING}(?:, {_STRING})*)")


def entries(path: Path) -> Iterator[tuple[Key, str]]:
    """Of a source catalogue, in its order; what is fuzzy or commented out is none."""
    for block in re.split(r"\n\s*\n", path.read_text(encoding="utf-8").strip()):
        fields: dict[str, str] = {}
        name = ""
        for line in block.splitlines():
            if line.startswith("#"):
                if line.startswith("#,") and "fuzzy" in line:
                    fields.clear()
                    break
                continue
            found = _FIELD.match(line)
            name, text = found.groups() if found else (name, line)
            fields[name] = fields.get(name, "") + ast.literal_eval(text)
        if "msgid" in fields:
            yield (
                _key(fields["msgid"], fields.get("msgid_plural"), fields.get("msgctxt")),
                fields.get("msgstr", fields.get("msgstr[0]", "")),
            )


def compiled(path: Path) -> dict[Key, str]:
    """As the GNU gettext manual describes the binary file (10.3, The Format of GNU MO Files), little-endian."""
    data = path.read_bytes()
    magic, _revision, count, keys_at, words_at = struct.unpack_from("<5I", data)
    assert magic == 0x950412DE

    def texts(begin: int) -> list[str]:
        table = struct.unpack_from(f"<{2 * count}I", data, begin)
        return [data[at : at + length].decode() for length, at in zip(table[::2], table[1::2], strict=True)]

    return dict(zip(texts(keys_at), texts(words_at), strict=True))


def _key(msgid: str, plural: str | None = None, context: str | None = None) -> Key:
    return ("" if context is None else f"{context}\x04") + msgid + ("" if plural is None else f"\0{plural}")


def _called(function: str, texts: Sequence[str | None]) -> Key | None:
    """Of a call as it is written: a context is first, a plural last. None if one of them is not written there."""
    has_context, has_plural = "pgettext" in function, function.startswith("n")
    texts = texts[: 1 + has_context + has_plural]
    written = [text for text in texts if text is not None]
    if len(written) < len(texts):
        return None
    context = written.pop(0) if has_context else None
    return _key(written[0], written[1] if has_plural else None, context)


def marked_in_code(source: str) -> set[Key | None]:
    """What is looked up by a name (the label of a choice) is marked where it is written."""
    nodes = list(ast.walk(ast.parse(source)))
    names = {
        alias.asname or alias.name: alias.name
        for node in nodes
        if isinstance(node, ast.ImportFrom) and node.module == "django.utils.translation"
        for alias in node.names
        if "gettext" in alias.name
    }
    found = set()
    for node in nodes:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
            texts = [
                arg.value if isinstance(arg, ast.Constant) and isinstance(arg.value, str) else None for arg in node.args
            ]
            found.add(_called(names[node.func.id], texts))
    return found - {None}


def marked_in_a_page(source: str) -> set[Key | None]:
    """By Django's own reading of its tags, which makemessages gives to xgettext."""
    return {_called(found[1], ast.literal_eval(f"({found[2]},)")) for found in _CALL.finditer(templatize(source))}


@pytest.mark.parametrize("path", OURS, ids=[str(path.relative_to(BASE).parents[3]) for path in OURS])
def test_a_catalogue_is_complete_and_compiled(path: Path) -> None:
    pairs = list(entries(path))
    words = dict(pairs)
    assert len(words) == len(pairs) == path.read_text(encoding="utf-8").count("\nmsgid ")
    assert [key for key, text in pairs if not text] == []
    assert compiled(path.with_suffix(".mo")) == words


@pytest.mark.parametrize("path", OURS, ids=[str(path.relative_to(BASE).parents[3]) for path in OURS])
def test_what_is_filled_in_is_the_same_in_both_languages(path: Path) -> None:
    wrong = {}
    for key, text in entries(path):
        # Japanese has one form, which stands for the plural.
        english = re.split("[\x04\0]", key)[-1]
        if sorted(_PLACEHOLDER.findall(english)) != sorted(_PLACEHOLDER.findall(text)):
            wrong[english] = text
    assert wrong == {}


def test_no_word_has_two_translations() -> None:
    """Else the catalogue that is merged last speaks for all: what means two things has a context."""
    said: dict[Key, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for path in OURS:
        for key, text in entries(path):
            said[key][text].append(str(path.relative_to(BASE)))
    said.pop("")
    assert {key: dict(texts) for key, texts in said.items() if len(texts) > 1} == {}


@pytest.mark.parametrize(
    ("files", "marked"), [(CODE, marked_in_code), (PAGES, marked_in_a_page)], ids=["code", "pages"]
)
def test_every_marked_text_is_there_in_japanese(files: list[Path], marked: Callable[[str], set[Key | None]]) -> None:
    japanese = {key for path in (*OURS, *DJANGO) for key, text in entries(path) if text}
    found = {str(path.relative_to(BASE)): marked(path.read_text(encoding="utf-8")) for path in files}
    assert sum(map(len, found.values())) > len(files)
    assert {name: keys - japanese for name, keys in found.items() if keys - japanese} == {}


@pytest.mark.parametrize(
    ("source", "keys"),
    [
        ('{% translate "Close" %}', {"Close"}),
        ("{% translate 'Close' context 'share' %}", {"share\x04Close"}),
        ('{{ _("Close")|upper }}', {"Close"}),
        ("{% blocktranslate with n=rows|length %}{{ n }} of 5 %{% endblocktranslate %}", {"%(n)s of 5 %%"}),
        (
            "{% blocktranslate count n=rows %}{{ n }} row{% plural %}{{ n }} rows{% endblocktranslate %}",
            {"%(n)s row\0%(n)s rows"},
        ),
        ("{% comment %}{% translate 'Close' %}{% endcomment %}<p>Close</p>", set()),
    ],
)
def test_what_counts_as_marked_in_a_page(source: str, keys: set[Key]) -> None:
    assert marked_in_a_page(source) == keys


@pytest.mark.parametrize(
    ("call", "keys"),
    [
        ('_("Close")', {"Close"}),
        ('_("Close" " it")', {"Close it"}),
        ('ngettext("%s row", "%s rows", n)', {"%s row\0%s rows"}),
        ('pgettext("share", "Close")', {"share\x04Close"}),
        ("_(label)", set()),
        ("pgettext(app, 'Close')", set()),
        ('other("Close")', set()),
    ],
)
def test_what_counts_as_marked_in_code(call: str, keys: set[Key]) -> None:
    assert marked_in_code(f"from django.utils.translation import gettext as _, ngettext, pgettext\n{call}") == keys
