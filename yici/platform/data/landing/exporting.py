"""Rows out again, as CSV or XLSX that a spreadsheet program opens safely: nothing in them is taken for a formula.

Streams: memory does not grow with the rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from yici.base.spreadsheets import csv_lines, safe_cell
from yici.platform.data.landing.sheet_writing import write_sheet

__all__ = ["write_csv", "write_xlsx"]


def write_csv(target: Path | TextIO, headers: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    """Write a CSV file; returns how many rows. A path gets a whole file or none."""
    if isinstance(target, Path):
        draft = target.with_name(target.name + ".draft")
        try:
            with draft.open("w", encoding="utf-8", newline="") as out:
                count = write_csv(out, headers, rows)
            draft.replace(target)
        finally:
            draft.unlink(missing_ok=True)
        return count
    count = 0

    def counted() -> Iterator[Sequence[Any]]:
        nonlocal count
        for count, row in enumerate(rows, start=1):  # noqa: B007 - the last number is the count
            yield row

    for line in csv_lines(headers, counted()):
        target.write(line)
    return count


def write_xlsx(target: BinaryIO, headers: Sequence[str], rows: Iterable[Sequence[Any]], title: str = "数据") -> int:
    """Write a workbook with one sheet; returns how many rows. Every text cell is text, never a formula."""
    return write_sheet(target, title, headers, ([safe_cell(value) for value in row] for row in rows))
