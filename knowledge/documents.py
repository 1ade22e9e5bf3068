"""What a document says: Markdown, HTML, plain text or PDF as titled sections of plain text. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from html.parser import HTMLParser
from io import BytesIO
from pathlib import PurePosixPath

from markdown_it import MarkdownIt

MOST_PAGES = 500
MOST_CHARACTERS = 1_000_000
_TOO_LONG = f"it holds more than {MOST_CHARACTERS} characters"


class DocumentUnreadable(Exception):
    """Nothing can be quoted from it; the text says why, for operators."""


@dataclass(frozen=True, slots=True)
class Section:
    """``heading`` is empty before the first one. ``text``: paragraphs between blank lines."""

    heading: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadDocument:
    title: str
    locale: str
    sections: tuple[Section, ...]


def read_document(key: str, data: bytes) -> ReadDocument:
    """``key`` tells the format by its ending, the language by ``.ja.md`` or a folder ``ja/`` (else the text does).

    Raises :class:`DocumentUnreadable`.
    """
    path = PurePosixPath(key)
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise DocumentUnreadable(f"the format {path.suffix or path.name!r} is not one of {', '.join(sorted(_READERS))}")
    try:
        title, sections = reader(data)
    except DocumentUnreadable:
        raise
    except Exception as error:  # Whatever a damaged file does to its parser: it is this file's fault.
        raise DocumentUnreadable(f"it is damaged ({type(error).__name__})") from error
    sections = [Section(section.heading, text) for section in sections if (text := _clean(section.text))]
    if not sections:
        raise DocumentUnreadable("it holds no text")
    if sum(len(section.text) for section in sections) > MOST_CHARACTERS:
        raise DocumentUnreadable(_TOO_LONG)
    title = title or next((section.heading for section in sections if section.heading), "") or _name(path)
    return ReadDocument(
        title=_clean(title).replace("\n", " ")[:300], locale=_locale(path, sections), sections=tuple(sections)
    )


def category_of(key: str) -> str:
    """The key's first folder; empty for a document that lies in none."""
    folder, _, rest = key.partition("/")
    return folder[:64] if rest else ""


def _name(path: PurePosixPath) -> str:
    return path.name.split(".")[0].replace("-", " ").replace("_", " ").strip().capitalize()


def _clean(text: str) -> str:
    """No control characters, no runs of blanks, at most one empty line in a row."""
    kept = "".join(char for char in text if char in "\n\t" or unicodedata.category(char)[0] != "C")
    lines = (re.sub(r"[^\S\n]+", " ", line).strip() for line in kept.splitlines())
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


# --- Languages ----------------------------------------------------------------------------------------------------

_JAPANESE = re.compile(r"[\u3041-\u30ff\u4e00-\u9fff]")
# Japanese text is seldom free of Latin letters; English text is nearly always free of kana.
_JAPANESE_SHARE = 0.2


def _locale(path: PurePosixPath, sections: list[Section]) -> str:
    said = [suffix.lstrip(".").lower() for suffix in path.suffixes[:-1]] + [part.lower() for part in path.parts[:-1]]
    for locale in ("ja", "en"):
        if locale in said:
            return locale
    text = " ".join(section.text for section in sections)[:5_000]
    letters = sum(char.isalpha() for char in text)
    return "ja" if letters and len(_JAPANESE.findall(text)) / letters > _JAPANESE_SHARE else "en"


def _decoded(data: bytes) -> str:
    """UTF-8, or what Japanese Windows writes."""
    for encoding in ("utf-8-sig", "cp932"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise DocumentUnreadable("its characters are neither UTF-8 nor Shift_JIS")


# --- Formats ------------------------------------------------------------------------------------------------------

_SKIPPED = frozenset({"script", "style", "nav", "template", "noscript", "svg", "iframe", "form", "button"})
_HEADINGS = frozenset({"h1", "h2", "h3", "h4"})
_BLOCKS = frozenset(
    "p div section article ul ol table tr blockquote pre header footer main aside dl dt dd figure h5 h6 hr".split()
)


class _HtmlSections(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._title: list[str] = []
        # Pieces of (heading, text): to join them once is what keeps a long page cheap.
        self._pieces: list[tuple[list[str], list[str]]] = [([], [])]
        self._skipping = 0
        self._within: list[str] = []

    @property
    def title(self) -> str:
        return "".join(self._title).strip()

    @property
    def sections(self) -> list[Section]:
        return [Section(_clean("".join(heading)), "".join(text)) for heading, text in self._pieces]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _SKIPPED:
            self._skipping += 1
        elif tag in _HEADINGS:
            self._pieces.append(([], []))
            self._within.append(tag)
        elif tag == "title":
            self._within.append(tag)
        elif tag == "li":
            self._say("\n• ")
        elif tag == "br":
            self._say("\n")
        elif tag in {"td", "th"}:
            self._say(" ")
        elif tag in _BLOCKS:
            self._say("\n\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in _SKIPPED:
            self._skipping = max(0, self._skipping - 1)
        elif tag in self._within:
            del self._within[self._within.index(tag) :]
        elif tag in _BLOCKS:
            self._say("\n\n")

    def handle_data(self, data: str) -> None:
        if not self._skipping:
            # A line's end in the source is a blank on the page.
            self._say(re.sub(r"\s+", " ", data))

    def _say(self, text: str) -> None:
        heading, said = self._pieces[-1]
        if not self._within:
            said.append(text)
        elif self._within[-1] == "title":
            self._title.append(text)
        else:
            heading.append(text)


def _html_text(text: str) -> tuple[str, list[Section]]:
    parser = _HtmlSections()
    parser.feed(text)
    parser.close()
    return parser.title, parser.sections


def _html(data: bytes) -> tuple[str, list[Section]]:
    return _html_text(_decoded(data))


# CommonMark with tables; HTML inside of it is text, as its author sees it elsewhere.
_MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable("table")
_FRONT_MATTER = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)


def _markdown(data: bytes) -> tuple[str, list[Section]]:
    text = _FRONT_MATTER.sub("", _decoded(data).replace("\r\n", "\n"))
    return _html_text(_MARKDOWN.render(text))


def _plain(data: bytes) -> tuple[str, list[Section]]:
    return "", [Section("", _decoded(data))]


def _pdf(data: bytes) -> tuple[str, list[Section]]:
    # 0.2 s to load: only where there is a PDF.
    from pypdf import PdfReader
    from pypdf.errors import PyPdfError

    try:
        reader = PdfReader(BytesIO(data))
        if reader.is_encrypted and not reader.decrypt(""):
            raise DocumentUnreadable("it is encrypted")
        if len(reader.pages) > MOST_PAGES:
            raise DocumentUnreadable(f"it has more than {MOST_PAGES} pages")
        title = str((reader.metadata.title if reader.metadata else "") or "")
        sections, characters = [], 0
        for page in reader.pages:
            sections.append(Section("", page.extract_text()))
            characters += len(sections[-1].text)
            if characters > MOST_CHARACTERS:
                raise DocumentUnreadable(_TOO_LONG)
        return title, sections
    except PyPdfError as error:
        raise DocumentUnreadable(f"the PDF is damaged ({type(error).__name__})") from error


_READERS: dict[str, Callable[[bytes], tuple[str, list[Section]]]] = {
    ".md": _markdown,
    ".markdown": _markdown,
    ".html": _html,
    ".htm": _html,
    ".txt": _plain,
    ".pdf": _pdf,
}
