"""Covers: valid, safe and the same every time, whatever a title brings."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from shop.covers import CoverSpec, cover_svg


def spec(title: str = "Berserk", **more: object) -> CoverSpec:
    fields: dict[str, object] = {
        "series_id": "berserk", "title": title, "native_title": "ベルセルク", "authors": ("Kentaro Miura",),
        "demographic": "seinen", "genres": ("dark fantasy",), "format": "paperback", "language": "en",
        "volume_label": "3", "edition_label": "",
    }  # fmt: skip
    return CoverSpec(**(fields | more))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "title",
    ["Berserk", "<script>alert(1)</script>", "\"'&", "🙂" * 40, "x" * 200, "鬼滅の刃", "a b " * 50, "\x00\x1f", ""],
)
@pytest.mark.parametrize("format", ["paperback", "deluxe", "box_set", "omnibus", "ebook"])
def test_any_title_makes_a_safe_document(title: str, format: str) -> None:
    svg = cover_svg(spec(title, format=format, edition_label=format))
    ElementTree.fromstring(svg)
    assert "<script" not in svg
    assert "style=" not in svg
    assert "href" not in svg


@pytest.mark.parametrize(
    "genre", ["horror", "sports", "science fiction", "historical", "romance", "mystery", "slice of life", "none"]
)
def test_every_genre_is_drawn(genre: str) -> None:
    svg = cover_svg(spec(genres=(genre,)))
    assert len(ElementTree.fromstring(svg)) > 8
    assert len(svg) < 64_000


def test_a_series_is_a_family_and_its_volumes_differ() -> None:
    one, again, two = cover_svg(spec()), cover_svg(spec()), cover_svg(spec(volume_label="4"))
    assert one == again
    assert one != two
    ground = 'height="600" fill="'
    assert one.split(ground)[1][:7] == two.split(ground)[1][:7]


@pytest.mark.parametrize(
    ("title", "lines"),
    [
        ("Barakamon", ["Barakamon"]),
        ("Cardcaptor Sakura", ["Cardcaptor", "Sakura"]),
        ("Berserk", ["Berserk"]),
        ("Nodame Cantabile", ["Nodame", "Cantabile"]),
    ],
)
def test_a_title_keeps_its_words_whole(title: str, lines: list[str]) -> None:
    drawn = ElementTree.fromstring(cover_svg(spec(title, volume_label="")))
    texts = [each.text for each in drawn.iter("{http://www.w3.org/2000/svg}text") if each.get("x") == "32"]
    assert texts[: len(lines)] == lines
    assert texts[len(lines)] == "Kentaro Miura"
