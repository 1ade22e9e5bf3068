"""Tables of single benchmarks find their place on the page of all."""

from __future__ import annotations

from datetime import date

from bench.report import REPORT, with_tables
from bench.tables import Table

PAGE = """# Benchmarks

How to read it.

## One

| a   |
|-----|
| old |

Of then.

## Two

| b   |
|-----|
| two |
"""
DAY = date(2026, 11, 28)


def table(title: str, cell: str) -> Table:
    return Table(title=title, columns=["a"], rows=[[cell]], note="Of now.")


def test_a_table_takes_the_place_of_the_one_before() -> None:
    page = with_tables(PAGE, [table("One", "new")], DAY)
    assert "old" not in page
    assert page.index("| new |") < page.index("## Two")
    assert "Of now.\n\nMeasured on 2026-11-28.\n\n## Two" in page
    assert page.startswith("# Benchmarks\n\nHow to read it.\n\n## One")
    assert "| two |" in page


def test_a_new_one_is_the_last() -> None:
    page = with_tables(PAGE, [table("Three", "3")], DAY)
    assert [line for line in page.splitlines() if line.startswith("## ")] == ["## One", "## Two", "## Three"]


def test_a_run_of_all_says_anew_how_to_read_it() -> None:
    page = with_tables(PAGE, [table("One", "new")], DAY, "# Benchmarks\n\nHow it is read now.\n")
    assert page.startswith("# Benchmarks\n\nHow it is read now.\n\n## One")
    assert "| two |" in page


def test_without_tables_the_page_stays() -> None:
    page = REPORT.read_text("utf-8")
    again = with_tables(page, [], DAY)
    assert again.split() == page.split()
    assert with_tables(again, [], DAY) == again
