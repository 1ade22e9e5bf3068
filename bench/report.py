"""docs/benchmarks.md: every table with the day on which it was measured."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from pathlib import Path

from bench.tables import Table

REPORT = Path(__file__).resolve().parent.parent / "docs" / "benchmarks.md"


def with_tables(report: str, tables: Iterable[Table], measured: date, head: str = "") -> str:
    """The report with these tables, each in place of the one that has its title, new ones at the end, dated; and with
    this ``head``, if there is one.
    """
    old_head, *sections = re.split(r"(?m)^(?=## )", report)
    by_title = {section.splitlines()[0].removeprefix("## "): section.rstrip("\n") for section in sections}
    for table in tables:
        by_title[table.title] = f"{table.markdown().rstrip()}\n\nMeasured on {measured:%Y-%m-%d}."
    return "\n\n".join([(head or old_head).rstrip("\n"), *by_title.values()]) + "\n"


def put_into_report(tables: Iterable[Table], measured: date, head: str = "") -> None:
    REPORT.write_text(with_tables(REPORT.read_text("utf-8"), tables, measured, head), "utf-8")
