from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverSpec:
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


def cover_svg(spec: CoverSpec) -> str:
    return '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 600"></svg>'
