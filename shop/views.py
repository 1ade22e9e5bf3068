"""Covers: drawn from the catalogue, cached by browsers for as long as the title stays."""

from __future__ import annotations

import hashlib

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from shop.covers import CoverSpec, cover_svg
from shop.models import Edition, Series

_LABELS = {"deluxe": "Deluxe", "omnibus": "Omnibus", "box_set": "Box set", "ebook": "ebook"}


@require_safe
def edition_cover(request: HttpRequest, asin: str) -> HttpResponse:
    edition = Edition.objects.select_related("series").filter(pk=asin).first()
    if edition is None:
        raise Http404
    volumes = edition.volumes
    label = "" if not volumes else str(volumes[0]) if len(volumes) == 1 else f"{volumes[0]}–{volumes[-1]}"
    return _svg(request, _spec(edition.series, edition.format, edition.language, label))


@require_safe
def series_cover(request: HttpRequest, series_id: str) -> HttpResponse:
    """``?language=ja``: lettered in Japanese."""
    series = Series.objects.filter(pk=series_id).first()
    if series is None:
        raise Http404
    language = "ja" if request.GET.get("language") == "ja" else "en"
    return _svg(request, _spec(series, "paperback", language, ""))


def _spec(series: Series, format: str, language: str, volume_label: str) -> CoverSpec:
    return CoverSpec(
        series_id=series.pk,
        title=series.title,
        native_title=series.native_title,
        authors=tuple(series.native_authors if language == "ja" and series.native_authors else series.authors),
        demographic=series.demographic,
        genres=tuple(series.genres),
        format=format,
        language=language,
        volume_label=volume_label,
        edition_label=_LABELS.get(format, ""),
    )


def _svg(request: HttpRequest, spec: CoverSpec) -> HttpResponse:
    body = cover_svg(spec).encode()
    etag = f'"{hashlib.sha256(body).hexdigest()[:24]}"'
    if request.headers.get("If-None-Match") == etag:
        response = HttpResponse(status=304)
    else:
        response = HttpResponse(body, content_type="image/svg+xml; charset=utf-8")
    response["ETag"] = etag
    response["Cache-Control"] = "public, max-age=86400"
    # A page of another shop may show it.
    response["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response
