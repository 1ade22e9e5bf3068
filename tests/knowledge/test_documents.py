"""What documents say: formats, languages and damaged files; and where they are cut."""

from __future__ import annotations

from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.documents import DocumentUnreadable, category_of, read_document
from knowledge.passages import LONGEST_ANSWER, LONGEST_PASSAGE, of_answer, of_document

MARKDOWN = """---
draft: false
---
# Returns

Send it back within **30 days**. See [the form](https://example.com/form).

## Damaged books

- Take a photo
- Keep the parcel

| what | who pays |
|------|----------|
| return | we do |
"""

HTML = """<!doctype html><html><head><title>Shipping &amp; parcels</title><style>p{color:red}</style></head><body>
<nav>Home | Shop</nav><h1>Shipping</h1><p>We send on <b>weekdays</b>.<br>Not on Sunday.</p>
<script>alert("no")</script><h2>Abroad</h2><ul><li>Canada<li>Japan</ul><form>Search <input></form></body>"""


def pdf_of(*pages: str) -> bytes:
    """A small PDF, written by hand: one line of text a page."""
    objects = ["<</Type/Catalog/Pages 2 0 R>>"]
    kids = " ".join(f"{4 + 2 * n} 0 R" for n in range(len(pages)))
    objects += [f"<</Type/Pages/Kids[{kids}]/Count {len(pages)}>>", "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"]
    for n, text in enumerate(pages):
        stream = f"BT /F1 12 Tf 72 720 Td ({text}) Tj ET"
        objects.append(
            f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents {5 + 2 * n} 0 R/Resources<</Font<</F1 3 0 R>>>>>>"
        )
        objects.append(f"<</Length {len(stream)}>>stream\n{stream}\nendstream")
    out, places = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, start=1):
        places.append(len(out))
        out += f"{number} 0 obj{body}endobj\n".encode()
    table = len(out)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    out += b"".join(f"{place:010} 00000 n \n".encode() for place in places)
    return out + f"trailer<</Size {len(objects) + 1}/Root 1 0 R>>\nstartxref\n{table}\n%%EOF".encode()


def test_markdown_becomes_titled_sections() -> None:
    document = read_document("returns/how.md", MARKDOWN.encode())
    assert document.title == "Returns"
    assert [section.heading for section in document.sections] == ["Returns", "Damaged books"]
    assert document.sections[0].text == "Send it back within 30 days. See the form."
    assert "• Take a photo" in document.sections[1].text
    assert "return we do" in document.sections[1].text
    assert of_document(document)[1][0] == "Returns: Damaged books"


def test_html_is_read_without_what_is_no_text() -> None:
    document = read_document("shipping.HTML", HTML.encode())
    assert document.title == "Shipping & parcels"
    text = "\n".join(section.text for section in document.sections)
    assert "We send on weekdays.\nNot on Sunday." in text
    assert "• Canada" in text
    for word in ("alert", "color", "Home", "Search"):
        assert word not in text


def test_a_pdf_is_read_page_by_page() -> None:
    document = read_document("rules.pdf", pdf_of("Points expire after a year", "Gift cards do not"))
    assert [section.text for section in document.sections] == ["Points expire after a year", "Gift cards do not"]
    assert document.title == "Rules"


@pytest.mark.parametrize(
    ("key", "data", "locale"),
    [
        ("a.txt", b"Opening hours", "en"),
        ("a.txt", "営業時間は十時からです。".encode(), "ja"),
        ("a.txt", "営業時間は十時からです。".encode("cp932"), "ja"),
        ("a.txt", "\ufeffOpening hours".encode(), "en"),
        ("a.ja.txt", b"Opening hours", "ja"),
        ("faq/ja/a.txt", b"Opening hours", "ja"),
        ("faq/en/a.txt", "営業時間は十時からです。".encode(), "en"),
        ("a.txt", "ONE PIECE and 鬼滅の刃 are on the second floor.".encode(), "en"),
    ],
)
def test_its_language(key: str, data: bytes, locale: str) -> None:
    document = read_document(key, data)
    assert document.locale == locale
    assert document.sections[0].text[0] != "\ufeff"


@pytest.mark.parametrize(
    ("key", "category"), [("returns/a.md", "returns"), ("a.md", ""), ("faq/ja/a.md", "faq"), ("返品/a.md", "返品")]
)
def test_its_category_is_the_first_folder(key: str, category: str) -> None:
    assert category_of(key) == category


@pytest.mark.parametrize(
    ("key", "data", "reason"),
    [
        ("a.docx", b"PK", "format '.docx'"),
        ("noending", b"text", "format 'noending'"),
        ("a.txt", b"", "no text"),
        ("a.md", b"# Only a heading", "no text"),
        ("a.html", b"<script>1</script>", "no text"),
        ("a.txt", b"\xff\xfe\x81", "neither UTF-8"),
        ("a.pdf", b"not a pdf", "damaged"),
        ("a.pdf", pdf_of("Text")[:150], "damaged"),
        ("a.pdf", pdf_of("Text").replace(b"2 0 R>>", b"9 9 R>>"), "damaged"),
        ("a.pdf", pdf_of(""), "no text"),
        ("a.txt", b"x" * 2_000_001, "more than"),
    ],
)
def test_what_can_not_be_read_says_why(key: str, data: bytes, reason: str) -> None:
    with pytest.raises(DocumentUnreadable, match=reason):
        read_document(key, data)


def test_an_encrypted_pdf_says_so() -> None:
    from pypdf import PdfWriter

    writer = PdfWriter()
    writer.add_blank_page(100, 100)
    writer.encrypt("secret", algorithm="RC4-128")
    out = BytesIO()
    writer.write(out)
    with pytest.raises(DocumentUnreadable, match="encrypted"):
        read_document("a.pdf", out.getvalue())


def test_a_short_answer_stays_whole_and_a_long_text_is_cut_between_paragraphs() -> None:
    assert of_answer("Q?", "One.\n\nTwo.") == (("Q?", "One.\n\nTwo."),)
    paragraphs = [f"Paragraph {n}. " + "words and more words. " * 20 for n in range(6)]
    passages = of_document(read_document("a.txt", "\n\n".join(paragraphs).encode()))
    assert len(passages) > 1
    assert all(text.startswith("Paragraph") for _, text in passages)


@given(st.text(max_size=6000))
def test_cutting_loses_no_word_and_keeps_the_limit(text: str) -> None:
    passages = of_answer("Q?", text)
    assert all(0 < len(passage) <= LONGEST_ANSWER for _, passage in passages)
    assert "".join("".join(passage.split()) for _, passage in passages) == "".join(text.split())


def test_a_document_is_cut_shorter_than_an_answer() -> None:
    sentences = "これはとても長い文章です。" * 200
    passages = of_document(read_document("a.txt", sentences.encode()))
    assert all(len(text) <= LONGEST_PASSAGE for _, text in passages)
    assert all(text.endswith("。") for _, text in passages)
