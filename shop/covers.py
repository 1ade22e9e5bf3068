"""Covers drawn by ourselves: typography, colour and pattern from the series; no picture of anybody else's.

A series' volumes are a family: its id chooses palette and composition, the volume shifts the phase. Pure and
deterministic. The SVG stands alone inside ``<img>`` under a strict CSP: presentation attributes only.
"""

from __future__ import annotations

import math
import unicodedata
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 400, 600
SANS = "Hiragino Sans,Noto Sans CJK JP,Noto Sans JP,Yu Gothic,system-ui,Segoe UI,Helvetica,Arial,sans-serif"


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverSpec:
    """``volume_label``: "3", "1–3" or empty; ``edition_label``: "Deluxe", "Omnibus", "Box set", "ebook" or empty."""

    series_id: str
    title: str
    native_title: str
    authors: tuple[str, ...]
    demographic: str
    genres: tuple[str, ...]
    format: str
    language: str
    volume_label: str
    edition_label: str


@dataclass(frozen=True, slots=True)
class Palette:
    """``ground`` carries ``ink`` at 7:1 or better; ``mark`` and ``soft`` are for shapes."""

    ground: str
    ink: str
    mark: str
    soft: str


_DARK = (
    Palette("#15131a", "#f7f1e6", "#c5301d", "#332d3d"),
    Palette("#0f1c1f", "#eef3ea", "#d9a441", "#21393d"),
    Palette("#1b1424", "#f5edf7", "#8f6bd1", "#34274a"),
    Palette("#191512", "#f6efe3", "#b5793a", "#39302a"),
)
_LIGHT = (
    Palette("#f6efe2", "#1d1a20", "#c5301d", "#e6d8c1"),
    Palette("#e9f0ea", "#14261f", "#2f7d5b", "#cfe0d3"),
    Palette("#fbeee9", "#2a1518", "#d4546a", "#f3d3cb"),
    Palette("#e8eef7", "#131d33", "#2f5fae", "#cdd9ec"),
    Palette("#fdf3d4", "#2a2108", "#d98a00", "#f4e0a0"),
    Palette("#f1ebf8", "#221533", "#7a4fb5", "#ddd0ec"),
)
_GRIM = frozenset({"horror", "dark fantasy", "thriller", "psychological", "crime", "mystery"})

Art = Callable[[Palette, float, int], Iterator[str]]


def _number(value: float) -> str:
    return f"{value:.1f}".rstrip("0").rstrip(".")


def _shape(name: str, **attributes: float | str) -> str:
    written = "".join(
        f' {key.replace("_", "-")}="{_number(value) if isinstance(value, float) else value}"'
        for key, value in attributes.items()
    )
    return f"<{name}{written}/>"


# --- Compositions -------------------------------------------------------------------------------------------


def _sun(palette: Palette, phase: float, seed: int) -> Iterator[str]:
    """A sun over ranges of hills."""
    x, y = 120.0 + 160 * phase, 230.0 - 40 * math.sin(phase * math.tau)
    yield _shape("circle", cx=x, cy=y, r=118.0, fill=palette.mark)
    for layer in range(4):
        top = 340.0 + 48 * layer
        points = " ".join(
            f"{_number(i * 50)},{_number(top + 34 * math.sin(i * 0.9 + layer * 1.7 + seed + phase * 6))}"
            for i in range(9)
        )
        opacity = _number(0.35 + 0.2 * layer)
        yield f'<polygon points="0,600 {points} 400,600" fill="{palette.soft}" fill-opacity="{opacity}"/>'


def _speed_lines(palette: Palette, phase: float, seed: int) -> Iterator[str]:
    """Lines that run to one point, as in a page of action."""
    cx, cy = 200 + 60 * math.cos(phase * math.tau), 300 + 60 * math.sin(phase * math.tau)
    for i in range(72):
        angle = i / 72 * math.tau + (seed % 7) * 0.01
        inner = 130 + ((i * 37 + seed) % 11) * 9
        half = 0.008 + ((i * 53 + seed) % 5) * 0.004
        ends = [(inner, angle), (620, angle - half), (620, angle + half)]
        points = " ".join(f"{_number(cx + r * math.cos(a))},{_number(cy + r * math.sin(a))}" for r, a in ends)
        yield f'<polygon points="{points}" fill="{palette.mark if i % 6 == 0 else palette.soft}"/>'


def _waves(palette: Palette, phase: float, seed: int) -> Iterator[str]:
    """Seigaiha: overlapping scales of the sea."""
    for row in range(12):
        for column in range(-1, 8):
            x = column * 60.0 + (30 if row % 2 else 0)
            y = 250 + row * 32.0
            lit = (row * 7 + column * 3 + seed + round(phase * 12)) % 9 == 0
            for ring, radius in enumerate((30.0, 21.0, 12.0)):
                fill = palette.mark if lit and ring != 1 else palette.soft if ring % 2 == 0 else palette.ground
                yield _shape("circle", cx=x, cy=y, r=radius, fill=fill, stroke=palette.ground, stroke_width=1.5)


def _halftone(palette: Palette, phase: float, seed: int) -> Iterator[str]:
    """A screentone that swells around a moon."""
    cx, cy = 200 + 110 * math.cos(phase * math.tau + seed), 330 + 90 * math.sin(phase * math.tau + seed)
    yield _shape("circle", cx=cx, cy=cy, r=95.0, fill=palette.mark)
    for row in range(22):
        for column in range(15):
            x, y = column * 28 + (14 if row % 2 else 0), 170 + row * 20.0
            distance = math.hypot(x - cx, y - cy)
            radius = max(0.0, 9.5 - distance / 34)
            if radius > 0.8:
                yield _shape("circle", cx=float(x), cy=y, r=radius, fill=palette.soft)


def _petals(palette: Palette, phase: float, seed: int) -> Iterator[str]:
    """Flowers in a loose wreath."""
    for flower in range(9):
        angle = flower / 9 * math.tau + phase * math.tau / 3
        x, y = 200 + 150 * math.cos(angle), 350 + 175 * math.sin(angle)
        size = 22 + ((seed >> flower) % 4) * 7
        fill = palette.mark if flower % 3 == 0 else palette.soft
        for petal in range(5):
            turn = petal * 72 + flower * 17
            yield (
                f'<ellipse cx="{_number(x)}" cy="{_number(y - size * 0.62)}" rx="{_number(size * 0.42)}" '
                f'ry="{_number(size * 0.66)}" fill="{fill}" transform="rotate({turn} {_number(x)} {_number(y)})"/>'
            )
        yield _shape("circle", cx=x, cy=y, r=size * 0.2, fill=palette.ground)


def _skyline(palette: Palette, phase: float, seed: int) -> Iterator[str]:
    """A city at night, windows lit at random."""
    yield _shape("circle", cx=300.0 - 180 * phase, cy=230.0, r=62.0, fill=palette.mark)
    for house in range(11):
        wide = 30 + (seed >> house) % 3 * 9
        high = 110 + (seed * (house + 3)) % 210
        x = house * 38.0 - 8
        yield _shape("rect", x=x, y=600.0 - high, width=float(wide), height=float(high), fill=palette.soft)
        for floor in range(0, high - 22, 24):
            if (seed + house * 5 + floor + round(phase * 10)) % 7 < 2:
                yield _shape("rect", x=x + 8, y=612.0 - high + floor, width=7.0, height=10.0, fill=palette.mark)


def _panels(palette: Palette, phase: float, seed: int) -> Iterator[str]:
    """A page of empty panels, cut aslant; one of them is full of colour."""
    tilt = 26 * math.sin(phase * math.tau + seed)
    rows = ((180, 300), (312, 440), (452, 590))
    for row, (top, bottom) in enumerate(rows):
        cut = 130 + (seed >> row) % 140
        slant = tilt * (1 if row % 2 else -1)
        lit = (seed + row + round(phase * 6)) % 2
        for side, (a, b, c, d) in enumerate(
            ((28, cut + slant, cut - slant, 28), (cut + slant + 12, 372, 372, cut - slant + 12))
        ):
            fill = palette.mark if side == lit and row == seed % 3 else palette.soft
            points = f"{_number(a)},{top} {_number(b)},{top} {_number(c)},{bottom} {_number(d)},{bottom}"
            yield f'<polygon points="{points}" fill="{fill}"/>'


def _brush(palette: Palette, phase: float, seed: int) -> Iterator[str]:
    """One turn of a loaded brush: a circle that does not close."""
    turn = 40 + 280 * phase
    for stroke in range(7):
        radius = 128 + stroke * 5.5
        dash = f"{_number(radius * (4.6 + (seed >> stroke) % 5 * 0.16))} 2000"
        width = 7.5 - abs(stroke - 3) * 1.1
        yield (
            f'<circle cx="200" cy="350" r="{_number(radius)}" fill="none" stroke="{palette.mark}" '
            f'stroke-width="{_number(width)}" stroke-linecap="round" stroke-dasharray="{dash}" '
            f'stroke-opacity="{_number(0.55 + 0.12 * (3 - abs(stroke - 3)))}" '
            f'transform="rotate({_number(turn + stroke * 2.3)} 200 350)"/>'
        )


def _stars(palette: Palette, phase: float, seed: int) -> Iterator[str]:
    """Orbits, a planet, and stars."""
    for star in range(60):
        x, y = (star * 97 + seed) % 400, 150 + (star * 61 + seed // 7) % 440
        yield _shape("circle", cx=float(x), cy=float(y), r=0.8 + star % 3 * 0.7, fill=palette.soft)
    for orbit in range(4):
        yield (
            f'<ellipse cx="200" cy="360" rx="{90 + orbit * 42}" ry="{34 + orbit * 17}" fill="none" stroke="{palette.soft}" '
            f'stroke-width="2.5" transform="rotate({_number(-22 + 30 * phase)} 200 360)"/>'
        )
    yield _shape("circle", cx=200.0, cy=360.0, r=58.0, fill=palette.mark)
    angle = phase * math.tau
    yield _shape("circle", cx=200 + 150 * math.cos(angle), cy=360 + 62 * math.sin(angle), r=13.0, fill=palette.ink)


def _lattice(palette: Palette, phase: float, seed: int) -> Iterator[str]:
    """Asanoha: the hemp-leaf lattice of kimono and paper doors."""
    size = 52.0
    for row in range(-1, 9):
        for column in range(-1, 9):
            x, y = column * size + (size / 2 if row % 2 else 0), 165 + row * size * 0.866
            lit = (row * 5 + column * 11 + seed + round(phase * 9)) % 8 == 0
            if lit:
                yield _shape("circle", cx=x, cy=y, r=size * 0.3, fill=palette.mark)
            path = "".join(
                f"M{_number(x)} {_number(y)}l{_number(size * 0.577 * math.cos(a))} {_number(size * 0.577 * math.sin(a))}"
                for a in (math.pi / 6 + k * math.pi / 3 for k in range(6))
            )
            yield f'<path d="{path}" stroke="{palette.soft}" stroke-width="2.6" fill="none"/>'


# What a genre is drawn as, first match first.
_BY_GENRE: tuple[tuple[str, tuple[Art, ...]], ...] = (
    ("horror", (_halftone, _brush)),
    ("sports", (_speed_lines,)),
    ("science fiction", (_stars, _skyline)),
    ("historical", (_lattice, _waves, _brush)),
    ("romance", (_petals, _halftone)),
    ("dark fantasy", (_brush, _halftone)),
    ("thriller", (_skyline, _panels)),
    ("mystery", (_skyline, _halftone)),
    ("slice of life", (_sun, _petals, _waves)),
    ("adventure", (_sun, _waves, _speed_lines)),
    ("fantasy", (_sun, _lattice, _stars)),
    ("action", (_speed_lines, _panels)),
    ("comedy", (_panels, _sun, _petals)),
)
_ANY: tuple[Art, ...] = (_sun, _waves, _panels, _lattice, _halftone)


def cover_svg(spec: CoverSpec) -> str:
    """A cover as an SVG document of 400 × 600 units."""
    seed = zlib.crc32(spec.series_id.encode())
    palette = _palette(spec, seed)
    phase = (zlib.crc32(spec.volume_label.encode()) % 97) / 97 if spec.volume_label else 0.2
    arts = next((arts for genre, arts in _BY_GENRE if genre in spec.genres), _ANY)
    art = "".join(arts[(seed >> 16) % len(arts)](palette, phase, seed))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">'
        f"<title>{escape(_clean(spec.title))}</title>"
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="{palette.ground}"/>{art}'
        f"{_lettering(spec, palette)}{_frame(spec, palette)}</svg>"
    )


def _palette(spec: CoverSpec, seed: int) -> Palette:
    dark = spec.format == "deluxe" or bool(_GRIM & set(spec.genres[:2]))
    choices = _DARK if dark else _LIGHT
    chosen = choices[(seed >> 8) % len(choices)]
    return Palette(chosen.ground, chosen.ink, "#d4af61", chosen.soft) if spec.format == "deluxe" else chosen


# --- Lettering ----------------------------------------------------------------------------------------------


def _clean(text: str) -> str:
    """Without characters that XML forbids, and no longer than a cover can bear."""
    kept = "".join(char for char in text if unicodedata.category(char) not in {"Cc", "Cs", "Cn", "Co"})
    return kept if len(kept) <= 90 else kept[:89] + "…"


def _is_broad(char: str) -> bool:
    return unicodedata.east_asian_width(char) in "WF"


def _advance(char: str) -> float:
    """Roughly how wide a bold character is, in em."""
    if _is_broad(char):
        return 1.0
    return 0.32 if char in " .,:;!'’|il" else 0.74 if char in "MWmw@" else 0.67 if char.isupper() else 0.57


def _wide(text: str) -> float:
    return sum(map(_advance, text))


def _wrap(text: str, most: float) -> list[str]:
    """Lines of at most ``most`` em; words stay whole where they can."""
    words = text.split() if _wide(text) > len(text) * 0.3 and " " in text else [text]
    lines: list[str] = [""]
    for word in words:
        joined = f"{lines[-1]} {word}".strip()
        if lines[-1] and _wide(joined) > most:
            lines.append("")
            joined = word
        lines[-1] = joined
        while _wide(lines[-1]) > most:
            cut = next(n for n in range(len(lines[-1]), 0, -1) if n == 1 or _wide(lines[-1][:n]) <= most)
            lines[-1:] = [lines[-1][:cut], lines[-1][cut:]]
    return [line for line in lines if line]


def _has_room(text: str, most: float) -> bool:
    """No word would be broken; what is written without spaces between words may break anywhere."""
    return all(_wide(word) <= most or any(map(_is_broad, word)) for word in text.split())


def _fit(text: str) -> tuple[int, list[str]]:
    """(size, lines): the largest that keeps the title in its place, and down to 28 its words whole."""
    for size in (64, 54, 46, 39, 33, 28, 24, 20):
        lines = _wrap(text, 336 / size)
        if len(lines) * size * 1.1 <= 150 and (size <= 28 or _has_room(text, 336 / size)):
            return size, lines
    return 17, _wrap(text, 336 / 17)[:8]


def _text(x: float, y: float, size: float, body: str, fill: str, **more: str) -> str:
    extra = "".join(f' {key.replace("_", "-")}="{value}"' for key, value in more.items())
    return (
        f'<text x="{_number(x)}" y="{_number(y)}" font-size="{_number(size)}" fill="{fill}"'
        f' font-family="{SANS}"{extra}>{escape(body)}</text>'
    )


def _lettering(spec: CoverSpec, palette: Palette) -> str:
    title = spec.native_title if spec.language == "ja" and spec.native_title else spec.title
    other = spec.title if spec.language == "ja" else spec.native_title
    size, lines = _fit(_clean(title))
    high = len(lines) * size * 1.1
    band = 52 + high + 28
    # The drawing fades out under the title, so that nothing of it is cut.
    fade = band + 90
    parts = [
        f'<linearGradient id="fade" x2="0" y2="1"><stop offset="{band / fade:.2f}" stop-color="{palette.ground}" '
        f'stop-opacity="0.96"/><stop offset="1" stop-color="{palette.ground}" stop-opacity="0"/></linearGradient>'
        f'<rect width="{WIDTH}" height="{_number(fade)}" fill="url(#fade)"/>'
    ]
    y = 40.0 + size * 0.82
    for line in lines:
        parts.append(_text(32, y, size, line, palette.ink, font_weight="800"))
        y += size * 1.1
    if other and _clean(other) != _clean(title):
        parts.append(_text(33, band - 12, 14, _clean(other)[:44], palette.ink, letter_spacing="1.5"))
    if spec.volume_label:
        big = 110 if len(spec.volume_label) < 3 else 64
        parts.append(
            f'<text x="372" y="556" font-size="{big}" text-anchor="end" font-weight="800" font-family="{SANS}" '
            f'fill="{palette.ink}" stroke="{palette.ground}" stroke-width="10" paint-order="stroke" '
            f'stroke-linejoin="round">{escape(spec.volume_label)}</text>'
        )
    parts.append('<rect y="566" width="400" height="34" fill="' + palette.ground + '"/>')
    parts.append(_text(32, 588, 14, _clean(" · ".join(spec.authors))[:46], palette.ink, font_weight="600"))
    return "".join(parts)


def _frame(spec: CoverSpec, palette: Palette) -> str:
    """Spine, edges, and what kind of edition it is."""
    parts = [
        '<rect width="14" height="600" fill="#000" fill-opacity="0.14"/>',
        '<rect x="14" width="3" height="600" fill="#fff" fill-opacity="0.18"/>',
        f'<path d="M378 578l5 5-5 5-5-5z" fill="{palette.mark}"/>',
    ]
    if spec.format == "deluxe":
        parts.append('<rect x="22" y="10" width="368" height="580" fill="none" stroke="#d4af61" stroke-width="3"/>')
        parts.append('<rect x="28" y="16" width="356" height="568" fill="none" stroke="#d4af61" stroke-width="1"/>')
    if spec.format == "box_set":
        parts.append(
            f'<path d="M0 0h34v600H0z" fill="{palette.mark}"/><path d="M34 0h7v600h-7z" fill="#000" fill-opacity=".3"/>'
        )
    if spec.edition_label:
        wide = 24 + _wide(spec.edition_label) * 14
        parts.append(
            f'<rect x="{_number(384 - wide)}" y="14" width="{_number(wide)}" height="26" rx="13" fill="{palette.ink}"/>'
        )
        parts.append(
            _text(384 - wide / 2, 32, 14, spec.edition_label, palette.ground, text_anchor="middle", font_weight="700")
        )
    return "".join(parts)
